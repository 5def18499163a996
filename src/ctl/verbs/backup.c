/*
 * backup.c
 *		The verb backup.
 */
#include "ctl/verbs/verbs.h"

#include "ctl/verbs/job_submit.h"
#include "ctl/print/units.h"
#include "program/json.h"
#include "program/pgbackrest_info.h"

#include <stdio.h>
#include <string.h>

typedef struct BackupArguments
{
	const char *type;
	OptionList annotations;
	bool wait;
	JobArguments job;
} BackupArguments;

static const OptionSpec options[] = {
	{"type", 0, OPTION_TEXT, ARGUMENT(BackupArguments, type), "TYPE", NULL, 0, 0,
	 PGBR_BACKUP_TYPES " (default: incr)", false},
	{"annotation", 0, OPTION_TEXT, ARGUMENT(BackupArguments, annotations), "KEY=VALUE", NULL, 0, 0,
	 "note kept with the backup; may be repeated", true},
	{"wait", 0, OPTION_FLAG, ARGUMENT(BackupArguments, wait), NULL, NULL, 0, 0,
	 "wait until it ends and show its progress", false},
	JOB_OPTIONS(BackupArguments, job),
	{NULL},
};

static bool
add_annotation(json_t *annotations, const char *text, PgbrError *error)
{
	const char *equals = strchr(text, '=');
	char key[65] = "";

	if (equals && (size_t) (equals - text) < sizeof(key))
		memcpy(key, text, equals - text);
	if (!pgbr_is_annotation_key(key) || !pgbr_is_plain_text(equals + 1, 256))
	{
		pgbr_error_set(error, PGBR_ERROR_CONFIG, "invalid value \"%s\" for --annotation", text);
		return pgbr_error_detail(error,
								 "It has the form KEY=VALUE: 1 to 64 of the characters "
								 "A-Za-z0-9_.-, and at most 256 bytes of UTF-8 on one line.");
	}
	if (strcmp(key, "timestamp") == 0)
	{
		pgbr_error_set(error, PGBR_ERROR_CONFIG, "the annotation \"timestamp\" can't be given");
		return pgbr_error_detail(error, "Its value is the job's id.");
	}
	if (json_object_get(annotations, key))
		return pgbr_error_set(error, PGBR_ERROR_CONFIG, "the annotation \"%s\" is given twice",
							  key);
	if (!json_put_text(annotations, key, equals + 1))
		return pgbr_error_set(error, PGBR_ERROR_INTERNAL, "out of memory");
	return true;
}

static bool
fill_request(json_t *request, const BackupArguments *arguments, PgbrError *error)
{
	PgbrBackupType type = PGBR_BACKUP_INCR;
	json_t *annotations;

	if (arguments->type && !pgbr_backup_type_parse(arguments->type, &type))
	{
		pgbr_error_set(error, PGBR_ERROR_CONFIG, "invalid value \"%s\" for --type",
					   arguments->type);
		return pgbr_error_hint(error, "Use one of " PGBR_BACKUP_TYPES ".");
	}
	if (!json_put_text(request, "type", pgbr_backup_type_name(type)))
		return pgbr_error_set(error, PGBR_ERROR_INTERNAL, "out of memory");
	if (arguments->annotations.count == 0)
		return true;
	annotations = json_object();
	if (json_object_set_new(request, "annotations", annotations) != 0)
		return pgbr_error_set(error, PGBR_ERROR_INTERNAL, "out of memory");
	for (int i = 0; i < arguments->annotations.count; i++)
	{
		if (!add_annotation(annotations, arguments->annotations.values[i], error))
			return false;
	}
	return true;
}

/*
 * ", 22.1MB, 2.9MB added to the repository". The sidecar refreshes its information after each job;
 * if it has not yet, ask it to. The backup is complete in any case, so failures are ignored.
 */
static void
print_sizes(const Context *context, const char *label)
{
	static const char *const paths[] = {PGBR_PATH_INFO, PGBR_PATH_INFO "?refresh=true&wait=10"};
	char size[UNIT_TEXT];
	char repo_size[UNIT_TEXT];
	bool found = false;

	for (int i = 0; i < 2 && !found; i++)
	{
		json_t *answer = NULL;
		InfoBackup backup;
		PgbrError ignored;

		if (!sidecar_client_call(&context->client, "GET", paths[i], NULL, i * 10, &answer,
								 &ignored))
			return;
		found = info_find_backup(json_object_get(answer, "stanzas"), label, &backup);
		if (found)
			printf(", %s, %s added to the repository", unit_size(size, sizeof(size), backup.size),
				   unit_size(repo_size, sizeof(repo_size),
							 backup.repo_delta > 0 ? backup.repo_delta : 0));
		json_decref(answer);
	}
}

static bool
report_backup(const Context *context, const JobView *job, PgbrError *error)
{
	char duration[UNIT_TEXT];
	long long seconds = job_view_duration(job, 0);

	(void) error;
	if (job->state != PGBR_STATE_SUCCEEDED || job->label == NULL)
		return true;
	printf("%s backup %s is complete", job->type ? job->type : "", job->label);
	if (seconds >= 0)
		printf(": %s", unit_duration(duration, sizeof(duration), seconds));
	print_sizes(context, job->label);
	printf("\n");
	return true;
}

static ExitCode
run_backup(Context *context, const void *argument, const char *operand, PgbrError *error)
{
	const BackupArguments *arguments = argument;
	const JobPlan plan = {
		.kind = PGBR_JOB_BACKUP,
		.arguments = &arguments->job,
		.wait = arguments->wait || arguments->job.wait_timeout > 0,
		.report = report_backup,
	};
	json_t *request = json_object();

	(void) operand;
	if (request && !fill_request(request, arguments, error))
	{
		json_decref(request);
		return exit_code_of(error);
	}
	return job_submit(context, &plan, request, error);
}

const Verb verb_backup = {
	.name = "backup",
	.summary = "make a backup",
	.description = "The sidecar makes one backup at a time; others wait for their turn. A request "
				   "is coalesced\n"
				   "into a queued one that does the same or more. With --wait the exit code tells "
				   "how it ended.\n",
	.options = options,
	.arguments_size = sizeof(BackupArguments),
	.run = run_backup,
};
