/*
 * health.c
 *		The routes of probes: does the sidecar live, and can it make backups.
 */
#include "sidecar/api/handlers.h"

#include "program/json.h"
#include "sidecar/pgbackrest/pgbackrest.h"

#include <stdio.h>

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
		message = ok ? "ok" : "not ok; callers who may read are told why";
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
	else if (info.refusal[0])
		snprintf(reason, sizeof(reason), "%s", info.refusal);
	else if (info.stanza.repo_failed == 0)
		snprintf(reason, sizeof(reason), "ok");
	else
	{
		hint = pgbackrest_text_hint(info.stanza.repo_message);
		snprintf(reason, sizeof(reason), "%s%s%s", info.stanza.repo_message, hint ? ". " : "",
				 hint ? hint : "");
	}
	/* backups can be made as long as one of the repositories is usable */
	add_check(&readiness, "repository",
			  !info.failed && info.document && info.stanza.archive_repo && !info.refusal[0],
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
