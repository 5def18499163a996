/*
 * check.c
 *		The verb check: "pgbackrest check" as a job.
 */
#include "ctl/verbs/verbs.h"

#include "ctl/verbs/job_submit.h"

typedef struct CheckArguments
{
	WaitArguments waiting;
	JobArguments job;
} CheckArguments;

static const OptionSpec options[] = {
	WAIT_OPTIONS(CheckArguments, waiting),
	JOB_OPTIONS(CheckArguments, job),
	{NULL},
};

static ExitCode
run_check(Context *context, const void *argument, const char *operand, PgbrError *error)
{
	const CheckArguments *arguments = argument;

	(void) operand;
	return job_submit_short(context, PGBR_JOB_CHECK, &arguments->job, &arguments->waiting,
							json_object(), error);
}

const Verb verb_check = {
	.name = "check",
	.summary = "check that WAL arrives in the repository",
	.description = "Runs \"pgbackrest check\" as a job and prints its output at the end.\n",
	.options = options,
	.arguments_size = sizeof(CheckArguments),
	.run = run_check,
};
