/*
 * verify.c
 *		The verb verify: "pgbackrest verify" as a job.
 */
#include "ctl/verbs/verbs.h"

#include "ctl/verbs/job_submit.h"

typedef struct VerifyArguments
{
	WaitArguments waiting;
	JobArguments job;
} VerifyArguments;

static const OptionSpec options[] = {
	WAIT_OPTIONS(VerifyArguments, waiting),
	JOB_OPTIONS(VerifyArguments, job),
	{NULL},
};

static ExitCode
run_verify(Context *context, const void *argument, const char *operand, PgbrError *error)
{
	const VerifyArguments *arguments = argument;

	(void) operand;
	return job_submit_short(context, PGBR_JOB_VERIFY, &arguments->job, &arguments->waiting,
							json_object(), error);
}

const Verb verb_verify = {
	.name = "verify",
	.summary = "verify the files in the repository",
	.description = "Runs \"pgbackrest verify\" as a job and prints its output at the end.\n",
	.options = options,
	.arguments_size = sizeof(VerifyArguments),
	.run = run_verify,
};
