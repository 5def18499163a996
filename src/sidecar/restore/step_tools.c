/*
 * step_tools.c
 *		See step_tools.h.
 */
#include "sidecar/restore/step_tools.h"

#include "program/clock.h"
#include "program/log.h"
#include "program/private_folder.h"
#include "program/process.h"
#include "program/child.h"
#include "sidecar/restore/step_folder.h"
#include "sidecar/postgres/postmaster_opts.h"
#include "sidecar/postgres/psql.h"
#include "sidecar/queue/job_turn.h"
#include "sidecar/queue/queue_facts.h"
#include "sidecar/restore/temporary_server.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define WATCH_MS 500
/* for the processes of a server that was killed */
#define LEAVE_MS 10000
#define POLL_MS	 50
/* for children of a pgbackrest that was killed, see job_runner.c */
#define ORPHAN_MS 1000
/* how often what yields looks around, and how long it stands still in all: its connections outlive that */
#define YIELD_MS	  100
#define YIELD_MOST_MS 30000

void
node_log(NodeStepContext *context, const char *format, ...)
{
	va_list arguments;
	char line[1024];

	va_start(arguments, format);
	vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	context->log_line(context->argument, line);
}

void
node_postgres_bin(const NodeStepContext *context, char *bin)
{
	StrBuf text;
	PostmasterOpts opts;
	PgbrError error;
	char *slash;

	snprintf(bin, PATH_MAX, "%s", context->postgres_bin);
	if (bin[0])
		return;
	strbuf_init(&text);
	if (node_folder_read(context, "postmaster.opts", &text) &&
		postmaster_opts_read(text.data, &opts))
	{
		snprintf(bin, PATH_MAX, "%s", opts.program);
		slash = strrchr(bin, '/');
		if (slash)
			*slash = '\0';
		postmaster_opts_done(&opts);
		if (!private_folder_check_way(bin, &error))
		{
			log_error(NULL, "PostgreSQL's programs are not run from where they were", &error);
			bin[0] = '\0';
		}
	}
	else
		/* the data directory may be lost */
		job_queue_recall(context->queue, "postgres_bin", bin, PATH_MAX);
	strbuf_done(&text);
}

bool
node_control(const NodeStepContext *context, ControlData *control, PgbrError *error)
{
	char bin[PATH_MAX];

	node_postgres_bin(context, bin);
	return control_data_read(bin, context->data_directory, control, error);
}

bool
node_forget_standby(const NodeStepContext *context, PgbrError *error)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/standby.signal", context->data_directory);
	return unlink(path) == 0 || errno == ENOENT ||
		   pgbr_error_set(error, PGBR_ERROR_STORAGE, "could not remove file \"%s\": %s", path,
						  strerror(errno));
}

/* Whether a postmaster runs, and else what will end by itself: processes of it, which see that it is gone, and programs
 * of Patroni. */
static bool
is_down(const NodeStepContext *context, bool *leaving, PgbrError *error)
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
node_must_be_down(NodeStepContext *context, PgbrError *error)
{
	int64_t deadline = clock_monotonic_ms() + LEAVE_MS;
	bool leaving;

	while (!is_down(context, &leaving, error))
	{
		if (!leaving || clock_monotonic_ms() >= deadline || node_is_stopped(context))
			return false;
		poll(NULL, 0, POLL_MS);
	}
	return true;
}

typedef struct PgbackrestLines
{
	NodeStepContext *context;
	PgbackrestRun *output;
	void (*on_line)(void *argument, const char *line);
	void *argument;
} PgbackrestLines;

static void
take_line(void *argument, char *line)
{
	PgbackrestLines *lines = argument;

	if (pgbackrest_run_line(lines->output, line))
		lines->context->log_line(lines->context->argument, line);
	if (lines->on_line)
		lines->on_line(lines->argument, line);
	job_queue_progress(lines->context->queue, &lines->output->progress);
}

static bool
fail_by_status(const PgbackrestRun *output, int status, Job *job, PgbrError *error)
{
	if (WIFSIGNALED(status))
	{
		strcpy(job->error, "killed");
		pgbr_error_set(error, PGBR_ERROR_PGBACKREST, "pgbackrest was killed by signal %d",
					   WTERMSIG(status));
		return pgbr_error_hint(error, "Ask for it again.");
	}
	job->exit_code = WEXITSTATUS(status);
	pgbr_copy_text(job->error, sizeof(job->error), pgbackrest_error_name(job->exit_code));
	pgbackrest_run_hint(output, job->exit_code, job->hint, sizeof(job->hint));
	return pgbr_error_set(error, PGBR_ERROR_PGBACKREST, "%s",
						  output->message[0] ? output->message : "pgbackrest gave no message");
}

/*
 * A replica's restore stands still while the leader is recovered on the same machine: what it writes would have to
 * reach the same disk before each fsync of the server that recovers, which takes three times as long then.
 */
static ChildEvent
watch_yielding(NodeStepContext *context, Child *child)
{
	ChildEvent event = CHILD_NOTHING;
	int64_t stand_ms = YIELD_MOST_MS;
	bool stands = false;

	while (event == CHILD_NOTHING)
	{
		int64_t begin = clock_monotonic_ms();
		bool stand = stand_ms > 0 && temporary_server_is_near(context->restore);

		if (stand != stands)
			process_signal(&child->process, stand ? SIGSTOP : SIGCONT);
		stands = stand;
		event = child_watch(child, job_queue_stop_fd(context->queue), YIELD_MS);
		if (stands)
			stand_ms -= clock_monotonic_ms() - begin;
	}
	if (stands)
		process_signal(&child->process, SIGCONT);
	return event;
}

bool
node_run_pgbackrest(NodeStepContext *context, Command *command, PgbackrestRun *output,
					void (*on_line)(void *argument, const char *line), void *argument, Job *job,
					PgbrError *error)
{
	PgbackrestLines lines = {context, output, on_line, argument};
	int stop_ms = context->config->stop_timeout * 1000;
	ChildEvent event = CHILD_NOTHING;
	Child child;
	int status;

	if (command->failed)
		return pgbr_error_set(error, PGBR_ERROR_INTERNAL, "out of memory");
	if (!child_start(&child, (const char *const *) command->argv, context->mark, take_line, &lines,
					 error))
		return pgbr_error_hint(error, "Check --pgbackrest of the sidecar.");
	if (command->yields)
	{
		process_yield(&child.process);
		event = watch_yielding(context, &child);
	}
	while (event == CHILD_NOTHING)
		event = child_watch(&child, job_queue_stop_fd(context->queue), WATCH_MS);
	if (event == CHILD_STOP)
		child_stop(&child, stop_ms);
	status = child_end(&child, event == CHILD_STOP ? 0 : ORPHAN_MS);
	if (event == CHILD_STOP)
		return pgbr_error_set(error, PGBR_ERROR_ABORTED, "pgbackrest was stopped");
	return (WIFEXITED(status) && WEXITSTATUS(status) == 0) ||
		   fail_by_status(output, status, job, error);
}

bool
node_psql(NodeStepContext *context, const char *socket_folder, const char *const *commands,
		  int timeout_ms, StrBuf *out, PgbrError *error)
{
	PsqlCall call = {.config = context->config,
					 .socket_folder = socket_folder,
					 .mark = context->mark,
					 .timeout_ms = timeout_ms,
					 .stop_fd = job_queue_stop_fd(context->queue)};

	return psql_run(&call, commands, out, error);
}

int
node_count_ready(const char *data_directory)
{
	char path[PATH_MAX];
	struct dirent *entry;
	int count = 0;
	DIR *folder;

	snprintf(path, sizeof(path), "%s/pg_wal/archive_status", data_directory);
	folder = opendir(path);
	while (folder && (entry = readdir(folder)) != NULL)
	{
		const char *dot = strrchr(entry->d_name, '.');

		count += dot && strcmp(dot, ".ready") == 0;
	}
	if (folder)
		closedir(folder);
	return count;
}
