/*
 * exporter.c
 *		See exporter.h: the names that pgbackrest_exporter gives, with its labels and its meanings.
 *		Of those that it has renamed both are given.
 */
#include "sidecar/metrics/exporter.h"

#include "program/pgbackrest_info.h"
#include "sidecar/metrics/backups.h"
#include "sidecar/metrics/prometheus_text.h"

#include <stdio.h>
#include <string.h>

#if defined(__x86_64__)
#define ARCHITECTURE "amd64"
#elif defined(__aarch64__)
#define ARCHITECTURE "arm64"
#else
#define ARCHITECTURE "-"
#endif

/* Whether the running job holds pgbackrest's lock of the stanza, or restores. */
static bool
runs_restore(const MetricsFacts *facts)
{
	return facts->jobs->running.seq > 0 &&
		   facts->jobs->running.request.kind == PGBR_JOB_NODE_RESTORE;
}

static bool
holds_lock(const MetricsFacts *facts)
{
	return facts->jobs->running.seq > 0 &&
		   pgbr_job_kind_locks_stanza(facts->jobs->running.request.kind);
}

/* The stanza's lock. The document may be a minute old; for a job that is running here we know
 * better. */
static void
write_lock(const MetricsFacts *facts, const InfoLock *lock, const char *which, bool ours,
		   StrBuf *out)
{
	bool backup = strcmp(which, "backup") == 0;
	const JobProgress *progress = &facts->jobs->running.progress;
	bool measured = ours && progress->phase && progress->bytes_total > 0;
	double total = (double) (measured ? progress->bytes_total : lock->bytes_total);
	double complete = (double) (measured ? progress->bytes_done : lock->bytes_done);
	double held = ours || lock->held;
	StrBuf labels;
	char name[96];

	strbuf_init(&labels);
	metric_label(&labels, "stanza", facts->stanza);
	snprintf(name, sizeof(name), "pgbackrest_stanza_%s_lock_status", which);
	metric_single(out, name, "gauge", "Current stanza lock status.", labels.data, held);
	snprintf(name, sizeof(name), "pgbackrest_stanza_%s_total_bytes", which);
	metric_single(out, name, "gauge", "Total size of the backup or restore in progress.",
				  labels.data, total);
	snprintf(name, sizeof(name), "pgbackrest_stanza_%s_complete_bytes", which);
	metric_single(out, name, "gauge", "Completed size of the backup or restore in progress.",
				  labels.data, complete);
	if (backup)
	{
		metric_single(out, "pgbackrest_stanza_lock_status", "gauge",
					  "Former name of pgbackrest_stanza_backup_lock_status.", labels.data, held);
		metric_single(out, "pgbackrest_stanza_backup_compete_bytes", "gauge",
					  "Former name of pgbackrest_stanza_backup_complete_bytes.", labels.data,
					  complete);
	}
	strbuf_done(&labels);
}

static void
write_repositories(const MetricsFacts *facts, const json_t *stanza, StrBuf *out)
{
	InfoRepo repo;

	metric_family(out, "pgbackrest_repo_status", "gauge", "Current repository status.");
	for (size_t i = 0; info_repo_at(stanza, i, &repo); i++)
	{
		StrBuf labels;

		strbuf_init(&labels);
		metric_label(&labels, "cipher", repo.cipher);
		metric_label_number(&labels, "repo_key", repo.key);
		metric_label(&labels, "stanza", facts->stanza);
		metric_sample(out, "pgbackrest_repo_status", labels.data, (double) repo.status.code);
		strbuf_done(&labels);
	}
}

static void
write_wal(const MetricsFacts *facts, const json_t *stanza, StrBuf *out)
{
	InfoArchive archive;

	metric_family(out, "pgbackrest_wal_archive_status", "gauge", "Current WAL archive status.");
	for (size_t i = 0; info_archive_at(stanza, i, &archive); i++)
	{
		bool known = archive.min && archive.max && archive.min[0] && archive.max[0];
		StrBuf labels;

		strbuf_init(&labels);
		metric_label_number(&labels, "database_id", archive.database);
		metric_label(&labels, "pg_version",
					 info_database_version(stanza, archive.repo, archive.database));
		metric_label_number(&labels, "repo_key", archive.repo);
		metric_label(&labels, "stanza", facts->stanza);
		/* empty, as the exporter leaves them by default: a label that changes with every segment
		 * makes a new series each time */
		metric_label(&labels, "wal_max", "");
		metric_label(&labels, "wal_min", "");
		metric_sample(out, "pgbackrest_wal_archive_status", labels.data, known);
		strbuf_done(&labels);
	}
}

/* "2.45" is 2045000; 0 when it is not known. */
static double
version_number(const char *version)
{
	int major = 0;
	int minor = 0;
	int patch = 0;

	if (version == NULL || sscanf(version, "%d.%d.%d", &major, &minor, &patch) < 2)
		return 0;
	return major * 1e6 + minor * 1e3 + patch;
}

static void
write_program(const MetricsFacts *facts, StrBuf *out)
{
	StrBuf labels;

	strbuf_init(&labels);
	metric_label(&labels, "stanza", facts->stanza);
	metric_single(out, "pgbackrest_exporter_status", "gauge",
				  "pgBackRest exporter get data status.", labels.data,
				  facts->info->document && !facts->info->failed);
	strbuf_clear(&labels);
	metric_label(&labels, "branch", "-");
	metric_label(&labels, "goarch", ARCHITECTURE);
	metric_label(&labels, "goos", "linux");
	metric_label(&labels, "goversion", "-");
	metric_label(&labels, "revision", "-");
	metric_label(&labels, "tags", "pgbackrest_ctl");
	metric_label(&labels, "version", PGBR_VERSION);
	metric_single(out, "pgbackrest_exporter_build_info", "gauge",
				  "The program that serves these metrics: pgbackrest_sidecar.", labels.data, 1);
	metric_single(out, "pgbackrest_version_info", "gauge", "Information about pgBackRest version.",
				  "", version_number(facts->pgbackrest_version));
	strbuf_done(&labels);
}

void
metrics_write_exporter(const MetricsFacts *facts, StrBuf *out)
{
	const json_t *stanza = info_find_stanza(facts->document, facts->stanza);
	InfoStanza read;
	StrBuf labels;

	write_program(facts, out);
	if (stanza == NULL)
		return;
	info_stanza_read(stanza, &read);
	strbuf_init(&labels);
	metric_label(&labels, "stanza", facts->stanza);
	metric_single(out, "pgbackrest_stanza_status", "gauge", "Current stanza status.", labels.data,
				  (double) read.status.code);
	strbuf_done(&labels);
	write_lock(facts, &read.backup_lock, "backup", holds_lock(facts), out);
	write_lock(facts, &read.restore_lock, "restore", runs_restore(facts), out);
	write_repositories(facts, stanza, out);
	write_wal(facts, stanza, out);
	metrics_write_backups(facts, stanza, out);
}
