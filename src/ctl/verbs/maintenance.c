/*
 * maintenance.c
 *		The verbs check, verify and expire. Their jobs are usually short, so the verbs wait by
 *		default, and print what pgbackrest says.
 */
#include "ctl/verbs/verbs.h"

#include "ctl/verbs/job_submit.h"
#include "ctl/print/message.h"
#include "program/json.h"

#include <stdio.h>

typedef struct MaintenanceArguments
{
	const char *set;
	bool dry_run;
	WaitArguments waiting;
	JobArguments job;
} MaintenanceArguments;

static const OptionSpec options[] = {
	WAIT_OPTIONS(MaintenanceArguments, waiting),
	JOB_OPTIONS(MaintenanceArguments, job),
	{NULL},
};

static const OptionSpec expire_options[] = {
	{"dry-run", 0, OPTION_FLAG, ARGUMENT(MaintenanceArguments, dry_run), NULL, NULL, 0, 0,
	 "only show what would be removed", false},
	{"set", 0, OPTION_TEXT, ARGUMENT(MaintenanceArguments, set), "LABEL", NULL, 0, 0,
	 "remove this backup and those that depend on it", false},
	WAIT_OPTIONS(MaintenanceArguments, waiting),
	JOB_OPTIONS(MaintenanceArguments, job),
	{NULL},
};

static bool
report_maintenance(const Context *context, const JobView *job, PgbrError *error)
{
	char name[128];

	if (!job_print_log(context, job->id, error))
		return false;
	if (job->state == PGBR_STATE_SUCCEEDED)
		printf("%s succeeded\n", job_view_name(job, name, sizeof(name)));
	return true;
}

static ExitCode
submit_maintenance(Context *context, PgbrJobKind kind, const MaintenanceArguments *arguments,
				   json_t *request, PgbrError *error)
{
	const JobPlan plan = {
		.kind = kind,
		.arguments = &arguments->job,
		.wait = !arguments->waiting.no_wait,
		.report = report_maintenance,
	};

	if (!job_check_waiting(&arguments->waiting, &arguments->job, error))
	{
		json_decref(request);
		return exit_code_of(error);
	}
	return job_submit(context, &plan, request, error);
}

static ExitCode
run_check(Context *context, const void *arguments, const char *operand, PgbrError *error)
{
	(void) operand;
	return submit_maintenance(context, PGBR_JOB_CHECK, arguments, json_object(), error);
}

static ExitCode
run_verify(Context *context, const void *arguments, const char *operand, PgbrError *error)
{
	(void) operand;
	return submit_maintenance(context, PGBR_JOB_VERIFY, arguments, json_object(), error);
}

static ExitCode
run_expire(Context *context, const void *argument, const char *operand, PgbrError *error)
{
	const MaintenanceArguments *arguments = argument;
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
	return submit_maintenance(context, PGBR_JOB_EXPIRE, arguments, request, error);
}

const Verb verb_check = {
	.name = "check",
	.summary = "check that WAL arrives in the repository",
	.description = "Runs \"pgbackrest check\" as a job and prints its output at the end.\n",
	.options = options,
	.arguments_size = sizeof(MaintenanceArguments),
	.run = run_check,
};

const Verb verb_verify = {
	.name = "verify",
	.summary = "verify the files in the repository",
	.description = "Runs \"pgbackrest verify\" as a job and prints its output at the end.\n",
	.options = options,
	.arguments_size = sizeof(MaintenanceArguments),
	.run = run_verify,
};

const Verb verb_expire = {
	.name = "expire",
	.summary = "remove what the retention no longer keeps",
	.description =
		"Runs \"pgbackrest expire\" as a job and prints its output at the end. --set removes one\n"
		"backup and those that depend on it, whatever the retention says.\n",
	.options = expire_options,
	.arguments_size = sizeof(MaintenanceArguments),
	.run = run_expire,
};
