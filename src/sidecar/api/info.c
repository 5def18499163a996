/*
 * info.c
 *		The route of pgbackrest's information.
 */
#include "sidecar/api/handlers.h"

#include "program/clock.h"
#include "program/json.h"

#include <string.h>

#define FIRST_INFO_S   30
#define REFRESH_MOST_S 300

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
					 "pgbackrest info is still running; this is the previous copy", "hint",
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
