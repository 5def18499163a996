/*
 * compat_answer.c
 *		See compat_answer.h.
 */
#include "sidecar/compat/compat_answer.h"

#include "program/pgbackrest_info.h"

#include <stdio.h>

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
			pgbr_error_set(&error, PGBR_ERROR_UNAVAILABLE, "the client has hung up");
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
