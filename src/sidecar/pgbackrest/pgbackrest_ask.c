/*
 * pgbackrest_ask.c
 *		See pgbackrest_ask.h.
 */
#include "sidecar/pgbackrest/pgbackrest_ask.h"

#include "common/visible.h"
#include "program/process.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

/* "2026-11-30 08:15:00.123 ", which may be missing. */
static const char *
skip_time(const char *line, const char *end)
{
	static const char form[] = "0000-00-00 00:00:00.000 ";
	const char *at = line;

	for (size_t i = 0; i < sizeof(form) - 1; i++, at++)
	{
		if (at == end || (form[i] == '0' ? *at < '0' || *at > '9' : *at != form[i]))
			return line;
	}
	return at;
}

/* "P00   ", which may be missing, too. */
static const char *
skip_process(const char *line, const char *end)
{
	const char *at = line;

	if (at == end || *at != 'P')
		return line;
	for (at++; at < end && *at >= '0' && *at <= '9';)
		at++;
	if (at == line + 1 || at == end || *at != ' ')
		return line;
	while (at < end && *at == ' ')
		at++;
	return at;
}

static bool
begins_log(const char *line, const char *end)
{
	static const char *const levels[] = {
		"ASSERT: ", "ERROR: ", "WARN: ", "INFO: ", "DETAIL: ", "DEBUG: ", "TRACE: "};
	const char *level = skip_process(skip_time(line, end), end);

	for (size_t i = 0; i < LENGTH(levels); i++)
	{
		size_t length = strlen(levels[i]);

		if ((size_t) (end - level) >= length && memcmp(level, levels[i], length) == 0)
			return true;
	}
	return false;
}

size_t
pgbackrest_log_length(const char *text, size_t length)
{
	size_t at = 0;

	while (at < length)
	{
		const char *line = text + at;
		const char *newline = memchr(line, '\n', length - at);
		const char *end = newline ? newline : text + length;

		/* what belongs to the line before is indented */
		if (!begins_log(line, end) && (at == 0 || *line != ' '))
			break;
		at = (size_t) (end - text) + (newline != NULL);
	}
	return at;
}

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
