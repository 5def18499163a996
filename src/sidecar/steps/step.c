/*
 * step.c
 *		See step.h. The table of the steps, and what an outcome means for the job.
 */
#include "sidecar/steps/step.h"

#include "program/log.h"
#include "sidecar/queue/job_turn.h"
#include "sidecar/restore/step_tools.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

static const struct
{
	NodeStepFunction *run;
	bool needs_directory;
} steps[NODE_STEP_COUNT] = {
	[NODE_STEP_MARK] = {node_mark, false},		[NODE_STEP_STOP] = {node_stop, true},
	[NODE_STEP_ARCHIVE] = {node_archive, true}, [NODE_STEP_KEEP] = {node_keep, true},
	[NODE_STEP_RESTORE] = {node_restore, true}, [NODE_STEP_RECOVER] = {node_recover, true},
	[NODE_STEP_UNFENCE] = {node_unfence, true},
};

bool
node_step_check(const char *kind, const json_t *arguments, PgbrError *error)
{
	NodeStep step;
	NodeArguments read;

	if (!node_step_parse(kind, &step))
		return pgbr_error_set(error, PGBR_ERROR_INVALID_VALUE, "\"%s\" is no step of a restore",
							  kind);
	return node_arguments_read(step, arguments, &read, error);
}

bool
node_is_stopped(NodeStepContext *context)
{
	struct pollfd fd = {job_queue_stop_fd(context->queue), POLLIN, 0};

	return poll(&fd, 1, 0) > 0;
}

static bool
run_step(NodeStepContext *context, Job *job, PgbrError *error)
{
	NodeStep step;
	NodeArguments arguments;

	if (!node_step_parse(pgbr_job_kind_name(job->request.kind), &step))
		return pgbr_error_set(error, PGBR_ERROR_INTERNAL, "this is no step of a restore");
	if (!node_arguments_read(step, context->arguments, &arguments, error))
		return false;
	/* what it names becomes part of paths */
	if (!pgbr_is_job_id(context->restore) || context->restore[0] == '.')
		return pgbr_error_set(error, PGBR_ERROR_INVALID_VALUE, "invalid id of a restore");
	if (steps[step].needs_directory && context->data_directory[0] != '/')
	{
		pgbr_error_set(error, PGBR_ERROR_UNAVAILABLE, "the data directory is not known");
		return pgbr_error_hint(error, "Give the sidecar --pg-data, or let it see PostgreSQL run.");
	}
	return steps[step].run(context, &arguments, job, error);
}

void
node_step_run(NodeStepContext *context, Job *job)
{
	PgbrError error = PGBR_ERROR_INIT;

	context->result = NULL;
	job->exit_code = -1;
	job->error[0] = job->message[0] = job->hint[0] = '\0';
	if (run_step(context, job, &error))
	{
		job->state = PGBR_STATE_SUCCEEDED;
		job->exit_code = 0;
		return;
	}
	if (error.code == PGBR_ERROR_ABORTED && node_is_stopped(context))
	{
		bool cancelled = job_queue_cancelled(context->queue);

		job->state = cancelled ? PGBR_STATE_CANCELLED : PGBR_STATE_INTERRUPTED;
		strcpy(job->message, cancelled ? "the step was stopped because the job was cancelled"
									   : "the step was stopped because the sidecar is stopping");
		strcpy(job->hint, "Ask for it again.");
		job->error[0] = '\0';
		return;
	}
	job->state = PGBR_STATE_FAILED;
	if (job->error[0] == '\0')
		pgbr_copy_text(job->error, sizeof(job->error), pgbr_error_code_name(error.code));
	pgbr_copy_text(job->message, sizeof(job->message), error.message);
	if (job->hint[0] == '\0')
		pgbr_copy_text(job->hint, sizeof(job->hint), error.hint);
}
