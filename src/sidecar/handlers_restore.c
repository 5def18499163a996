/*
 * handlers_restore.c
 *		The routes of restores: the journal with its lock and lease, and the jobs of a restore.
 */
#include "sidecar/handlers.h"

#include "program/clock.h"
#include "program/json.h"
#include "sidecar/node_step.h"

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

/* It becomes part of paths as well, so none is hidden or leads upwards. */
static bool
is_restore_id(const char *text)
{
	return pgbr_is_job_id(text) && text[0] != '.';
}

static bool
restore_id_of(const HttpRequest *request, PgbrError *error)
{
	return is_restore_id(request->parameter) ||
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
	PgbrError error;
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
	PgbrError error;
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

static bool
check_members(const json_t *body, PgbrError *error)
{
	static const char *const known[] = {"holder",	"lease_seconds", "revision",
										"replaces", "state",		 "document"};
	const char *key;
	json_t *value;

	if (!json_is_object(body))
		return pgbr_error_set(error, PGBR_ERROR_BAD_REQUEST, "the body is not a JSON object");
	json_object_foreach((json_t *) body, key, value)
	{
		bool found = false;

		for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
			found = found || strcmp(key, known[i]) == 0;
		if (!found)
			return pgbr_error_set(error, PGBR_ERROR_INVALID_VALUE, "unknown member \"%.64s\"",
								  pgbr_is_plain_text(key, 65536) ? key : "?");
	}
	return true;
}

static bool
is_missing(const json_t *value)
{
	return value == NULL || json_is_null(value);
}

/* Read the body of a PUT. document holds the canonical text that put borrows, as the body lends the
 * others. */
static bool
read_put(const json_t *body, RestorePut *put, StrBuf *document, PgbrError *error)
{
	const char *state = json_text(body, "state");
	const json_t *value = json_object_get(body, "document");
	const char *bad = NULL;
	char *text;

	if (!check_members(body, error))
		return false;
	put->holder = json_text(body, "holder");
	put->lease_seconds = (int) json_number(body, "lease_seconds", -1);
	put->revision = json_number(body, "revision", is_missing(value) ? 0 : -1);
	put->replaces = json_text(body, "replaces");
	put->done = state && strcmp(state, "done") == 0;
	if (put->holder == NULL || !pgbr_is_job_id(put->holder))
		bad = "holder";
	else if (json_number(body, "lease_seconds", -1) < 0 ||
			 json_number(body, "lease_seconds", -1) > RESTORE_LEASE_MAX_S)
		bad = "lease_seconds";
	else if (put->revision < 0)
		bad = "revision";
	else if (!put->done && (state == NULL || strcmp(state, "active") != 0))
		bad = "state";
	else if (!is_missing(json_object_get(body, "replaces")) &&
			 (put->replaces == NULL || !is_restore_id(put->replaces)))
		bad = "replaces";
	else if (!is_missing(value) && !json_is_object(value))
		bad = "document";
	if (bad)
		return pgbr_error_set(error, PGBR_ERROR_INVALID_VALUE,
							  "missing or invalid value for \"%s\"", bad);
	if (is_missing(value))
		return true;
	text = json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS);
	if (text)
		strbuf_puts(document, text);
	free(text);
	put->document = document->data;
	put->harmless = json_flag(value, "harmless");
	return (text && !document->failed) ||
		   pgbr_error_set(error, PGBR_ERROR_INTERNAL, "out of memory");
}

void
handle_restore_put(Sidecar *sidecar, const HttpRequest *request, HttpResponse *response)
{
	PgbrError error;
	RestorePut put = {.id = request->parameter};
	RestoreRecord record;
	StrBuf document;
	int seconds_left;
	json_t *body = json_parse(request->body, request->body_length, &error);

	restore_record_init(&record);
	strbuf_init(&document);
	if (body && restore_id_of(request, &error) && read_put(body, &put, &document, &error) &&
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
	ok = node_step_check(pgbr_job_kind_name(request->kind), arguments, error);
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
	Job *job = malloc(sizeof(*job));
	bool repeated = false;

	if (body && job && restore_id_of(request, &error) && http_check_key(request, &error) &&
		job_restore_request_read(body, request->parameter, &wanted, holder, &error) &&
		check_step(&wanted, &error) &&
		job_queue_submit(sidecar->queue, &wanted, holder, request->idempotency_key, job, &repeated,
						 &error))
		http_answer_job(response, repeated ? 200 : 202, job);
	else
		http_answer_problem(response, &error, -1);
	json_decref(body);
	free(job);
}
