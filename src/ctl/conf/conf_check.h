/*
 * conf_check.h
 *		What is wrong with a pgbackrest.conf: pure.
 *
 * pgbackrest finds most mistakes itself, but only one at a time, and some only when the option is
 * used. Those that it ignores it reports as warnings.
 */
#ifndef PGBR_CTL_CONF_CONF_CHECK_H
#define PGBR_CTL_CONF_CONF_CHECK_H

#include "common/error.h"
#include "program/pgbackrest_file.h"

#include <stdbool.h>

#define CONF_CHECK_MAX 20

typedef struct ConfFindings
{
	PgbrError problems[CONF_CHECK_MAX]; /* pgbackrest refuses it */
	int problem_count;
	PgbrError warnings[CONF_CHECK_MAX]; /* pgbackrest ignores it, or it is unwise */
	int warning_count;
} ConfFindings;

/* True when the text is a pgbackrest.conf: its first line that is not empty or a comment begins a
 * section or holds an option. Otherwise it may be a values file. */
extern bool conf_is_pgbackrest(const char *text, size_t length);

/* Check a file that was read. name is for messages; others_can_read tells the file's mode. */
extern void conf_check(const PgbackrestFile *file, const char *name, bool others_can_read,
					   ConfFindings *findings);

/* The stanza whose settings count: the wanted one, else the only one there is, else otherwise.
 * False: CONFIG, there are several, or the wanted one is not a name. */
extern bool conf_choose_stanza(const PgbackrestFile *file, const char *wanted,
							   const char *otherwise, char *stanza, size_t size, PgbrError *error);

#endif
