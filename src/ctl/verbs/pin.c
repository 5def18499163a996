/*
 * pin.c
 *		The verbs pin and unpin: an annotation of a backup that keeps it from being expired.
 */
#include "ctl/verbs/verbs.h"

#include "ctl/verbs/job_submit.h"
#include "ctl/print/message.h"
#include "program/json.h"
#include "program/retention.h"

#include <pwd.h>
#include <stdio.h>
#include <unistd.h>

typedef struct PinArguments
{
	WaitArguments waiting;
	JobArguments job;
} PinArguments;

static const OptionSpec options[] = {
	WAIT_OPTIONS(PinArguments, waiting),
	JOB_OPTIONS(PinArguments, job),
	{NULL},
};

static bool
report_pin(const Context *context, const JobView *job, PgbrError *error)
{
	char name[128];

	(void) context;
	(void) error;
	if (job->state == PGBR_STATE_SUCCEEDED)
		printf("%s succeeded\n", job_view_name(job, name, sizeof(name)));
	return true;
}

/* An annotation without a value would remove it. */
static void
describe_us(char *text, size_t size)
{
	const struct passwd *user = getpwuid(geteuid());

	snprintf(text, size, "by %.60s",
			 user && pgbr_is_plain_text(user->pw_name, 60) ? user->pw_name : "somebody");
}

static ExitCode
submit_pin(Context *context, const PinArguments *arguments, const char *label, const char *value,
		   PgbrError *error)
{
	const JobPlan plan = {
		.kind = PGBR_JOB_ANNOTATE,
		.arguments = &arguments->job,
		.wait = !arguments->waiting.no_wait,
		.report = report_pin,
	};
	json_t *request;

	if (!pgbr_is_backup_label(label))
	{
		pgbr_error_set(error, PGBR_ERROR_CONFIG, "\"%s\" is not the label of a backup", label);
		pgbr_error_hint(error, "\"" PROGRAM_NAME " info\" shows the labels.");
		return exit_code_of(error);
	}
	if (!job_check_waiting(&arguments->waiting, &arguments->job, error))
		return exit_code_of(error);
	request = json_pack("{s:s, s:{s:s}}", "set", label, "annotations", RETENTION_PIN, value);
	return job_submit(context, &plan, request, error);
}

static ExitCode
run_pin(Context *context, const void *argument, const char *operand, PgbrError *error)
{
	const PinArguments *arguments = argument;
	char us[80];

	describe_us(us, sizeof(us));
	/* an invalid --reason is refused when the job is sent */
	return submit_pin(context, arguments, operand,
					  arguments->job.reason && pgbr_is_plain_text(arguments->job.reason, 256) &&
							  arguments->job.reason[0]
						  ? arguments->job.reason
						  : us,
					  error);
}

static ExitCode
run_unpin(Context *context, const void *argument, const char *operand, PgbrError *error)
{
	return submit_pin(context, argument, operand, "", error);
}

const Verb verb_pin = {
	.name = "pin",
	.operand = "LABEL",
	.summary = "keep a backup, whatever the retention says",
	.description =
		"The sidecar expires neither the backup nor those it depends on until it is unpinned. The\n"
		"reason is kept as the backup's annotation \"pinned\". pgbackrest run by hand ignores "
		"pins.\n",
	.options = options,
	.arguments_size = sizeof(PinArguments),
	.run = run_pin,
};

const Verb verb_unpin = {
	.name = "unpin",
	.operand = "LABEL",
	.summary = "let the retention expire a pinned backup again",
	.description = "It removes nothing; the next expire may remove the backup.\n",
	.options = options,
	.arguments_size = sizeof(PinArguments),
	.run = run_unpin,
};
