/*
 * node_step.c
 *		See node_step.h.
 */
#include "sidecar/node_step.h"

#include <string.h>

bool
node_step_check(const char *kind, const json_t *arguments, PgbrError *error)
{
	(void) arguments;
	return pgbr_error_set(error, PGBR_ERROR_INVALID_VALUE, "\"%s\" is no step of a restore", kind);
}

void
node_step_run(NodeStepContext *context, Job *job)
{
	(void) context;
	job->state = PGBR_STATE_FAILED;
	job->exit_code = -1;
	strcpy(job->error, "internal");
	strcpy(job->message, "this step is not there yet");
}
