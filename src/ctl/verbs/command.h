/*
 * command.h
 *		What a verb is, and the table of all of them: parsing, --help and the exit code follow from
 *		its row.
 *
 * A verb lives in a cmd_*.c, which gives a constant Command and nothing else. Its options are rows
 * whose target is an offset into its own struct of arguments, made with ARGUMENT(); the struct is
 * all zeroes before parsing, so 0 and NULL mean "not given".
 */
#ifndef PGBR_CTL_VERBS_COMMAND_H
#define PGBR_CTL_VERBS_COMMAND_H

#include "common/error.h"
#include "ctl/print/output.h"
#include "ctl/client/sidecar_client.h"
#include "program/options.h"

#include <stddef.h>

/* name, value, what --help says */
#define EXIT_CODES(X)                                                                           \
	X(OK, 0, "done")                                                                            \
	X(FAILED, 1, "the job failed, was cancelled or interrupted; or the sidecar failed")         \
	X(USAGE, 2, "wrong usage: an option, a value, a file, or a value that the sidecar refuses") \
	X(UNREACHABLE, 3, "the sidecar can't be reached, is late, or answers nonsense; TLS")        \
	X(REFUSED, 4, "the token is missing, unknown or has too small a scope")                     \
	X(NOT_FOUND, 5, "there is no such job")                                                     \
	X(NOT_NOW, 6, "not possible in the present state: conflict, queue full, unavailable")       \
	X(WAIT_OVER, 7, "the time to wait is over; the job goes on")                                \
	X(PLAN_REFUSED, 8, "the plan of a restore refuses it; nothing was changed")                 \
	X(STOPPED, 9, "a restore has stopped half-way: Patroni is paused; run it again or undo it") \
	X(INTERRUPTED, 130, "Ctrl-C; a job that was accepted goes on")

typedef enum ExitCode
{
#define X(name, value, text) EXIT_##name = value,
	EXIT_CODES(X)
#undef X
} ExitCode;

typedef struct Context
{
	SidecarClient client;
	OutputFormat format;
} Context;

typedef struct Command
{
	const char *name;		 /* one word, or two: "config render" */
	const char *operand;	 /* how --help calls it: "ID" must be given, "[ID]" may, NULL is none */
	const char *summary;	 /* for the list of verbs */
	const char *description; /* lines for its own help, each ended by a newline */
	const OptionSpec *options;
	size_t arguments_size;

	/* Do it. operand is NULL when none was given. Whatever is not EXIT_OK comes with an error that
	 * the caller prints. */
	ExitCode (*run)(Context *context, const void *arguments, const char *operand, PgbrError *error);
} Command;

/* The target of an option's row. */
#define ARGUMENT(type, member) ((void *) offsetof(type, member))

/* The exit code of an error that nobody had a better one for. */
extern ExitCode exit_code_of(const PgbrError *error);

/* Parse the command line, run the verb, tell the user; the process's exit code. */
extern int command_main(int argc, char **argv);

#endif
