/*
 * step_pgbackrest.c
 *		See step_pgbackrest.h.
 */
#include "sidecar/restore/step_pgbackrest.h"

#include "program/child.h"
#include "program/clock.h"
#include "program/process.h"
#include "sidecar/restore/recovery_server.h"
#include "sidecar/queue/job_turn.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#define WATCH_MS 500
/* for children of a pgbackrest that was killed, see job_runner.c */
#define ORPHAN_MS 1000
/* how often what yields looks around, and how long it stands still in all: its connections
 * outlive that */
#define YIELD_MS	  100
#define YIELD_MOST_MS 30000

typedef struct PgbackrestLines
{
	StepContext *context;
	PgbackrestRun *output;
	void (*on_line)(void *argument, const char *line);
	void *argument;
} PgbackrestLines;

static void
step_pgbackrest_line(void *argument, char *line)
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
 * A replica's restore stands still while the leader is recovered on the same machine: what it
 * writes would have to reach the same disk before each fsync of the server that recovers, which
 * takes three times as long then.
 */
static ChildEvent
watch_yielding(StepContext *context, Child *child)
{
	ChildEvent event = CHILD_NOTHING;
	int64_t stand_ms = YIELD_MOST_MS;
	bool stands = false;

	while (event == CHILD_NOTHING)
	{
		int64_t begin = clock_monotonic_ms();
		bool stand = stand_ms > 0 && recovery_server_is_near(context->restore);

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
step_pgbackrest_run(StepContext *context, Command *command, PgbackrestRun *output,
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
	if (!child_start(&child, (const char *const *) command->argv, context->mark,
					 step_pgbackrest_line, &lines, error))
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
