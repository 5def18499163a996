/*
 * step_tools.c
 *		See step_tools.h.
 */
#include "sidecar/restore/step_tools.h"

#include "program/clock.h"
#include "program/log.h"
#include "program/private_folder.h"
#include "sidecar/restore/step_folder.h"
#include "sidecar/postgres/postmaster.h"
#include "sidecar/postgres/postmaster_opts.h"
#include "sidecar/postgres/psql.h"
#include "sidecar/queue/job_turn.h"
#include "sidecar/queue/queue_facts.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* for the processes of a server that was killed */
#define LEAVE_MS 10000
#define POLL_MS	 50

void
step_log(StepContext *context, const char *format, ...)
{
	va_list arguments;
	char line[1024];

	va_start(arguments, format);
	vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	context->log_line(context->argument, line);
}

void
step_postgres_bin(const StepContext *context, char *bin)
{
	StrBuf text;
	PostmasterOpts opts;
	PgbrError error;
	char *slash;

	snprintf(bin, PATH_MAX, "%s", context->postgres_bin);
	if (bin[0])
		return;
	strbuf_init(&text);
	if (step_folder_read(context, "postmaster.opts", &text) &&
		postmaster_opts_read(text.data, &opts))
	{
		snprintf(bin, PATH_MAX, "%s", opts.program);
		slash = strrchr(bin, '/');
		if (slash)
			*slash = '\0';
		postmaster_opts_done(&opts);
		if (!private_folder_check_way(bin, &error))
		{
			log_error(NULL, "PostgreSQL's programs are not run from their former folder", &error);
			bin[0] = '\0';
		}
	}
	else
		/* the data directory may be lost */
		job_queue_recall(context->queue, "postgres_bin", bin, PATH_MAX);
	strbuf_done(&text);
}

bool
step_control(const StepContext *context, ControlData *control, PgbrError *error)
{
	char bin[PATH_MAX];

	step_postgres_bin(context, bin);
	return control_data_read(bin, context->data_directory, control, error);
}

/* Whether a postmaster runs, and else what will end by itself: processes of it, which see that
 * it is gone, and programs of Patroni. */
static bool
is_down(const StepContext *context, bool *leaving, PgbrError *error)
{
	Postmaster postmaster;
	const char *name;
	pid_t pid;

	*leaving = false;
	if (!postmaster_find(context->data_directory, &postmaster, error))
		return false;
	pid = postmaster.pid;
	postmaster_done(&postmaster);
	if (pid)
	{
		pgbr_error_set(error, PGBR_ERROR_CONFLICT,
					   "PostgreSQL runs on the data directory \"%s\", process %d",
					   context->data_directory, (int) pid);
		return pgbr_error_hint(error, "Stop it first; Patroni must be paused meanwhile.");
	}
	*leaving = true;
	pid = postmaster_find_writer(context->data_directory, &name);
	if (pid)
	{
		pgbr_error_set(error, PGBR_ERROR_CONFLICT,
					   "%s, process %d, writes into the data directory \"%s\"", name, (int) pid,
					   context->data_directory);
		return pgbr_error_hint(error, "Ask again when it has ended, or end it.");
	}
	if (postmaster_signal_all(context->data_directory, 0) > 0)
	{
		pgbr_error_set(error, PGBR_ERROR_CONFLICT,
					   "processes of a server that is gone still use the data directory \"%s\"",
					   context->data_directory);
		return pgbr_error_hint(error, "Ask again when they have ended, or end them.");
	}
	return postmaster_forget(context->data_directory, error);
}

bool
step_must_be_down(StepContext *context, PgbrError *error)
{
	int64_t deadline = clock_monotonic_ms() + LEAVE_MS;
	bool leaving;

	while (!is_down(context, &leaving, error))
	{
		if (!leaving || clock_monotonic_ms() >= deadline || step_is_stopped(context))
			return false;
		poll(NULL, 0, POLL_MS);
	}
	return true;
}

bool
step_is_stopped(StepContext *context)
{
	struct pollfd fd = {job_queue_stop_fd(context->queue), POLLIN, 0};

	return poll(&fd, 1, 0) > 0;
}

bool
step_psql(StepContext *context, const char *socket_folder, const char *const *commands,
		  int timeout_ms, StrBuf *out, PgbrError *error)
{
	PsqlCall call = {.config = context->config,
					 .socket_folder = socket_folder,
					 .mark = context->mark,
					 .timeout_ms = timeout_ms,
					 .stop_fd = job_queue_stop_fd(context->queue)};

	return psql_run(&call, commands, out, error);
}
