/*
 * expire.c
 *		The verb expire: "pgbackrest expire" as a job.
 */
#include "ctl/verbs/verbs.h"

#include "ctl/print/message.h"
#include "ctl/verbs/job_submit.h"
#include "program/json.h"

typedef struct ExpireArguments
{
	const char *set;
	bool dry_run;
	WaitArguments waiting;
	JobArguments job;
} ExpireArguments;

static const OptionSpec options[] = {
	{"dry-run", 0, OPTION_FLAG, ARGUMENT(ExpireArguments, dry_run), NULL, NULL, 0, 0,
	 "only show what would be removed", false},
	{"set", 0, OPTION_TEXT, ARGUMENT(ExpireArguments, set), "LABEL", NULL, 0, 0,
	 "remove this backup and those that depend on it", false},
	WAIT_OPTIONS(ExpireArguments, waiting),
	JOB_OPTIONS(ExpireArguments, job),
	{NULL},
};

static ExitCode
run_expire(Context *context, const void *argument, const char *operand, PgbrError *error)
{
	const ExpireArguments *arguments = argument;
	json_t *request;

	(void) operand;
	if (arguments->set && !pgbr_is_backup_label(arguments->set))
	{
		pgbr_error_set(error, PGBR_ERROR_CONFIG, "invalid value \"%s\" for --set", arguments->set);
		pgbr_error_hint(error, "It is a backup's label, as \"" PROGRAM_NAME " info\" shows them.");
		return exit_code_of(error);
	}
	request = json_object();
	if ((arguments->set && !json_put_text(request, "set", arguments->set)) ||
		(arguments->dry_run && json_object_set_new(request, "dry_run", json_true()) != 0))
	{
		json_decref(request);
		request = NULL;
	}
	return job_submit_short(context, PGBR_JOB_EXPIRE, &arguments->job, &arguments->waiting, request,
							error);
}

const Verb verb_expire = {
	.name = "expire",
	.summary = "remove what the retention no longer keeps",
	.description =
		"Runs \"pgbackrest expire\" as a job and prints its output at the end. --set removes one\n"
		"backup and those that depend on it, whatever the retention says.\n",
	.options = options,
	.arguments_size = sizeof(ExpireArguments),
	.run = run_expire,
};
