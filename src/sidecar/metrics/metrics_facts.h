/*
 * metrics_facts.h
 *		What the metrics are made of: what is known about a stanza, its jobs and its archiving.
 */
#ifndef PGBR_SIDECAR_METRICS_METRICS_FACTS_H
#define PGBR_SIDECAR_METRICS_METRICS_FACTS_H

#include "program/retention.h"
#include "sidecar/postgres/archiver.h"
#include "sidecar/pgbackrest/backup_details.h"
#include "sidecar/pgbackrest/info_cache.h"
#include "sidecar/queue/job_tally.h"
#include "sidecar/pgbackrest/repo_space.h"

#include <jansson.h>

/* All that metrics are made of. Pointers are lent; NULL and 0 mean "not known". */
typedef struct MetricsFacts
{
	const char *stanza;
	const char *pgbackrest_version; /* e.g. "2.45" */
	int64_t now;					/* ms since 1970 */
	const InfoSnapshot *info;
	const json_t *document;			 /* the document of the snapshot, parsed */
	const RetentionHistory *history; /* the same stanza's, decided */
	const JobSummary *jobs;
	const ArchiverState *archiver;
	const RepoSpace *spaces;
	int space_count;
	const BackupDatabases *databases; /* as backup_details_get gives them */
	int database_count;
	bool store_up;		  /* the store takes new jobs */
	int64_t last_restore; /* ms since 1970 */
	int64_t last_verified_restore;
} MetricsFacts;

#endif
