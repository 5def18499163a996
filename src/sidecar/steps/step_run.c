/*
 * step_run.c
 *		See step_run.h: what an outcome means for the job.
 */
#include "sidecar/steps/step_run.h"

#include "program/log.h"
#include "sidecar/queue/job_turn.h"
#include "sidecar/restore/step_tools.h"
#include "sidecar/steps/step_table.h"

#include <stdio.h>
#include <string.h>

typedef struct Step
{
	StepFunction *run; /* NULL: jobs of this kind are no steps */
	bool needs_directory;
} Step;

static const Step steps[PGBR_JOB_KIND_COUNT] = {
#define X(kind, function, needs_directory) [PGBR_JOB_##kind] = {function, needs_directory},
	STEP_TABLE(X)
#undef X
};

#define X(kind, function, needs_directory) +1
#define KIND(kind, text, is_step, locks)   +is_step
_Static_assert(STEP_TABLE(X) == PGBR_JOB_KIND_TABLE(KIND, KIND),
			   "each kind that is a step has a row");
#undef KIND
#undef X

bool
step_check(PgbrJobKind kind, const json_t *arguments, PgbrError *error)
{
	StepArguments read;

	if (!pgbr_job_kind_is_step(kind))
		return pgbr_error_set(error, PGBR_ERROR_INVALID_VALUE, "\"%s\" is not a step of a restore",
							  pgbr_job_kind_name(kind));
	return step_arguments_read(kind, arguments, &read, error);
}

static bool
run_step(StepContext *context, Job *job, PgbrError *error)
{
	const Step *step = &steps[job->request.kind];
	StepArguments arguments;

	if (!step_check(job->request.kind, context->arguments, error) ||
		!step_arguments_read(job->request.kind, context->arguments, &arguments, error))
		return false;
	/* what it names becomes part of paths */
	if (!pgbr_is_job_id(context->restore) || context->restore[0] == '.')
		return pgbr_error_set(error, PGBR_ERROR_INVALID_VALUE, "invalid id of a restore");
	if (step->needs_directory && context->data_directory[0] != '/')
	{
		pgbr_error_set(error, PGBR_ERROR_UNAVAILABLE, "the data directory is not known");
		return pgbr_error_hint(error, "Give the sidecar --pg-data, or let it see PostgreSQL run.");
	}
	return step->run(context, &arguments, job, error);
}

void
step_run(StepContext *context, Job *job)
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
	if (error.code == PGBR_ERROR_ABORTED && step_is_stopped(context))
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
