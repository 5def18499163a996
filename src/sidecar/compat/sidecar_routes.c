/*
 * sidecar_routes.c
 *		The routes of pgskipper's pgbackrest sidecar, as its clients know them: a POST answers when
 *		the job has ended. The jobs are those of everyone else; a client that hangs up ends none.
 */
#include "sidecar/compat/compat_answer.h"
#include "sidecar/compat/handlers.h"

#include "common/memory.h"
#include "program/pgbackrest_info.h"
#include "sidecar/compat/compat.h"

#include <stdlib.h>

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
