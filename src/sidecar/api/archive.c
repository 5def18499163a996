/*
 * archive.c
 *		The routes of what the archives hold: all of it, and one WAL segment.
 */
#include "sidecar/api/handlers.h"

#include "program/json.h"
#include "sidecar/pgbackrest/archive_read.h"
#include "sidecar/queue/queue_facts.h"

#include <stdlib.h>

#define INFO_S				 60
#define DEFAULT_SEGMENT_SIZE (16 * 1024 * 1024)

/* The size is a property of the data directory: what PostgreSQL said last. */
static uint64_t
segment_size_of(Sidecar *sidecar)
{
	char text[FACT_SIZE];
	long long size;

	job_queue_recall(sidecar->queue, "wal_segment_size", text, sizeof(text));
	size = strtoll(text, NULL, 10);
	return size > 0 ? (uint64_t) size : DEFAULT_SEGMENT_SIZE;
}

void
handle_archive(Sidecar *sidecar, const HttpRequest *request, HttpResponse *response)
{
	PgbrError error = PGBR_ERROR_INIT;
	InfoSnapshot info;
	json_t *document = NULL;
	int repo = 0;

	if (!http_query_count(request, "repo", 1, PGBR_REPO_MAX, &repo, &error))
	{
		http_answer_problem(response, &error, -1);
		return;
	}
	info_cache_wait(sidecar->cache, INFO_FIRST_TICKET, INFO_S, request->is_gone,
					request->gone_argument);
	info_cache_get(sidecar->cache, &info);
	if (info.document == NULL)
		pgbr_error_set(&error, PGBR_ERROR_UNAVAILABLE, "pgbackrest info has not answered yet%s%s",
					   info.failed ? ": " : "", info.failed ? info.message : "");
	else
		document = info_document_parse(info.document, &error);
	if (document)
		http_answer_json(response, 200,
						 archive_read(sidecar->config, document, repo, segment_size_of(sidecar),
									  sidecar->stop_fd));
	else
		http_answer_problem(response, &error, -1);
	json_decref(document);
	info_snapshot_done(&info);
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
