/*
 * node_stop.c
 *		Step node-stop: the PostgreSQL of the data directory is shut down, and what the later steps
 *		need of it is saved first.
 *
 * A fast shutdown waits until all WAL is archived; where the repository is away it waits for ever,
 * though the checkpoint that matters is on disk by then. Hence the limit, after which the server is
 * ended at once.
 */
#include "sidecar/node_folder.h"
#include "sidecar/node_steps.h"

#include "program/clock.h"
#include "sidecar/node.h"

#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#define QUIT_MS	   30000
#define KILL_MS	   10000
#define ORPHANS_MS 10000
#define POLL_MS	   20

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

/* True when a server was started on these files since they were restored, though it may have failed: a
 * postmaster leaves its command line, which no backup holds. */
static bool
has_run(const NodeStepContext *context)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/postmaster.opts", context->data_directory);
	return access(path, F_OK) == 0;
}

bool
node_stop(NodeStepContext *context, const NodeArguments *arguments, Job *job, PgbrError *error)
{
	Postmaster postmaster;
	ControlData control;
	const char *how = "none";
	json_t *control_json = NULL;
	bool was_running;
	bool ok;

	(void) job;
	job_queue_progress(context->queue, &(JobProgress){"stopping", 0, -1, -1});
	if (!node_folder_save(context, error) ||
		!postmaster_find(context->data_directory, &postmaster, error))
		return false;
	was_running = postmaster.pid != 0;
	ok = was_running ? end_server(context, &postmaster, arguments->timeout, &how, error)
					 : check_unseen(context, error);
	postmaster_done(&postmaster);
	if (!ok || !end_orphans(context, error))
		return false;
	/* a data directory that is lost or damaged is no reason not to restore it */
	if (node_control(context, &control, error))
		control_json = control_data_json(&control);
	else
		node_log(context, "%s", error->message);
	context->result =
		json_pack("{sb sb ss so si}", "was_running", was_running, "has_run", has_run(context),
				  "how", how, "control", control_json ? control_json : json_null(), "unarchived",
				  node_count_ready(context->data_directory));
	return true;
}
