/*
 * jobs.c
 *		The verbs jobs and cancel.
 */
#include "ctl/verbs/verbs.h"

#include "ctl/client/job_request.h"
#include "ctl/verbs/job_submit.h"
#include "ctl/client/job_watch.h"
#include "ctl/print/text.h"
#include "program/json.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

typedef struct JobsArguments
{
	const char *state;
	const char *kind;
	int limit;
	const char *before;
	bool log;
	bool verbose;
} JobsArguments;

static const OptionSpec jobs_options[] = {
	{"state", 0, OPTION_TEXT, ARGUMENT(JobsArguments, state), "STATE", NULL, 0, 0,
	 "only those that are queued, running, succeeded, ...", false},
	{"kind", 0, OPTION_TEXT, ARGUMENT(JobsArguments, kind), "KIND", NULL, 0, 0,
	 "only those of a kind: backup, expire, verify, check, ...", false},
	{"limit", 0, OPTION_COUNT, ARGUMENT(JobsArguments, limit), "N", NULL, 1, 1000,
	 "no more than this (default: 100)", false},
	{"before", 0, OPTION_TEXT, ARGUMENT(JobsArguments, before), "ID", NULL, 0, 0,
	 "only those older than this job", false},
	{"log", 0, OPTION_FLAG, ARGUMENT(JobsArguments, log), NULL, NULL, 0, 0,
	 "with an ID: print what pgbackrest printed", false},
	{"verbose", 'v', OPTION_FLAG, ARGUMENT(JobsArguments, verbose), NULL, NULL, 0, 0,
	 "show all columns, also those without a value", false},
	{NULL},
};

static bool
check_arguments(const JobsArguments *arguments, const char *id, OutputFormat format,
				PgbrError *error)
{
	PgbrJobState state;
	PgbrJobKind kind;

	if (id && (arguments->state || arguments->kind || arguments->limit || arguments->before))
		return pgbr_error_set(error, PGBR_ERROR_CONFIG,
							  "a job's id and --state, --kind, --limit or --before exclude each "
							  "other");
	if (arguments->log && (id == NULL || format != OUTPUT_PRETTY))
		return pgbr_error_set(error, PGBR_ERROR_CONFIG,
							  id ? "--log prints text and has no other --format"
								 : "--log needs a job's ID");
	if (arguments->state && !pgbr_job_state_parse(arguments->state, &state))
	{
		pgbr_error_set(error, PGBR_ERROR_CONFIG, "invalid value \"%s\" for --state",
					   arguments->state);
		return pgbr_error_hint(error, "Use one of " PGBR_JOB_STATES ".");
	}
	if (arguments->kind && !pgbr_job_kind_parse(arguments->kind, &kind))
	{
		pgbr_error_set(error, PGBR_ERROR_CONFIG, "invalid value \"%s\" for --kind",
					   arguments->kind);
		return pgbr_error_hint(error, "Use one of " PGBR_JOB_KINDS ".");
	}
	if (arguments->before && !pgbr_is_job_id(arguments->before))
		return pgbr_error_set(error, PGBR_ERROR_CONFIG, "invalid value \"%s\" for --before",
							  arguments->before);
	return true;
}

/* Append "?name=value" or "&name=value" when there is a value. */
static void
put_query(StrBuf *path, const char *name, const char *value)
{
	if (value == NULL)
		return;
	strbuf_printf(path, "%c%s=", strchr(path->data, '?') ? '&' : '?', name);
	strbuf_put_url(path, value);
}

static bool
print_list(const Context *context, const json_t *answer, bool verbose, PgbrError *error)
{
	const char *next = json_text(answer, "next");
	bool for_people = context->format == OUTPUT_PRETTY;
	bool brief = for_people && !verbose;
	bool ok = true;
	size_t index;
	json_t *element;
	Table table;
	StrBuf out;

	strbuf_init(&out);
	if (brief)
		job_brief_init(&table);
	else
		job_list_init(&table);
	json_array_foreach(json_object_get(answer, "jobs"), index, element)
	{
		JobView job;

		ok = ok && job_view_read(element, &job, error);
		if (ok && brief)
			job_brief_add(&table, &job, (long long) time(NULL));
		else if (ok)
			job_list_add(&table, &job, (long long) time(NULL), for_people);
	}
	if (brief)
	{
		size_t count = json_array_size(json_object_get(answer, "jobs"));

		table_put_fitted(&table, output_columns(stdout), &out);
		strbuf_printf(&out, "(%zu job%s)\n", count, count == 1 ? "" : "s");
	}
	else
		output_put_table(&table, context->format, output_terminal_columns(stdout), &out);
	if (for_people && next)
	{
		strbuf_puts(&out, "There are older ones: --before=");
		text_put_visible(&out, next);
		strbuf_putc(&out, '\n');
	}
	ok = ok && output_print(stdout, &out, error);
	table_done(&table);
	strbuf_done(&out);
	return ok;
}

/* Print a record, one line a column. */
static void
put_known(const Table *record, StrBuf *out)
{
	Table table;

	table_init(&table);
	table_add_column(&table, "job", false);
	table_add_column(&table, "", false);
	for (int i = 0; i < record->column_count && (size_t) i < record->cell_count; i++)
	{
		if (record->cells[i] == NULL || record->cells[i][0] == '\0')
			continue;
		table_add(&table, record->columns[i].name);
		table_add(&table, record->cells[i]);
	}
	table.failed |= record->failed;
	table_put_fitted(&table, output_columns(stdout), out);
	table_done(&table);
}

static bool
print_record(const Context *context, const json_t *answer, bool verbose, PgbrError *error)
{
	bool for_people = context->format == OUTPUT_PRETTY;
	bool ok;
	JobView job;
	Table table;
	StrBuf out;

	if (!job_view_read(answer, &job, error))
		return false;
	strbuf_init(&out);
	job_record_init(&table);
	job_record_add(&table, &job, (long long) time(NULL), for_people);
	if (for_people && verbose)
		table_put_expanded(&table, &out);
	else if (for_people)
		put_known(&table, &out);
	else
		table_put_tsv(&table, &out);
	ok = output_print(stdout, &out, error);
	table_done(&table);
	strbuf_done(&out);
	return ok;
}

static bool
show_jobs(const Context *context, const JobsArguments *arguments, const char *id, PgbrError *error)
{
	char limit[16];
	json_t *answer = NULL;
	StrBuf text;
	bool ok;

	strbuf_init(&text);
	snprintf(limit, sizeof(limit), "%d", arguments->limit);
	if (id)
		job_request_put_path(&text, id, 0);
	else
		strbuf_puts(&text, PGBR_PATH_JOBS);
	put_query(&text, "state", arguments->state);
	put_query(&text, "kind", arguments->kind);
	put_query(&text, "limit", arguments->limit > 0 ? limit : NULL);
	put_query(&text, "before", arguments->before);
	ok = sidecar_client_call(&context->client, "GET", text.data, NULL, 0, &answer, error) &&
		 (id == NULL || job_view_check(answer, id, error));
	if (ok && output_is_document(context->format))
	{
		strbuf_clear(&text);
		output_put_document(answer, context->format, &text);
		ok = output_print(stdout, &text, error);
	}
	else if (ok)
		ok = id ? print_record(context, answer, arguments->verbose, error)
				: print_list(context, answer, arguments->verbose, error);
	json_decref(answer);
	strbuf_done(&text);
	return ok;
}

static ExitCode
run_jobs(Context *context, const void *argument, const char *operand, PgbrError *error)
{
	const JobsArguments *arguments = argument;

	if (!check_arguments(arguments, operand, context->format, error) ||
		(operand && !job_check_id(operand, error)))
		return exit_code_of(error);
	if (arguments->log ? !job_print_log(context, operand, error)
					   : !show_jobs(context, arguments, operand, error))
		return exit_code_of(error);
	return EXIT_OK;
}

/* Stopping pgbackrest may take the sidecar a while; the outcome is known when the job has ended. */
static ExitCode
await_end(Context *context, json_t **document, PgbrError *error)
{
	JobView job;
	int limit = context->client.settings->timeout;
	JobWatchEnd end = job_watch(&context->client, document, limit, JOB_WATCH_OUTAGE_S, NULL, error);

	if (end == JOB_WATCH_FAILED || !job_view_read(*document, &job, error))
		return exit_code_of(error);
	if (end == JOB_WATCH_TIMED_OUT)
	{
		pgbr_error_set(error, PGBR_ERROR_TIMEOUT, "job \"%s\" is still being stopped after %d s",
					   job.id, limit);
		return EXIT_WAIT_OVER;
	}
	if (job.state == PGBR_STATE_CANCELLED)
		return job_print(context, &job, error) ? EXIT_OK : exit_code_of(error);
	pgbr_error_set(error, PGBR_ERROR_CONFLICT, "job \"%s\" was not cancelled: it has %s", job.id,
				   pgbr_job_state_name(job.state));
	return exit_code_of(error);
}

static ExitCode
run_cancel(Context *context, const void *argument, const char *operand, PgbrError *error)
{
	json_t *answer = NULL;
	ExitCode code;
	char claim[JOB_CLAIM_SIZE];
	StrBuf path;
	bool ok;

	(void) argument;
	if (!job_check_id(operand, error))
		return exit_code_of(error);
	job_claim(claim);
	strbuf_init(&path);
	job_request_put_path(&path, operand, 0);
	if (claim[0])
	{
		strbuf_puts(&path, "?claimed_by=");
		strbuf_put_url(&path, claim);
	}
	ok = sidecar_client_call(&context->client, "DELETE", path.data, NULL, 0, &answer, error) &&
		 job_view_check(answer, operand, error);
	code = ok ? await_end(context, &answer, error) : exit_code_of(error);
	strbuf_done(&path);
	json_decref(answer);
	return code;
}

const Verb verb_jobs = {
	.name = "jobs",
	.operand = "[ID]",
	.summary = "show the jobs of the sidecar, or one of them",
	.description = "Lists the newest jobs first. With an ID it shows all of one job.\n",
	.options = jobs_options,
	.arguments_size = sizeof(JobsArguments),
	.run = run_jobs,
};

const Verb verb_cancel = {
	.name = "cancel",
	.operand = "ID",
	.summary = "cancel a job that is queued or running",
	.description = "For a running job it stops pgbackrest first and waits until it has stopped.\n",
	.run = run_cancel,
};
