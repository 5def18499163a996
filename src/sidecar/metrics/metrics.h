/*
 * metrics.h
 *		What is known about a stanza, its jobs and its archiving, as metrics: facts in, text out.
 *		Pure.
 *
 * There are two sets of names. Those of pgbackrest_exporter keep its dashboards and alerts working.
 * Our own, pgbackrest_ctl_*, cover what it does not report. docs/reference/metrics.md lists them.
 */
#ifndef PGBR_SIDECAR_METRICS_METRICS_H
#define PGBR_SIDECAR_METRICS_METRICS_H

#include "common/strbuf.h"
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

/* Append all metrics. */
extern void metrics_write(const MetricsFacts *facts, StrBuf *out);

/* Its two parts. */
extern void metrics_write_exporter(const MetricsFacts *facts, StrBuf *out);
extern void metrics_write_own(const MetricsFacts *facts, StrBuf *out);

/* Of the exporter's, those of the backups of a stanza. */
extern void metrics_write_backups(const MetricsFacts *facts, const json_t *stanza, StrBuf *out);

#endif
