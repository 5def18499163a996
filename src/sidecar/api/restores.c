/*
 * restores.c
 *		The routes of restores: the journal with its lock and lease, and the jobs of a restore.
 */
#include "sidecar/api/handlers.h"

#include "common/memory.h"
#include "program/clock.h"
#include "program/json.h"
#include "sidecar/api/body.h"
#include "sidecar/queue/queue_restores.h"
#include "sidecar/steps/step_run.h"

#include <stdlib.h>
#include <string.h>

#define LIST_MOST 100

static json_t *
record_json(const RestoreRecord *record, int holder_seconds_left)
{
	char created_at[CLOCK_TEXT_SIZE];
	char updated_at[CLOCK_TEXT_SIZE];

	clock_format(record->created_at, created_at);
	clock_format(record->updated_at, updated_at);
	return json_pack("{ss ss si sI ss ss so}", "id", record->id, "state",
					 restore_state_name(record->state), "holder_seconds_left", holder_seconds_left,
					 "revision", (json_int_t) record->revision, "created_at", created_at,
					 "updated_at", updated_at, "document",
					 json_loads(record->document.data, JSON_DECODE_ANY, NULL));
}

static bool
restore_id_of(const HttpRequest *request, PgbrError *error)
{
	return body_is_restore_id(request->parameter) ||
		   pgbr_error_set(error, PGBR_ERROR_NOT_FOUND, "no restore can have this id");
}

static void
append_record(const RestoreRecord *record, int holder_seconds_left, void *argument)
{
	json_array_append_new(argument, record_json(record, holder_seconds_left));
}

void
handle_restore_list(Sidecar *sidecar, const HttpRequest *request, HttpResponse *response)
{
	PgbrError error = PGBR_ERROR_INIT;
	json_t *restores = json_array();
	int limit = 10;

	if (http_query_count(request, "limit", 1, LIST_MOST, &limit, &error) &&
		job_queue_list_restores(sidecar->queue, limit, append_record, restores, &error))
	{
		http_answer_json(response, 200, json_pack("{so}", "restores", restores));
		return;
	}
	json_decref(restores);
	http_answer_problem(response, &error, -1);
}

void
handle_restore_get(Sidecar *sidecar, const HttpRequest *request, HttpResponse *response)
{
	PgbrError error = PGBR_ERROR_INIT;
	RestoreRecord record;
	int seconds_left;

	restore_record_init(&record);
	if (restore_id_of(request, &error) &&
		job_queue_get_restore(sidecar->queue, request->parameter, &record, &seconds_left, &error))
		http_answer_json(response, 200, record_json(&record, seconds_left));
	else
		http_answer_problem(response, &error, -1);
	restore_record_done(&record);
}

void
handle_restore_put(Sidecar *sidecar, const HttpRequest *request, HttpResponse *response)
{
	PgbrError error = PGBR_ERROR_INIT;
	RestorePut put = {.id = request->parameter};
	RestoreRecord record;
	StrBuf document;
	int seconds_left;
	json_t *body = json_parse(request->body, request->body_length, &error);

	restore_record_init(&record);
	strbuf_init(&document);
	if (body && restore_id_of(request, &error) && body_read_put(body, &put, &document, &error) &&
		job_queue_put_restore(sidecar->queue, &put, &record, &seconds_left, &error))
		http_answer_json(response, 200, record_json(&record, seconds_left));
	else
		http_answer_problem(response, &error, -1);
	strbuf_done(&document);
	restore_record_done(&record);
	json_decref(body);
}

/* The arguments of a step are held to their grammar before it is accepted. */
static bool
check_step(const JobRequest *request, PgbrError *error)
{
	json_t *arguments;
	bool ok;

	if (!pgbr_job_kind_is_step(request->kind))
		return true;
	arguments = request->arguments[0] ? json_loads(request->arguments, 0, NULL) : NULL;
	ok = step_check(request->kind, arguments, error);
	json_decref(arguments);
	return ok;
}

void
handle_restore_job_post(Sidecar *sidecar, const HttpRequest *request, HttpResponse *response)
{
	PgbrError error = PGBR_ERROR_INIT;
	JobRequest wanted;
	char holder[JOB_ID_SIZE];
	json_t *body = json_parse(request->body, request->body_length, &error);
	Job *job = memory_alloc(sizeof(*job));
	bool repeated = false;

	if (body && job && restore_id_of(request, &error) && http_check_key(request, &error) &&
		job_restore_request_read(body, request->parameter, &wanted, holder, &error) &&
		check_step(&wanted, &error) && job_request_from(&wanted, &request->caller) &&
		job_queue_submit(sidecar->queue, &wanted, holder, request->idempotency_key, job, &repeated,
						 &error))
		http_answer_job(response, repeated ? 200 : 202, job);
	else
		http_answer_problem(response, &error, -1);
	json_decref(body);
	free(job);
}
