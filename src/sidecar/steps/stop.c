/*
 * stop.c
 *		Step node-stop: the PostgreSQL of the data directory is shut down, and what the later steps
 *		need of it is saved first. Step node-unfence: it may be started again.
 *
 * With a fence the server stays down until it is lifted, whoever wants to start it: see fence.h.
 *
 * A fast shutdown waits until all WAL is archived; where the repository is away it waits for ever,
 * though the checkpoint that matters is on disk by then. Hence the limit, after which the server is
 * ended at once.
 */
#include "sidecar/postgres/fence.h"
#include "sidecar/restore/step_folder.h"
#include "sidecar/restore/step_tools.h"

#include "program/clock.h"
#include "sidecar/postgres/member.h"
#include "sidecar/queue/job_turn.h"

#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define QUIT_MS	   30000
#define KILL_MS	   10000
#define ORPHANS_MS 10000
#define POLL_MS	   20

/* A standby has no WAL to archive. */
#define STANDBY_SECONDS 30

/* So often a server may slip in between its predecessor's end and the fence. */
#define FENCE_TRIES 5

/* A server that answers but is not seen from here runs in a container of its own. */
static bool
check_unseen(NodeStepContext *context, PgbrError *error)
{
	Node node;

	node_read(context->config, job_queue_stop_fd(context->queue), &node);
	if (!node.running || strcmp(node.data_directory, context->data_directory) != 0)
		return true;
	pgbr_error_set(error, PGBR_ERROR_CONFLICT,
				   "PostgreSQL answers, but its process is not seen from here");
	return pgbr_error_hint(error,
						   "Where PostgreSQL runs in a container of its own, let the sidecar "
						   "share its process namespace and its user.");
}

/* Signal and wait; true when it has ended. Only a time-out leaves *late set. */
static bool
end_by(const Postmaster *postmaster, int signal_number, int ms, int stop_fd, bool *late,
	   PgbrError *error)
{
	*late = false;
	if (!postmaster_signal(postmaster, signal_number, error))
		return false;
	if (postmaster_wait(postmaster, ms, stop_fd, error))
		return true;
	*late = error->code == PGBR_ERROR_TIMEOUT;
	return false;
}

static bool
end_server(NodeStepContext *context, const Postmaster *postmaster, int seconds, const char **how,
		   PgbrError *error)
{
	int stop_fd = job_queue_stop_fd(context->queue);
	bool late;

	*how = "fast";
	if (end_by(postmaster, SIGINT, seconds * 1000, stop_fd, &late, error))
		return true;
	if (!late)
		return false;
	node_log(context, "PostgreSQL has not shut down after %d s: ending it at once", seconds);
	*how = "immediate";
	if (end_by(postmaster, SIGQUIT, QUIT_MS, -1, &late, error))
		return true;
	return late && end_by(postmaster, SIGKILL, KILL_MS, -1, &late, error);
}

/* Children of a postmaster that was killed notice its end by themselves, but one in mid system call
 * late. */
static bool
end_orphans(NodeStepContext *context, PgbrError *error)
{
	int64_t deadline = clock_monotonic_ms() + ORPHANS_MS;

	while (postmaster_signal_all(context->data_directory, 0) > 0)
	{
		bool late = clock_monotonic_ms() >= deadline;

		if (late && clock_monotonic_ms() >= deadline + KILL_MS)
			return pgbr_error_set(error, PGBR_ERROR_TIMEOUT,
								  "processes of a PostgreSQL that has ended do not end");
		if (late)
			postmaster_signal_all(context->data_directory, SIGKILL);
		poll(NULL, 0, POLL_MS);
	}
	return true;
}

/* End the server that runs now, if one does. */
static bool
stop_server(NodeStepContext *context, int seconds, bool *was_running, const char **how,
			PgbrError *error)
{
	bool fenced = fence_stands(context->data_directory);
	Postmaster postmaster;
	PgbrError ignored;
	bool ok = postmaster_find(context->data_directory, &postmaster, error);

	*was_running = ok && postmaster.pid != 0;
	if (!ok)
		return false;
	/* one that runs behind a fence was started just before it; it needs the file to shut down */
	ok = *was_running ? fence_lift(context->data_directory, error) &&
							end_server(context, &postmaster, seconds, how, error)
					  : check_unseen(context, error);
	postmaster_done(&postmaster);
	ok = ok && end_orphans(context, error);
	/* not from under a server that still runs */
	if (!ok && fenced && postmaster_find(context->data_directory, &postmaster, &ignored) &&
		postmaster.pid == 0)
		(void) fence_raise(context->data_directory, NULL);
	postmaster_done(&postmaster);
	return ok;
}

static json_t *
describe_control(NodeStepContext *context)
{
	ControlData control;
	PgbrError error;

	if (node_control(context, &control, &error))
		return control_data_json(&control);
	/* a data directory that is lost or damaged is no reason not to restore it */
	node_log(context, "%s", error.message);
	return json_null();
}

/* Patroni may be at work with a program of its own, which is let end, or is ended. */
static bool
end_writers(NodeStepContext *context, int seconds, bool *found, PgbrError *error)
{
	int64_t deadline = clock_monotonic_ms() + seconds * 1000;
	pid_t last = 0;
	const char *name;
	pid_t pid;

	*found = false;
	while ((pid = postmaster_find_writer(context->data_directory, &name)) != 0)
	{
		int64_t late = clock_monotonic_ms() - deadline;

		*found = true;
		if (node_is_stopped(context))
			return pgbr_error_set(error, PGBR_ERROR_ABORTED, "stopped while waiting for %s", name);
		if (pid != last)
			node_log(context, "waiting for up to %d s for %s, process %d, to end", seconds, name,
					 (int) pid);
		last = pid;
		if (late >= QUIT_MS + KILL_MS)
			return pgbr_error_set(error, PGBR_ERROR_TIMEOUT, "%s, process %d, does not end", name,
								  (int) pid);
		if (late >= 0)
			kill(pid, late >= QUIT_MS ? SIGKILL : SIGTERM);
		poll(NULL, 0, POLL_MS);
	}
	return true;
}

/* Fence off what was stopped. What was started meanwhile is stopped as well; a program that has ended in between has
 * put the file back that the fence has taken. */
static bool
fence(NodeStepContext *context, int seconds, const char **how, PgbrError *error)
{
	for (int i = 0; i < FENCE_TRIES; i++)
	{
		bool was_running;
		bool was_written;

		if (!fence_raise(context->data_directory, error) ||
			!stop_server(context, seconds, &was_running, how, error) ||
			!end_writers(context, seconds, &was_written, error))
			return false;
		if (!was_running && !was_written)
			return true;
		if (was_running)
			node_log(context, "PostgreSQL was started again: it is stopped");
	}
	return pgbr_error_set(error, PGBR_ERROR_CONFLICT,
						  "PostgreSQL on the data directory \"%s\" is started again and again",
						  context->data_directory);
}

bool
node_stop(NodeStepContext *context, const NodeArguments *arguments, Job *job, PgbrError *error)
{
	const char *how = "none";
	bool was_running;
	bool was_written;

	(void) job;
	job_queue_progress(context->queue, &(JobProgress){"stopping", 0, -1, -1});
	if (!node_folder_save(context, error) ||
		!stop_server(context, arguments->timeout, &was_running, &how, error) ||
		!end_writers(context, arguments->timeout, &was_written, error))
		return false;
	if (arguments->fence ? !fence(context, arguments->timeout, &how, error)
						 : !fence_lift(context->data_directory, error))
		return false;
	context->result = json_pack("{sb ss so si}", "was_running", was_running, "how", how, "control",
								describe_control(context), "unarchived",
								node_count_ready(context->data_directory));
	return true;
}

/* Patroni may have made a standby of a leader that was down, and have started it as one. */
static bool
end_standby(NodeStepContext *context, PgbrError *error)
{
	char path[PATH_MAX];
	bool was_running;
	const char *how;

	snprintf(path, sizeof(path), "%s/standby.signal", context->data_directory);
	return access(path, F_OK) != 0 ||
		   (stop_server(context, STANDBY_SECONDS, &was_running, &how, error) &&
			node_forget_standby(context, error));
}

bool
node_unfence(NodeStepContext *context, const NodeArguments *arguments, Job *job, PgbrError *error)
{
	(void) job;
	return (!arguments->primary ||
			(end_standby(context, error) && node_mark_ready(context, error))) &&
		   fence_lift(context->data_directory, error);
}
