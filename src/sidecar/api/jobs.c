/*
 * jobs.c
 *		The routes of jobs: ask for one, list them, look at one and its log, cancel it.
 */
#include "sidecar/api/handlers.h"

#include "common/memory.h"
#include "program/file.h"
#include "program/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WAIT_MOST_S 60 /* ?wait= of a job */
#define CANCEL_S	45 /* a cancelled pgbackrest gets to end before the answer is 202 */
#define LOG_MAX		(512 * 1024)

/* The id in the path, held to its grammar: what is no id names no job. */
static bool
job_id_of(const HttpRequest *request, PgbrError *error)
{
	return pgbr_is_job_id(request->parameter) ||
		   pgbr_error_set(error, PGBR_ERROR_NOT_FOUND, "no job can have this id");
}

void
handle_job_post(Sidecar *sidecar, const HttpRequest *request, HttpResponse *response)
{
	PgbrError error = PGBR_ERROR_INIT;
	JobRequest wanted;
	json_t *body = json_parse(request->body, request->body_length, &error);
	Job *job = memory_alloc(sizeof(*job));
	bool repeated = false;
	bool ok = body && job && job_request_read(body, &wanted, &error) &&
			  http_check_key(request, &error) && job_request_from(&wanted, &request->caller) &&
			  job_queue_submit(sidecar->queue, &wanted, "", request->idempotency_key, job,
							   &repeated, &error);

	if (ok)
		http_answer_job(response, repeated ? 200 : 202, job);
	else
		http_answer_problem(response, &error, -1);
	json_decref(body);
	free(job);
}

static bool
append_job(const Job *job, void *argument)
{
	json_array_append_new(argument, job_json(job));
	return true;
}

/* The seq of the job that ?before= names. */
static bool
read_before(Sidecar *sidecar, const HttpRequest *request, int64_t *before, PgbrError *error)
{
	const char *id = http_query(request, "before");
	Job *job;
	bool ok;

	if (id == NULL)
		return true;
	job = memory_alloc(sizeof(*job));
	if (job == NULL || !pgbr_is_job_id(id))
		ok = pgbr_error_set(error, PGBR_ERROR_INVALID_VALUE, "invalid value for \"before\"");
	else
		ok = job_queue_get(sidecar->queue, id, job, error);
	if (ok)
		*before = job->seq;
	free(job);
	return ok;
}

static bool
read_filter(Sidecar *sidecar, const HttpRequest *request, JobFilter *filter, PgbrJobState *state,
			PgbrJobKind *kind, PgbrError *error)
{
	const char *text = http_query(request, "state");

	if (text && !pgbr_job_state_parse(text, state))
	{
		pgbr_error_set(error, PGBR_ERROR_INVALID_VALUE, "invalid value for \"state\"");
		return pgbr_error_hint(error, "It must be one of %s.", PGBR_JOB_STATES);
	}
	filter->state = text ? state : NULL;
	text = http_query(request, "kind");
	if (text && !pgbr_job_kind_parse(text, kind))
	{
		pgbr_error_set(error, PGBR_ERROR_INVALID_VALUE, "invalid value for \"kind\"");
		return pgbr_error_hint(error, "It must be one of %s.", PGBR_JOB_KINDS);
	}
	filter->kind = text ? kind : NULL;
	return http_query_count(request, "limit", 1, 1000, &filter->limit, error) &&
		   read_before(sidecar, request, &filter->before, error);
}

void
handle_job_list(Sidecar *sidecar, const HttpRequest *request, HttpResponse *response)
{
	JobFilter filter = {.limit = 100};
	PgbrJobState state;
	PgbrJobKind kind;
	PgbrError error = PGBR_ERROR_INIT;
	json_t *jobs = json_array();
	json_t *last;
	int limit;

	if (!read_filter(sidecar, request, &filter, &state, &kind, &error))
		goto failed;
	/* one more than asked for tells whether there is a next page */
	limit = filter.limit++;
	if (!job_queue_list(sidecar->queue, &filter, append_job, jobs, &error))
		goto failed;
	last = (int) json_array_size(jobs) > limit ? json_array_get(jobs, (size_t) limit - 1) : NULL;
	last = last ? json_string(json_text(last, "id")) : json_null();
	if ((int) json_array_size(jobs) > limit)
		json_array_remove(jobs, (size_t) limit);
	http_answer_json(response, 200, json_pack("{so so}", "jobs", jobs, "next", last));
	return;

failed:
	json_decref(jobs);
	http_answer_problem(response, &error, -1);
}

void
handle_job_get(Sidecar *sidecar, const HttpRequest *request, HttpResponse *response)
{
	int seconds = 0;
	PgbrError error = PGBR_ERROR_INIT;
	Job *job = memory_alloc(sizeof(*job));

	if (job && job_id_of(request, &error) &&
		http_query_count(request, "wait", 0, WAIT_MOST_S, &seconds, &error) &&
		job_queue_wait(sidecar->queue, request->parameter, seconds, request->is_gone,
					   request->gone_argument, job, &error))
		http_answer_json(response, 200, job_json(job));
	else
		http_answer_problem(response, &error, -1);
	free(job);
}

/* Only a caller who may restore stops a step of a restore; one who may operate does not. */
static bool
may_cancel(Sidecar *sidecar, const HttpRequest *request, Job *job, PgbrError *error)
{
	return job_queue_get(sidecar->queue, request->parameter, job, error) &&
		   (!pgbr_job_kind_is_step(job->request.kind) ||
			auth_check(sidecar->auth, request, SCOPE_RESTORE, error));
}

void
handle_job_delete(Sidecar *sidecar, const HttpRequest *request, HttpResponse *response)
{
	PgbrError error = PGBR_ERROR_INIT;
	Job *job = memory_alloc(sizeof(*job));
	bool ok = job && http_take_claim(request, response, &error) && job_id_of(request, &error) &&
			  may_cancel(sidecar, request, job, &error) &&
			  job_queue_cancel(sidecar->queue, request->parameter, job, &error) &&
			  job_queue_wait(sidecar->queue, request->parameter, CANCEL_S, request->is_gone,
							 request->gone_argument, job, &error);

	/* it may have come to its end before it was stopped */
	if (ok && pgbr_job_state_is_final(job->state) && job->state != PGBR_STATE_CANCELLED)
		ok = pgbr_error_set(&error, PGBR_ERROR_CONFLICT, "job \"%s\" has already ended: %s",
							job->id, pgbr_job_state_name(job->state));
	if (ok)
		http_answer_json(response, job->state == PGBR_STATE_CANCELLED ? 200 : 202, job_json(job));
	else
		http_answer_problem(response, &error, -1);
	free(job);
}

void
handle_job_log(Sidecar *sidecar, const HttpRequest *request, HttpResponse *response)
{
	PgbrError error = PGBR_ERROR_INIT;
	Job *job = memory_alloc(sizeof(*job));
	char path[4096];

	if (job && job_id_of(request, &error) &&
		job_queue_get(sidecar->queue, request->parameter, job, &error))
	{
		/* a covered job's log is that of the job that does its work */
		if (job->covered_by[0])
			job_queue_get(sidecar->queue, job->covered_by, job, &error);
		job_queue_log_path(sidecar->queue, job, path, sizeof(path));
		response->status = 200;
		response->content_type = "text/plain; charset=utf-8";
		/* a job that has not begun has none */
		if (job->started_at && !file_read(path, LOG_MAX, &response->body, &error))
			strbuf_clear(&response->body);
	}
	else
		http_answer_problem(response, &error, -1);
	free(job);
}
