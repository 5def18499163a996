/*
 * sidecar_routes.c
 *		The routes of pgskipper's pgbackrest sidecar, as its clients know them: a POST answers when the
 *		job has ended. The jobs are those of everyone else; a client that hangs up ends none.
 */
#include "sidecar/compat/sidecar_routes.h"

#include "common/memory.h"
#include "program/pgbackrest_info.h"
#include "sidecar/compat/compat.h"

#include <stdio.h>
#include <stdlib.h>

#define WAIT_S	60 /* of one wait; there are as many as it takes */
#define FRESH_S 30

void
compat_answer_failure(HttpResponse *response, int exit_code, const char *message)
{
	char text[64];

	snprintf(text, sizeof(text), "exit status %d", exit_code);
	http_answer_text(response, 500, exit_code > 0 ? text : message);
}

const json_t *
compat_fresh_stanza(Sidecar *sidecar, const HttpRequest *request, json_t **document,
					HttpResponse *response)
{
	const json_t *stanza = NULL;
	InfoSnapshot info;
	PgbrError error = PGBR_ERROR_INIT;

	*document = NULL;
	info_cache_wait(sidecar->cache, info_cache_refresh(sidecar->cache), FRESH_S, request->is_gone,
					request->gone_argument);
	info_cache_get(sidecar->cache, &info);
	if (info.failed)
		compat_answer_failure(response, info.exit_code, info.message);
	else if (info.document == NULL)
		http_answer_text(response, 503, "pgbackrest info has not answered yet");
	else if ((*document = info_document_parse(info.document, &error)) == NULL)
		http_answer_refusal(response, &error);
	else if ((stanza = info_find_stanza(*document, sidecar->config->stanza)) == NULL)
		http_answer_text(response, 500, "pgbackrest info does not know the stanza");
	info_snapshot_done(&info);
	return stanza;
}

bool
compat_wait(Sidecar *sidecar, const HttpRequest *request, Job *job, HttpResponse *response)
{
	PgbrError error = PGBR_ERROR_INIT;

	while (!pgbr_job_state_is_final(job->state) && error.code == PGBR_ERROR_NONE)
	{
		if (job_queue_stopping(sidecar->queue))
			pgbr_error_set(&error, PGBR_ERROR_UNAVAILABLE, "the sidecar is stopping");
		else if (request->is_gone(request->gone_argument))
			pgbr_error_set(&error, PGBR_ERROR_UNAVAILABLE, "nobody waits any more");
		else
			job_queue_wait(sidecar->queue, job->id, WAIT_S, request->is_gone,
						   request->gone_argument, job, &error);
	}
	if (error.code != PGBR_ERROR_NONE)
		http_answer_refusal(response, &error);
	else if (job->state != PGBR_STATE_SUCCEEDED)
		compat_answer_failure(response, job->state == PGBR_STATE_FAILED ? job->exit_code : -1,
							  job->message);
	else
		return true;
	return false;
}

/* Have a job done and answer with a text as JSON when it succeeded. */
static void
do_job(Sidecar *sidecar, const HttpRequest *request, JobRequest *wanted, const char *answer,
	   HttpResponse *response)
{
	Job *job = memory_alloc(sizeof(*job));
	PgbrError error = PGBR_ERROR_INIT;
	bool repeated;

	job_request_from(wanted, &request->caller);
	if (job == NULL || !job_queue_submit(sidecar->queue, wanted, "", NULL, job, &repeated, &error))
		http_answer_refusal(response, &error);
	else
	{
		http_concerns(response, job);
		if (compat_wait(sidecar, request, job, response))
			http_answer_json(response, 200, json_string(answer));
	}
	free(job);
}

static void
make_backup(Sidecar *sidecar, const HttpRequest *request, PgbrBackupType type, const char *answer,
			HttpResponse *response)
{
	CompatFields *fields = memory_alloc(sizeof(*fields));
	JobRequest *wanted = memory_alloc(sizeof(*wanted));
	PgbrError error = PGBR_ERROR_INIT;

	if (fields && wanted &&
		compat_read_body(request->content_type, request->body, request->body_length, fields,
						 &error) &&
		compat_make_request(type, fields->timestamp, "compat", wanted, &error))
		do_job(sidecar, request, wanted, answer, response);
	else
		http_answer_refusal(response, &error);
	free(fields);
	free(wanted);
}

void
handle_compat_full(Sidecar *sidecar, const HttpRequest *request, HttpResponse *response)
{
	make_backup(sidecar, request, PGBR_BACKUP_FULL, "Backup started successfully", response);
}

void
handle_compat_diff(Sidecar *sidecar, const HttpRequest *request, HttpResponse *response)
{
	make_backup(sidecar, request, PGBR_BACKUP_DIFF, "Diff backup has been started successfully",
				response);
}

void
handle_compat_incr(Sidecar *sidecar, const HttpRequest *request, HttpResponse *response)
{
	make_backup(sidecar, request, PGBR_BACKUP_INCR, "Delta backup has been started successfully",
				response);
}

void
handle_compat_upgrade(Sidecar *sidecar, const HttpRequest *request, HttpResponse *response)
{
	JobRequest *wanted = memory_zeroed(1, sizeof(*wanted));

	if (wanted == NULL)
		return;
	wanted->kind = PGBR_JOB_STANZA_UPGRADE;
	pgbr_copy_text(wanted->claimed_by, sizeof(wanted->claimed_by), "compat");
	do_job(sidecar, request, wanted, "Stanza has been upgraded", response);
	free(wanted);
}

void
handle_compat_list(Sidecar *sidecar, const HttpRequest *request, HttpResponse *response)
{
	json_t *document;
	const json_t *stanza = compat_fresh_stanza(sidecar, request, &document, response);

	if (stanza)
		http_answer_json(response, 200, compat_list(stanza));
	json_decref(document);
}

void
handle_compat_status(Sidecar *sidecar, const HttpRequest *request, HttpResponse *response)
{
	const char *timestamp = http_query(request, "timestamp");
	json_t *document;
	const json_t *stanza = compat_fresh_stanza(sidecar, request, &document, response);

	if (stanza)
		http_answer_json(response, 200, compat_status(stanza, timestamp ? timestamp : ""));
	json_decref(document);
}
