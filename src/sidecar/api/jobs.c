/*
 * jobs.c
 *		See jobs.h. Reads what a request asks for, has the parts do it, and writes the answer;
 *		decides nothing itself.
 */
#include "sidecar/api/jobs.h"

#include "common/memory.h"
#include "program/clock.h"
#include "program/file.h"
#include "program/json.h"
#include "sidecar/pgbackrest/archive_read.h"
#include "sidecar/api/body.h"
#include "sidecar/pgbackrest/pgbackrest.h"
#include "sidecar/queue/queue_facts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WAIT_MOST_S	   60 /* ?wait= of a job */
#define CANCEL_S	   45 /* a cancelled pgbackrest gets to end before the answer is 202 */
#define FIRST_INFO_S   30
#define REFRESH_MOST_S 300
#define LOG_MAX		   (512 * 1024)

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

/* A step of a restore is stopped by whoever may restore, not by whoever may ask for backups. */
static bool
may_cancel(Sidecar *sidecar, const HttpRequest *request, Job *job, PgbrError *error)
{
	return job_queue_get(sidecar->queue, request->parameter, job, error) &&
		   (!pgbr_job_kind_is_step(job->request.kind) ||
			auth_check(sidecar->auth, request, SCOPE_RESTORE, error));
}

/* What the request says of who asks, where it has no job to say it in. */
static bool
take_claim(const HttpRequest *request, HttpResponse *response, PgbrError *error)
{
	const char *text = http_query(request, "claimed_by");

	if (text && !pgbr_is_plain_text(text, sizeof(response->claimed_by) - 1))
	{
		pgbr_error_set(error, PGBR_ERROR_INVALID_VALUE, "invalid value for \"claimed_by\"");
		return pgbr_error_hint(error,
							   "It must be text without control characters of at most 128 bytes.");
	}
	pgbr_copy_text(response->claimed_by, sizeof(response->claimed_by), text ? text : "");
	return true;
}

void
handle_job_delete(Sidecar *sidecar, const HttpRequest *request, HttpResponse *response)
{
	PgbrError error = PGBR_ERROR_INIT;
	Job *job = memory_alloc(sizeof(*job));
	bool ok = job && take_claim(request, response, &error) && job_id_of(request, &error) &&
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

static json_t *
info_error_json(const InfoSnapshot *info, bool in_time)
{
	if (info->failed)
		return json_pack("{ss ss ss? so}", "code", info->error, "message", info->message, "hint",
						 info->hint[0] ? info->hint : NULL, "exit_code",
						 info->exit_code < 0 ? json_null() : json_integer(info->exit_code));
	if (in_time)
		return json_null();
	return json_pack("{ss ss so so}", "code", "timeout", "message",
					 "pgbackrest info has not ended yet; this is the copy from before", "hint",
					 json_null(), "exit_code", json_null());
}

void
handle_info(Sidecar *sidecar, const HttpRequest *request, HttpResponse *response)
{
	const char *refresh = http_query(request, "refresh");
	int seconds = FIRST_INFO_S;
	uint64_t ticket = INFO_FIRST_TICKET;
	PgbrError error = PGBR_ERROR_INIT;
	InfoSnapshot info;
	char fetched_at[CLOCK_TEXT_SIZE];
	bool in_time;
	json_t *head;

	if (refresh && strcmp(refresh, "true") != 0 && strcmp(refresh, "false") != 0)
	{
		pgbr_error_set(&error, PGBR_ERROR_INVALID_VALUE, "invalid value for \"refresh\"");
		pgbr_error_hint(&error, "It must be true or false.");
		http_answer_problem(response, &error, -1);
		return;
	}
	if (!http_query_count(request, "wait", 0, REFRESH_MOST_S, &seconds, &error))
	{
		http_answer_problem(response, &error, -1);
		return;
	}
	if (refresh && strcmp(refresh, "true") == 0)
		ticket = info_cache_refresh(sidecar->cache);
	in_time =
		info_cache_wait(sidecar->cache, ticket, seconds, request->is_gone, request->gone_argument);
	info_cache_get(sidecar->cache, &info);
	clock_format(info.fetched_at, fetched_at);
	head = json_pack("{so so so}", "fetched_at",
					 info.document ? json_string(fetched_at) : json_null(), "age_seconds",
					 info.document ? json_real((double) info.age_ms / 1000) : json_null(), "error",
					 info_error_json(&info, in_time));
	http_answer_json(response, 200, head);
	if (response->status != 200)
	{
		info_snapshot_done(&info);
		return;
	}
	/* pgbackrest's document was parsed when it came; it is set in as it is, not written anew */
	response->body.data[--response->body.length] = '\0';
	if (info.document == NULL)
	{
		strbuf_puts(&response->body, ",\"retention\":null,\"stanzas\":[]}");
		return;
	}
	strbuf_puts(&response->body, ",\"retention\":");
	response->first_document = info.retention;
	response->middle = ",\"stanzas\":";
	response->document = info.document;
	response->tail = "}";
}

void
handle_wal(Sidecar *sidecar, const HttpRequest *request, HttpResponse *response)
{
	PgbrError error = PGBR_ERROR_INIT;
	bool archived;
	int exit_code = -1;

	if (!pgbr_is_wal_segment(request->parameter))
	{
		pgbr_error_set(&error, PGBR_ERROR_INVALID_VALUE, "invalid WAL segment name");
		pgbr_error_hint(&error, "It must be 24 hexadecimal digits in upper case.");
	}
	else if (archive_has_segment(sidecar->config, sidecar->cache, request->parameter, NULL,
								 sidecar->stop_fd, &archived, &exit_code, &error))
	{
		http_answer_json(response, 200,
						 json_pack("{ss sb}", "segment", request->parameter, "archived", archived));
		return;
	}
	http_answer_problem(response, &error, exit_code);
}

static json_t *
point_json(const RestorePoint *point)
{
	char time[CLOCK_TEXT_SIZE];

	clock_format(point->time, time);
	return json_pack("{ss ss si ss ss}", "name", point->name, "lsn", point->lsn, "timeline",
					 point->timeline, "time", time, "xid", point->xid);
}

static void
append_point(const RestorePoint *point, void *argument)
{
	json_array_append_new(argument, point_json(point));
}

void
handle_point_list(Sidecar *sidecar, const HttpRequest *request, HttpResponse *response)
{
	const char *name = http_query(request, "name");
	int timeline = 0;
	PgbrError error = PGBR_ERROR_INIT;
	json_t *points = json_array();

	if (name && !pgbr_is_restore_point_name(name))
		pgbr_error_set(&error, PGBR_ERROR_INVALID_VALUE, "invalid value for \"name\"");
	else if (http_query_count(request, "timeline", 1, 999999999, &timeline, &error) &&
			 job_queue_list_points(sidecar->queue, name, timeline, append_point, points, &error))
	{
		http_answer_json(response, 200, json_pack("{so}", "restore_points", points));
		return;
	}
	json_decref(points);
	http_answer_problem(response, &error, -1);
}

void
handle_point_post(Sidecar *sidecar, const HttpRequest *request, HttpResponse *response)
{
	PgbrError error = PGBR_ERROR_INIT;
	RestorePoint point;
	json_t *body = json_parse(request->body, request->body_length, &error);

	if (body && take_claim(request, response, &error) && body_read_point(body, &point, &error) &&
		job_queue_add_point(sidecar->queue, &point, &error))
		http_answer_json(response, 201, point_json(&point));
	else
		http_answer_problem(response, &error, -1);
	json_decref(body);
}

void
handle_livez(Sidecar *sidecar, const HttpRequest *request, HttpResponse *response)
{
	(void) sidecar;
	(void) request;
	http_answer_json(response, 200, json_pack("{ss ss}", "status", "ok", "version", PGBR_VERSION));
}

/* Anybody may probe; what a check says is for those who may read. */
typedef struct Readiness
{
	json_t *checks;
	bool ready;
	bool in_full;
} Readiness;

static void
add_check(Readiness *readiness, const char *name, bool ok, const char *message)
{
	if (!readiness->in_full)
		message = ok ? "ok" : "not ok; who may read is told why";
	json_array_append_new(readiness->checks,
						  json_pack("{ss sb ss}", "name", name, "ok", ok, "message", message));
	readiness->ready = readiness->ready && ok;
}

void
handle_readyz(Sidecar *sidecar, const HttpRequest *request, HttpResponse *response)
{
	Readiness readiness = {json_array(), true, request->caller.scope >= SCOPE_READ};
	char reason[STANZA_REASON_SIZE];
	bool ok = stanza_keeper_state(sidecar->keeper, reason, sizeof(reason));
	PgbrError error = PGBR_ERROR_INIT;
	InfoSnapshot info;
	const char *hint;

	add_check(&readiness, "stanza", ok, reason);
	info_cache_get(sidecar->cache, &info);
	if (info.failed)
		snprintf(reason, sizeof(reason), "%s: %s", info.error, info.message);
	else if (info.document == NULL)
		snprintf(reason, sizeof(reason), "pgbackrest info has not answered yet");
	else if (info.stanza.repo_failed == 0)
		snprintf(reason, sizeof(reason), "ok");
	else
	{
		hint = pgbackrest_text_hint(info.stanza.repo_message);
		snprintf(reason, sizeof(reason), "%s%s%s", info.stanza.repo_message, hint ? ". " : "",
				 hint ? hint : "");
	}
	/* backups can be made as long as one of the repositories is usable */
	add_check(&readiness, "repository", !info.failed && info.document && info.stanza.archive_repo,
			  reason);
	info_snapshot_done(&info);
	if (job_queue_stopping(sidecar->queue))
		pgbr_error_set(&error, PGBR_ERROR_UNAVAILABLE, "the sidecar is stopping");
	else if (job_queue_check(sidecar->queue, &error))
		pgbr_copy_text(error.message, sizeof(error.message), "ok");
	snprintf(reason, sizeof(reason), "%s%s%s", error.message, error.hint[0] ? ". " : "",
			 error.hint);
	add_check(&readiness, "queue", error.code == PGBR_ERROR_NONE, reason);
	http_answer_json(response, readiness.ready ? 200 : 503,
					 json_pack("{sb so}", "ready", readiness.ready, "checks", readiness.checks));
}
