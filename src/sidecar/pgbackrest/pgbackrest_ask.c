/*
 * pgbackrest_ask.c
 *		See pgbackrest_ask.h.
 */
#include "sidecar/pgbackrest/pgbackrest_ask.h"

#include "common/visible.h"
#include "program/pgbackrest_log.h"
#include "program/process.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

/* Read the log. Its lines are made visible; false when memory ran out. */
static bool
read_log(PgbackrestRun *run, const char *text, size_t length)
{
	StrBuf lines;
	char *save;
	bool ok;

	strbuf_init(&lines);
	strbuf_append(&lines, text, length);
	pgbr_make_visible(&lines);
	ok = !lines.failed;
	if (ok && lines.length > 0)
	{
		for (char *line = strtok_r(lines.data, "\n", &save); line;
			 line = strtok_r(NULL, "\n", &save))
			pgbackrest_run_line(run, line);
	}
	strbuf_done(&lines);
	return ok;
}

/* A program that is none of pgbackrest's may say in any form why it failed. */
static void
take_first_line(PgbackrestRun *run, StrBuf *text)
{
	if (run->message[0])
		return;
	strbuf_keep_line(text);
	pgbr_copy_visible(run->message, sizeof(run->message), text->data);
}

static bool
read_output(ProcessOutput *output, PgbackrestAnswer *answer, PgbrError *error)
{
	size_t log = pgbackrest_log_length(output->out.data, output->out.length);

	if (!read_log(&answer->log, output->out.data, log) ||
		!read_log(&answer->log, output->err.data, output->err.length))
		return pgbr_error_set(error, PGBR_ERROR_INTERNAL, "out of memory");
	if (log > 0)
	{
		output->out.length -= log;
		memmove(output->out.data, output->out.data + log, output->out.length + 1);
	}
	answer->text = output->out;
	strbuf_init(&output->out);
	return true;
}

/* What its end means, after what it has printed was read. */
static bool
conclude(ProcessOutput *output, const char *verb, PgbackrestAnswer *answer, PgbrError *error)
{
	char hint[sizeof(error->hint)];

	if (WIFSIGNALED(output->status))
	{
		answer->killed = true;
		return pgbr_error_set(error, PGBR_ERROR_PGBACKREST, "pgbackrest %s was killed", verb);
	}
	answer->exit_code = WEXITSTATUS(output->status);
	if (answer->exit_code == 0)
		return true;
	take_first_line(&answer->log, &output->err);
	pgbackrest_run_hint(&answer->log, answer->exit_code, hint, sizeof(hint));
	if (answer->log.message[0])
		pgbr_error_set(error, PGBR_ERROR_PGBACKREST, "%s", answer->log.message);
	else
		pgbr_error_set(error, PGBR_ERROR_PGBACKREST, "pgbackrest %s gave no message", verb);
	return pgbr_error_hint(error, "%s", hint);
}

/* The verb stands behind the options; a path or a file may follow it. */
static const char *
verb_of(const Command *command)
{
	for (int i = 1; i < command->count; i++)
	{
		if (strncmp(command->argv[i], "--", 2) != 0)
			return command->argv[i];
	}
	return "";
}

bool
pgbackrest_ask(Command *command, const PgbackrestLimits *limits, PgbackrestAnswer *answer,
			   PgbrError *error)
{
	ProcessOutput output;
	bool ok;

	*answer = (PgbackrestAnswer){.exit_code = -1};
	strbuf_init(&answer->text);
	pgbackrest_run_init(&answer->log, PGBR_JOB_CHECK);
	process_output_init(&output);
	if (command->failed)
		ok = pgbr_error_set(error, PGBR_ERROR_INTERNAL, "out of memory");
	else
		ok = process_run((const char *const *) command->argv, limits->mark, limits->timeout_ms,
						 limits->max_output, limits->stop_fd, &output, error) &&
			 read_output(&output, answer, error) &&
			 conclude(&output, verb_of(command), answer, error);
	process_output_done(&output);
	command_done(command);
	return ok;
}

void
pgbackrest_answer_done(PgbackrestAnswer *answer)
{
	strbuf_done(&answer->text);
}
