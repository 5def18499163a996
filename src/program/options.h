/*
 * options.h
 *		Command line and environment, from one table: a row is an option, and --help is made from
 *		the same rows.
 *
 * A value given on the command line wins over the environment, which wins over the default that the
 * target holds when options_parse is called. Texts are not copied: they live as long as argv and
 * the environment do.
 */
#ifndef PGBR_OPTIONS_H
#define PGBR_OPTIONS_H

#include "common/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

typedef enum OptionKind
{
	OPTION_TEXT,  /* target: const char * */
	OPTION_FLAG,  /* target: bool; set when it is given; in the environment by 1, on, true, yes */
	OPTION_COUNT, /* target: int, from minimum to maximum */
} OptionKind;

typedef struct OptionSpec
{
	const char *name; /* without the dashes; NULL ends the table */
	char letter;	  /* short form, or 0 */
	OptionKind kind;
	void *target;
	const char *argument;	 /* what --help calls the value, or NULL for a flag */
	const char *environment; /* name of the variable, or NULL */
	int minimum;
	int maximum;
	const char *help; /* one line; names the unit and the default */
	bool repeats;	  /* OPTION_TEXT only: may be given more than once; target is OptionList */
} OptionSpec;

/* The target of a row that says where in a struct of arguments the value goes: the caller turns the
 * offset into a pointer before options_parse. */
#define ARGUMENT(type, member) ((void *) offsetof(type, member))

typedef struct OptionList
{
	const char *values[32];
	int count;
} OptionList;

/*
 * Read the environment, then argv[1] onwards (argv[0] is skipped). Options and operands may be
 * mixed; "--" ends the options. The operands are moved to the front: argv[1] .. argv[*operands].
 * False on an unknown option, a missing or unwanted value, a number out of range, a text that is
 * not UTF-8, or an option given twice that does not repeat: CONFIG, with a hint that names --help.
 */
extern bool
options_parse(const OptionSpec *specs, int argc, char **argv, int *operands, PgbrError *error);

/* Print the rows as --help does. */
extern void options_print(FILE *out, const OptionSpec *specs);

#endif
