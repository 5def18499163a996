/*
 * metrics.c
 *		GET /metrics: gathers what is known and has metrics.c write it. What is asked for anew is
 *		PostgreSQL's archiving (at most every 5 s) and the disks; pgbackrest is run only
 *		for its version and for the databases of a new backup.
 */
#include "sidecar/api/handlers.h"

#include "common/memory.h"
#include "program/clock.h"
#include "program/pgbackrest_info.h"
#include "sidecar/metrics/prometheus_text.h"
#include "sidecar/metrics/metrics.h"
#include "sidecar/pgbackrest/retention_info.h"
#include "sidecar/pgbackrest/version.h"
#include "sidecar/postgres/member.h"
#include "sidecar/queue/queue_facts.h"

#include <malloc.h>
#include <stdlib.h>

/* What facts point to. */
typedef struct Gathered
{
	InfoSnapshot info;
	json_t *document;
	RetentionHistory history;
	JobSummary jobs;
	ArchiverState archiver;
	RepoSpace spaces[REPO_SPACE_MAX];
	BackupDatabases *databases;
	char version[32];
} Gathered;

/* Have the retention decided, for where the recovery window begins. */
static void
metrics_read_history(const SidecarConfig *config, Gathered *gathered, MetricsFacts *facts)
{
	RetentionState *state = memory_alloc(sizeof(*state));
	PgbrError error;

	if (state && info_find_stanza(facts->document, config->stanza) &&
		retention_state_read_anyway(config, facts->document, state, &error))
	{
		gathered->history = state->history;
		facts->history = &gathered->history;
	}
	free(state);
}

static bool
gather(Sidecar *sidecar, Gathered *gathered, MetricsFacts *facts, PgbrError *error)
{
	const SidecarConfig *config = sidecar->config;
	PgbrError unused;

	if (!job_tally_read(sidecar->tally, sidecar->queue, &gathered->jobs, error))
		return false;
	info_cache_get(sidecar->cache, &gathered->info);
	if (gathered->info.document)
		gathered->document = info_document_parse(gathered->info.document, error);
	archiver_get(sidecar->archiver, sidecar->stop_fd, &gathered->archiver);
	pgbackrest_version_read(config, gathered->version);
	*facts = (MetricsFacts){
		.stanza = config->stanza,
		.pgbackrest_version = gathered->version,
		.now = clock_now_ms(),
		.info = &gathered->info,
		.document = gathered->document,
		.jobs = &gathered->jobs,
		.archiver = &gathered->archiver,
		.spaces = gathered->spaces,
		.space_count = repo_space_read(config, gathered->spaces),
		.store_up = job_queue_check_store(sidecar->queue, &unused),
		.last_restore = gathered->jobs.counts[PGBR_JOB_NODE_RESTORE][0].last_success,
		.last_verified_restore = gathered->jobs.counts[PGBR_JOB_NODE_RECOVER][0].last_success,
	};
	metrics_read_history(config, gathered, facts);
	/* while the repository can't be reached it would only take time */
	if (!gathered->info.failed)
		facts->database_count =
			backup_details_get(sidecar->details, info_find_stanza(facts->document, config->stanza),
							   sidecar->stop_fd, &gathered->databases);
	facts->databases = gathered->databases;
	return true;
}

void
handle_metrics(Sidecar *sidecar, const HttpRequest *request, HttpResponse *response)
{
	Gathered *gathered = memory_zeroed(1, sizeof(*gathered));
	MetricsFacts facts;
	PgbrError error = PGBR_ERROR_INIT;

	(void) request;
	if (gathered && gather(sidecar, gathered, &facts, &error))
	{
		metrics_write(&facts, &response->body);
		response->status = response->body.failed ? 500 : 200;
		response->content_type = METRIC_TEXT_TYPE;
	}
	else
		http_answer_problem(response, &error, -1);
	if (gathered)
	{
		retention_done(&gathered->history);
		json_decref(gathered->document);
		free(gathered->databases);
		info_snapshot_done(&gathered->info);
	}
	free(gathered);
	/* the parsed document takes ten times its text */
	malloc_trim(0);
}
