/*
 * stop.c
 *		Step node-stop: the PostgreSQL of the data directory is shut down, and what the later steps
 *		need of it is saved first.
 *
 * With a fence the server stays down until it is lifted, whoever wants to start it: see fence.h.
 * A replica that is kept has the note of it in the fence.
 */
#include "sidecar/postgres/archiver.h"
#include "sidecar/postgres/fence.h"
#include "sidecar/restore/server_stop.h"
#include "sidecar/restore/step_folder.h"
#include "sidecar/restore/step_tools.h"
#include "sidecar/steps/step_table.h"
#include "sidecar/queue/job_turn.h"

/* So often a server may slip in between its predecessor's end and the fence. */
#define FENCE_TRIES 5

static json_t *
describe_control(StepContext *context)
{
	ControlData control;
	PgbrError error;

	if (step_control(context, &control, &error))
		return control_data_json(&control);
	/* a data directory that is lost or damaged is no reason not to restore it */
	step_log(context, "%s", error.message);
	return json_null();
}

/* Fence off what was stopped. What was started meanwhile is stopped as well; a program that has
 * ended in between has put the file back that the fence has taken. */
static bool
fence(StepContext *context, int seconds, const char **how, PgbrError *error)
{
	for (int i = 0; i < FENCE_TRIES; i++)
	{
		bool was_running;
		bool was_written;

		if (!fence_raise(context->data_directory, error) ||
			!server_stop(context, seconds, &was_running, how, error) ||
			!server_end_writers(context, seconds, &was_written, error))
			return false;
		if (!was_running && !was_written)
			return true;
		if (was_running)
			step_log(context, "PostgreSQL was started again: it is stopped");
	}
	return pgbr_error_set(error, PGBR_ERROR_CONFLICT,
						  "PostgreSQL on the data directory \"%s\" is started again and again",
						  context->data_directory);
}

/* Only a replica can be brought to the end of the WAL that others have written. */
static bool
keep(StepContext *context, PgbrError *error)
{
	ControlData control;

	if (!step_control(context, &control, error))
		return false;
	if (control_data_is_replica(&control))
		return fence_keep(context->data_directory, context->restore, error);
	return pgbr_error_set(error, PGBR_ERROR_CONFLICT,
						  "the data directory \"%s\" can't be kept: its server is \"%s\", not a "
						  "replica that was shut down",
						  context->data_directory, control.state);
}

bool
step_stop(StepContext *context, const StepArguments *arguments, Job *job, PgbrError *error)
{
	const char *how = "none";
	bool was_running;
	bool was_written;

	(void) job;
	job_queue_progress(context->queue, &(JobProgress){"stopping", 0, -1, -1});
	if (!step_folder_save(context, error) ||
		!server_stop(context, arguments->timeout, &was_running, &how, error) ||
		!server_end_writers(context, arguments->timeout, &was_written, error))
		return false;
	if (arguments->fence || arguments->keep ? !fence(context, arguments->timeout, &how, error)
											: !fence_lift(context->data_directory, error))
		return false;
	if (arguments->keep && !keep(context, error))
		return false;
	context->result = json_pack("{sb ss so si}", "was_running", was_running, "how", how, "control",
								describe_control(context), "unarchived",
								archiver_count_ready(context->data_directory));
	return true;
}
