/*
 * pgbackrest_ask.h
 *		Runs a command of pgbackrest that answers at once, and tells its answer from its log.
 *
 * pgbackrest_log.h says where the lines of its log may stand. A job's command, whose lines are all
 * log, is run by program/child.h. Thread-safe.
 */
#ifndef PGBR_SIDECAR_PGBACKREST_PGBACKREST_ASK_H
#define PGBR_SIDECAR_PGBACKREST_PGBACKREST_ASK_H

#include "common/error.h"
#include "common/strbuf.h"
#include "sidecar/pgbackrest/command_line.h"
#include "sidecar/pgbackrest/pgbackrest.h"

typedef struct PgbackrestAnswer
{
	StrBuf text;	   /* what it printed on standard output but for the log in front */
	int exit_code;	   /* -1: it was killed, or not run to its end */
	bool killed;	   /* by somebody else */
	PgbackrestRun log; /* of both streams */
} PgbackrestAnswer;

/* How long it may run, how much it may print, and what ends it; as process_run. */
typedef struct PgbackrestLimits
{
	const char *mark; /* or NULL */
	int timeout_ms;
	size_t max_output;
	int stop_fd; /* or -1 */
} PgbackrestLimits;

/*
 * Run a command line, which is taken over, to its end. False when it has not succeeded: PGBACKREST
 * with the words of its first error, on one line; or what process_run says. The caller ends answer
 * with pgbackrest_answer_done, also after a failure.
 */
extern bool pgbackrest_ask(Command *command, const PgbackrestLimits *limits,
						   PgbackrestAnswer *answer, PgbrError *error);
extern void pgbackrest_answer_done(PgbackrestAnswer *answer);

#endif
