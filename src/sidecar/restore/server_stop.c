/*
 * server_stop.c
 *		See server_stop.h.
 *
 * A fast shutdown waits until all WAL is archived; where the repository is away it waits for ever,
 * though the checkpoint that matters is on disk by then. Hence the limit, after which the server is
 * ended at once.
 */
#include "sidecar/restore/server_stop.h"

#include "program/clock.h"
#include "sidecar/postgres/fence.h"
#include "sidecar/postgres/member.h"
#include "sidecar/postgres/postmaster.h"
#include "sidecar/restore/step_tools.h"
#include "sidecar/queue/job_turn.h"

#include <poll.h>
#include <signal.h>
#include <string.h>

#define QUIT_MS	   30000
#define KILL_MS	   10000
#define ORPHANS_MS 10000
#define POLL_MS	   20

/* A server that answers but is not seen from here runs in a container of its own. */
static bool
check_unseen(StepContext *context, PgbrError *error)
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
end_server(StepContext *context, const Postmaster *postmaster, int seconds, const char **how,
		   PgbrError *error)
{
	int stop_fd = job_queue_stop_fd(context->queue);
	bool late;

	*how = "fast";
	if (end_by(postmaster, SIGINT, seconds * 1000, stop_fd, &late, error))
		return true;
	if (!late)
		return false;
	step_log(context, "PostgreSQL has not shut down after %d s: ending it at once", seconds);
	*how = "immediate";
	if (end_by(postmaster, SIGQUIT, QUIT_MS, -1, &late, error))
		return true;
	return late && end_by(postmaster, SIGKILL, KILL_MS, -1, &late, error);
}

/* Children of a postmaster that was killed notice its end by themselves, but one in mid system call
 * late. */
static bool
end_orphans(StepContext *context, PgbrError *error)
{
	int64_t deadline = clock_monotonic_ms() + ORPHANS_MS;

	while (postmaster_signal_all(context->data_directory, 0) > 0)
	{
		bool late = clock_monotonic_ms() >= deadline;

		if (late && clock_monotonic_ms() >= deadline + KILL_MS)
			return pgbr_error_set(error, PGBR_ERROR_TIMEOUT,
								  "timed out waiting for processes of a stopped PostgreSQL to end");
		if (late)
			postmaster_signal_all(context->data_directory, SIGKILL);
		poll(NULL, 0, POLL_MS);
	}
	return true;
}

bool
server_stop(StepContext *context, int seconds, bool *was_running, const char **how,
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

bool
server_end_writers(StepContext *context, int seconds, bool *found, PgbrError *error)
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
		if (step_is_stopped(context))
			return pgbr_error_set(error, PGBR_ERROR_ABORTED, "stopped while waiting for %s", name);
		if (pid != last)
			step_log(context, "waiting for up to %d s for %s, process %d, to end", seconds, name,
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
