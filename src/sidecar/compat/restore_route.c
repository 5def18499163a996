/*
 * restore_route.c
 *		POST /restore of pgskipper's sidecar: the data directory of this one member, whose
 *		PostgreSQL is stopped. It is the step node-restore of a restore that has no other, and that
 *		takes this member's lock as any restore does.
 *
 * The crash case: such a restore is driven from here alone, so one that is still active when the
 * sidecar starts was left by a crash, and is ended before anyone is served.
 */
#include "sidecar/compat/restore_route.h"

#include "common/memory.h"
#include "program/clock.h"
#include "program/json.h"
#include "program/log.h"
#include "sidecar/compat/compat.h"
#include "sidecar/compat/compat_answer.h"
#include "sidecar/compat/handlers.h"
#include "sidecar/queue/queue_restores.h"
#include "sidecar/steps/step_run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PREFIX	"compat-"
#define HOLDER	"compat"
#define LEASE_S RESTORE_LEASE_MAX_S
#define LOOK_S	(LEASE_S / 3)

/* The journal of a restore that has one step. */
#define DOCUMENT "{\"claimed_by\":\"POST /restore\"}"

/* Begin the restore with its document; renew or end it with none. */
static bool
compat_put_restore(Sidecar *sidecar, const char *id, const char *document, bool done,
				   PgbrError *error)
{
	RestorePut wanted = {.id = id,
						 .holder = HOLDER,
						 .lease_seconds = done ? 0 : LEASE_S,
						 .revision = 1,
						 .document = document,
						 .done = done};
	RestoreRecord record;
	int seconds_left;
	bool ok;

	restore_record_init(&record);
	ok = job_queue_put_restore(sidecar->queue, &wanted, &record, &seconds_left, error);
	restore_record_done(&record);
	return ok;
}

void
compat_end_leftovers(Sidecar *sidecar)
{
	char restore[JOB_ID_SIZE];
	char running[JOB_ID_SIZE];
	PgbrError error = PGBR_ERROR_INIT;

	job_queue_at_work(sidecar->queue, restore, running);
	if (strncmp(restore, PREFIX, strlen(PREFIX)) != 0)
		return;
	if (compat_put_restore(sidecar, restore, NULL, true, &error))
		log_event(LOG_LEVEL_WARNING, NULL, "ended restore \"%s\", which a crash had left", restore);
	else
		log_error(NULL, "could not end a restore that a crash had left", &error);
}

/* What the client asks for, as the arguments of the step. */
static json_t *
read_arguments(const CompatFields *fields, const json_t *stanza, PgbrError *error)
{
	RecoveryTarget target;
	const char *type = fields->type[0] || fields->target[0] ? fields->type : "default";
	const char *label;

	if (!recovery_target_parse(&target, type, fields->target, false, NULL, NULL, error))
		return NULL;
	label = fields->backup_id[0] ? compat_find_label(stanza, fields->backup_id)
								 : compat_choose_label(stanza, &target);
	if (label == NULL)
	{
		pgbr_error_set(error, PGBR_ERROR_INVALID_VALUE,
					   fields->backup_id[0] ? "no backup has this label or timestamp"
											: "no backup is old enough for this target");
		return NULL;
	}
	return json_pack("{s:s, s:s, s:s, s:s?}", "kind", "node-restore", "set", label, "target_type",
					 recovery_type_name(target.type), "target",
					 target.text[0] ? target.text : NULL);
}

static bool
make_request(const json_t *arguments, const char *id, JobRequest *wanted, PgbrError *error)
{
	json_t *body = json_deep_copy(arguments);
	json_t *given;
	char holder[JOB_ID_SIZE];
	bool ok;

	json_object_set_new(body, "holder", json_string(HOLDER));
	json_object_set_new(body, "claimed_by", json_string("compat"));
	ok = job_restore_request_read(body, id, wanted, holder, error);
	given = ok ? json_loads(wanted->arguments, 0, NULL) : NULL;
	ok = ok && step_check(wanted->kind, given, error);
	json_decref(given);
	json_decref(body);
	return ok;
}

/* To its end, whether the client stays or not: nobody else ends the restore. */
static bool
wait_for_end(Sidecar *sidecar, const char *id, Job *job, PgbrError *error)
{
	while (!pgbr_job_state_is_final(job->state))
	{
		if (job_queue_stopping(sidecar->queue))
			return pgbr_error_set(error, PGBR_ERROR_UNAVAILABLE, "the sidecar is stopping");
		if (!job_queue_wait(sidecar->queue, job->id, LOOK_S, NULL, NULL, job, error) ||
			!compat_put_restore(sidecar, id, NULL, false, error))
			return false;
	}
	return true;
}

static void
restore(Sidecar *sidecar, const JobRequest *wanted, const char *id, HttpResponse *response)
{
	Job *job = memory_alloc(sizeof(*job));
	PgbrError error = PGBR_ERROR_INIT;
	bool repeated;

	if (job && job_queue_submit(sidecar->queue, wanted, HOLDER, NULL, job, &repeated, &error) &&
		wait_for_end(sidecar, id, job, &error))
	{
		http_concerns(response, job);
		if (job->state == PGBR_STATE_SUCCEEDED)
			http_answer_json(response, 200,
							 json_string("Restore procedure has been started successfully"));
		else
			compat_answer_failure(response, job->exit_code, job->message);
	}
	else
		http_answer_refusal(response, &error);
	free(job);
}

void
handle_compat_restore(Sidecar *sidecar, const HttpRequest *request, HttpResponse *response)
{
	CompatFields *fields = memory_alloc(sizeof(*fields));
	JobRequest *wanted = memory_alloc(sizeof(*wanted));
	json_t *document = NULL;
	json_t *arguments = NULL;
	const json_t *stanza;
	char id[JOB_ID_SIZE];
	PgbrError error = PGBR_ERROR_INIT;

	snprintf(id, sizeof(id), PREFIX "%lld", (long long) clock_now_ms());
	if (fields == NULL || wanted == NULL ||
		!compat_read_body(request->content_type, request->body, request->body_length, fields,
						  &error))
		http_answer_refusal(response, &error);
	else if ((stanza = compat_fresh_stanza(sidecar, request, &document, response)) == NULL)
		; /* it was answered */
	else if ((arguments = read_arguments(fields, stanza, &error)) == NULL ||
			 !make_request(arguments, id, wanted, &error) ||
			 !job_request_from(wanted, &request->caller) ||
			 !compat_put_restore(sidecar, id, DOCUMENT, false, &error))
		http_answer_refusal(response, &error);
	else
	{
		restore(sidecar, wanted, id, response);
		if (!job_queue_stopping(sidecar->queue) &&
			!compat_put_restore(sidecar, id, NULL, true, &error))
			log_error(NULL, "could not end the restore", &error);
	}
	json_decref(arguments);
	json_decref(document);
	free(fields);
	free(wanted);
}
