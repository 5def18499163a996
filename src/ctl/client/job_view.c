/*
 * job_view.c
 *		See job_view.h.
 */
#include "ctl/client/job_view.h"

#include "ctl/print/fields.h"
#include "ctl/print/text.h"
#include "program/clock.h"
#include "program/json.h"

#include <stdio.h>
#include <string.h>

/* A text of one line; NULL when the member is anything else. */
static const char *
word(const json_t *object, const char *key)
{
	const char *text = json_text(object, key);

	return text && pgbr_is_plain_text(text, 64) && !text_has_control(text) ? text : NULL;
}

bool
job_view_read(const json_t *document, JobView *job, PgbrError *error)
{
	const json_t *progress = json_object_get(document, "progress");
	const json_t *percent = json_object_get(progress, "percent");
	const char *state = json_text(document, "state");

	job->document = document;
	job->id = json_text(document, "id");
	job->kind = word(document, "kind");
	job->type = word(document, "type");
	job->covered_by = word(document, "covered_by");
	job->phase = word(progress, "phase");
	job->percent = json_is_number(percent) ? json_number_value(percent) : -1;
	job->bytes_done = json_number(progress, "bytes_done", -1);
	job->bytes_total = json_number(progress, "bytes_total", -1);
	job->label = word(document, "label");
	job->exit_code = json_number(document, "exit_code", -1);
	job->error = json_text(document, "error");
	job->message = json_text(document, "message");
	job->hint = json_text(document, "hint");
	if (job->id == NULL || !pgbr_is_job_id(job->id))
		return pgbr_error_set(error, PGBR_ERROR_PROTOCOL, "the response has no job ID");
	if (job->kind == NULL || state == NULL || !pgbr_job_state_parse(state, &job->state))
		return pgbr_error_set(error, PGBR_ERROR_PROTOCOL,
							  "the response has no kind or an unknown state for job \"%s\"",
							  job->id);
	/* a percentage ends up in a column of fixed width */
	if (job->percent > 100)
		job->percent = 100;
	return true;
}

bool
job_view_is(const JobView *job, const char *id, PgbrError *error)
{
	return strcmp(job->id, id) == 0 ||
		   pgbr_error_set(error, PGBR_ERROR_PROTOCOL,
						  "the response is about job \"%s\" instead of \"%s\"", job->id, id);
}

bool
job_view_check(const json_t *document, const char *id, PgbrError *error)
{
	JobView job;

	return job_view_read(document, &job, error) && job_view_is(&job, id, error);
}

char *
job_view_name(const JobView *job, char *target, size_t size)
{
	snprintf(target, size, "%s%s%s %s", job->type ? job->type : "", job->type ? " " : "", job->kind,
			 job->id);
	return target;
}

long long
job_view_duration(const JobView *job, long long now)
{
	const char *started_at = json_text(job->document, "started_at");
	const char *finished_at = json_text(job->document, "finished_at");
	int64_t start;
	int64_t end = now * 1000;

	if (started_at == NULL || !clock_parse(started_at, &start) ||
		(finished_at && !clock_parse(finished_at, &end)))
		return -1;
	/* the clocks of the two hosts may differ */
	return end > start ? (end - start) / 1000 : 0;
}

static const Field list_fields[] = {
	{"id", "id", FIELD_TEXT},
	{"kind", "kind", FIELD_TEXT},
	{"type", "type", FIELD_TEXT},
	{"state", "state", FIELD_TEXT},
	{"percent", "progress.percent", FIELD_PERCENT},
	{"requested_at", "requested_at", FIELD_TEXT},
	{"duration", "duration", FIELD_SECONDS},
	{"label", "label", FIELD_TEXT},
	{"covered_by", "covered_by", FIELD_TEXT},
	{"exit_code", "exit_code", FIELD_NUMBER},
	{"error", "error", FIELD_TEXT},
	{NULL},
};

/*
 * For people, so narrow that no id and no label is broken: an id is the time of the request in UTC.
 */
static const Field brief_fields[] = {
	{"id", "id", FIELD_TEXT},
	{"kind", "kind", FIELD_TEXT},
	{"type", "type", FIELD_TEXT},
	{"state", "state", FIELD_TEXT},
	{"%", "progress.percent", FIELD_PERCENT},
	{"took", "duration", FIELD_SECONDS},
	{"result", "result", FIELD_TEXT},
	{NULL},
};

static const Field record_fields[] = {
	{"id", "id", FIELD_TEXT},
	{"kind", "kind", FIELD_TEXT},
	{"type", "type", FIELD_TEXT},
	{"state", "state", FIELD_TEXT},
	{"covered_by", "covered_by", FIELD_TEXT},
	{"requested_by", "requested_by", FIELD_TEXT},
	{"claimed_by", "claimed_by", FIELD_TEXT},
	{"reason", "reason", FIELD_TEXT},
	{"requested_at", "requested_at", FIELD_TEXT},
	{"started_at", "started_at", FIELD_TEXT},
	{"finished_at", "finished_at", FIELD_TEXT},
	{"duration", "duration", FIELD_SECONDS},
	{"phase", "progress.phase", FIELD_TEXT},
	{"percent", "progress.percent", FIELD_PERCENT},
	{"bytes_done", "progress.bytes_done", FIELD_SIZE},
	{"bytes_total", "progress.bytes_total", FIELD_SIZE},
	{"repo", "repo", FIELD_NUMBER},
	{"set", "set", FIELD_TEXT},
	{"dry_run", "dry_run", FIELD_FLAG},
	{"annotations", "annotations", FIELD_PAIRS},
	{"label", "label", FIELD_TEXT},
	{"exit_code", "exit_code", FIELD_NUMBER},
	{"error", "error", FIELD_TEXT},
	{"message", "message", FIELD_TEXT},
	{"hint", "hint", FIELD_TEXT},
	{NULL},
};

static void
add_row(Table *table, const Field *fields, const JobView *job, long long now, bool for_people)
{
	json_t *row = json_copy((json_t *) job->document);
	long long duration = job_view_duration(job, now);

	if (row == NULL ||
		(duration >= 0 && json_object_set_new(row, "duration", json_integer(duration)) != 0))
		table->failed = true;
	else
		fields_add_row(table, fields, row, for_people);
	json_decref(row);
}

void
job_list_init(Table *table)
{
	fields_init_table(table, list_fields);
}

void
job_list_add(Table *table, const JobView *job, long long now, bool for_people)
{
	add_row(table, list_fields, job, now, for_people);
}

void
job_brief_init(Table *table)
{
	fields_init_table(table, brief_fields);
}

void
job_brief_add(Table *table, const JobView *job, long long now)
{
	JobView copy = *job;
	json_t *document = json_copy((json_t *) job->document);
	const char *result = job->label ? job->label : job->error;

	copy.document = document;
	if (document == NULL || (result && !json_put_text(document, "result", result)))
		table->failed = true;
	else
		add_row(table, brief_fields, &copy, now, true);
	json_decref(document);
}

void
job_record_init(Table *table)
{
	fields_init_table(table, record_fields);
}

void
job_record_add(Table *table, const JobView *job, long long now, bool for_people)
{
	add_row(table, record_fields, job, now, for_people);
}
