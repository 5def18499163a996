/*
 * metrics.c
 *		See metrics.h: our own metrics. exporter.c writes those of pgbackrest_exporter.
 */
#include "sidecar/metrics/metrics.h"

#include "program/json.h"
#include "sidecar/metrics/exporter.h"
#include "sidecar/metrics/prometheus_text.h"

#include <stdio.h>
#include <string.h>

#define NAME(rest) "pgbackrest_ctl_" rest

/* A family while it is written: its name and the labels that all its samples have. */
typedef struct Family
{
	StrBuf *out;
	const char *name;
	const char *stanza;
} Family;

static Family
family_begin(const MetricsFacts *facts, StrBuf *out, const char *name, const char *type,
			 const char *help)
{
	metric_family(out, name, type, help);
	return (Family){out, name, facts->stanza};
}

/* A sample with up to two labels of its own; a NULL name ends them. */
static void
family_put(const Family *family, double value, const char *name1, const char *value1,
		   const char *name2, const char *value2)
{
	StrBuf labels;

	strbuf_init(&labels);
	metric_label(&labels, "stanza", family->stanza);
	if (name1)
		metric_label(&labels, name1, value1);
	if (name2)
		metric_label(&labels, name2, value2);
	metric_sample(family->out, family->name, labels.data, value);
	strbuf_done(&labels);
}

static void
put_repo(const Family *family, double value, int repo)
{
	char key[16];

	snprintf(key, sizeof(key), "%d", repo);
	family_put(family, value, "repo_key", key, NULL, NULL);
}

static void
single(const MetricsFacts *facts, StrBuf *out, const char *name, const char *type, const char *help,
	   double value)
{
	Family family = family_begin(facts, out, name, type, help);

	family_put(&family, value, NULL, NULL, NULL, NULL);
}

static double
seconds(int64_t ms)
{
	return (double) ms / 1000;
}

static void
write_info(const MetricsFacts *facts, StrBuf *out)
{
	const InfoSnapshot *info = facts->info;

	single(facts, out, NAME("info_up"), "gauge",
		   "Whether the last refresh of the backup information succeeded.",
		   info->document && !info->failed);
	if (info->document)
		single(facts, out, NAME("info_age_seconds"), "gauge",
			   "Age of the backup information behind these metrics.", seconds(info->age_ms));
	single(facts, out, NAME("info_refreshes_total"), "counter",
		   "Refreshes of the backup information since the sidecar started.",
		   (double) info->refreshes);
	single(facts, out, NAME("info_refresh_errors_total"), "counter",
		   "Refreshes of the backup information that failed.", (double) info->refresh_errors);
}

/* When the newest backup of each type ended, according to pgbackrest. Seconds; 0: there is none. */
static void
find_newest(const MetricsFacts *facts, int64_t *newest)
{
	const RetentionHistory *history = facts->history;

	memset(newest, 0, JOB_TALLY_TYPES * sizeof(*newest));
	for (int i = 0; history && i < history->count; i++)
	{
		const RetentionBackup *backup = &history->backups[i];

		if (backup->stop > newest[backup->type])
			newest[backup->type] = backup->stop;
	}
}

static void
write_backups(const MetricsFacts *facts, StrBuf *out)
{
	const JobCount *counts = facts->jobs->counts[PGBR_JOB_BACKUP];
	int64_t newest[JOB_TALLY_TYPES];
	double success[JOB_TALLY_TYPES];
	Family family;

	find_newest(facts, newest);
	for (int type = 0; type < JOB_TALLY_TYPES; type++)
	{
		double by_job = seconds(counts[type].last_success);

		success[type] = by_job > (double) newest[type] ? by_job : (double) newest[type];
	}
	family = family_begin(
		facts, out, NAME("backup_last_success_timestamp_seconds"), "gauge",
		"Time of the last successful backup of the type, whether or not this sidecar made it.");
	for (int type = 0; type < JOB_TALLY_TYPES; type++)
	{
		if (success[type] > 0)
			family_put(&family, success[type], "type", pgbr_backup_type_name((PgbrBackupType) type),
					   NULL, NULL);
	}
	family = family_begin(facts, out, NAME("backup_never_succeeded"), "gauge",
						  "1 while no backup of the type is known to have succeeded.");
	for (int type = 0; type < JOB_TALLY_TYPES; type++)
		family_put(&family, success[type] == 0, "type",
				   pgbr_backup_type_name((PgbrBackupType) type), NULL, NULL);
	family = family_begin(facts, out, NAME("backup_last_failure_timestamp_seconds"), "gauge",
						  "Time of the last failed backup job of the type.");
	for (int type = 0; type < JOB_TALLY_TYPES; type++)
	{
		if (counts[type].last_failure)
			family_put(&family, seconds(counts[type].last_failure), "type",
					   pgbr_backup_type_name((PgbrBackupType) type), NULL, NULL);
	}
	family = family_begin(facts, out, NAME("backup_consecutive_failures"), "gauge",
						  "Failed backup jobs of the type since the last success.");
	for (int type = 0; type < JOB_TALLY_TYPES; type++)
		family_put(&family, counts[type].failures_in_a_row, "type",
				   pgbr_backup_type_name((PgbrBackupType) type), NULL, NULL);
}

/* The samples of each kind and type of job that has ended at least once. */
static double
last_success_of(const JobCount *count)
{
	return seconds(count->last_success);
}

static double
last_failure_of(const JobCount *count)
{
	return seconds(count->last_failure);
}

static double
duration_of(const JobCount *count)
{
	return seconds(count->last_duration_ms);
}

static double
exit_code_of(const JobCount *count)
{
	return count->last_exit_code;
}

static double
failures_of(const JobCount *count)
{
	return count->failures_in_a_row;
}

static const struct
{
	const char *name;
	const char *help;
	double (*value)(const JobCount *count);
	bool skips_zero; /* 0 is "never" */
} job_metrics[] = {
	{NAME("job_last_success_timestamp_seconds"), "When a job of the kind succeeded last.",
	 last_success_of, true},
	{NAME("job_last_failure_timestamp_seconds"), "When a job of the kind failed last.",
	 last_failure_of, true},
	{NAME("job_last_duration_seconds"), "How long the last job of the kind ran.", duration_of,
	 false},
	{NAME("job_last_exit_code"),
	 "Exit code of pgbackrest in the last job of the kind; -1 when it gave none.", exit_code_of,
	 false},
	{NAME("job_consecutive_failures"), "Jobs of the kind that failed since one succeeded.",
	 failures_of, false},
};

/* Only backups have a type. */
static void
put_job(const Family *family, double value, int kind, int type)
{
	family_put(family, value, "kind", pgbr_job_kind_name((PgbrJobKind) kind),
			   kind == PGBR_JOB_BACKUP ? "type" : NULL,
			   pgbr_backup_type_name((PgbrBackupType) type));
}

static void
write_jobs(const MetricsFacts *facts, StrBuf *out)
{
	const JobSummary *jobs = facts->jobs;

	for (size_t i = 0; i < sizeof(job_metrics) / sizeof(job_metrics[0]); i++)
	{
		Family family = family_begin(facts, out, job_metrics[i].name, "gauge", job_metrics[i].help);

		for (int at = 0; at < JOB_TALLY_KINDS * JOB_TALLY_TYPES; at++)
		{
			int kind = at / JOB_TALLY_TYPES;
			int type = at % JOB_TALLY_TYPES;
			const JobCount *count = &jobs->counts[kind][type];
			double value = job_metrics[i].value(count);

			if (count->last_end && !(job_metrics[i].skips_zero && value == 0))
				put_job(&family, value, kind, type);
		}
	}
	single(facts, out, NAME("queue_depth"), "gauge", "Jobs waiting to run.", jobs->queued);
	single(facts, out, NAME("queue_covered"), "gauge",
		   "Waiting jobs that are coalesced into another job.", jobs->covered);
	single(facts, out, NAME("job_running"), "gauge", "Whether a job runs.", jobs->running.seq > 0);
	if (jobs->running.seq > 0)
		single(facts, out, NAME("job_running_seconds"), "gauge",
			   "How long the running job has been running.",
			   seconds(facts->now - jobs->running.started_at));
}

/* How many segments PostgreSQL reports as archived that no repository has; -1: not known. */
static double
count_missing(const MetricsFacts *facts)
{
	const ArchiverState *archiver = facts->archiver;
	int64_t archived = archiver_segment_number(archiver->last_wal, archiver->segment_size);
	const char *newest = NULL;
	int64_t found;

	/* the copy of info must be newer than the last archiving */
	if (archived < 0 || strlen(archiver->last_wal) != 24 || facts->history == NULL ||
		seconds(facts->info->fetched_at) <= archiver->last_archived)
		return -1;
	for (int i = 0; i < facts->history->wal_count; i++)
	{
		const char *last = facts->history->wals[i].last;

		if (last && (newest == NULL || strcmp(last, newest) > 0))
			newest = last;
	}
	if (newest && strcmp(newest, archiver->last_wal) >= 0)
		return 0;
	found = newest && strncmp(newest, archiver->last_wal, 8) == 0
				? archiver_segment_number(newest, archiver->segment_size)
				: archived - 1;
	return (double) (archived - found);
}

static void
write_archiving(const MetricsFacts *facts, StrBuf *out)
{
	const ArchiverState *archiver = facts->archiver;
	double missing;

	single(facts, out, NAME("postgres_up"), "gauge", "Whether the local PostgreSQL answers.",
		   archiver->running);
	if (!archiver->running)
		return;
	single(facts, out, NAME("postgres_is_standby"), "gauge",
		   "Whether the local PostgreSQL is a standby.", archiver->is_standby);
	if (!archiver->archives)
		return;
	single(facts, out, NAME("wal_waiting_files"), "gauge", "WAL files that wait to be archived.",
		   (double) archiver->ready);
	single(facts, out, NAME("wal_archive_lag_seconds"), "gauge",
		   "How long the oldest waiting WAL file has been waiting.",
		   archiver->ready ? seconds(facts->now) - archiver->oldest_ready : 0);
	single(facts, out, NAME("wal_archived_total"), "counter",
		   "WAL files that PostgreSQL has archived.", (double) archiver->archived);
	single(facts, out, NAME("wal_archive_failures_total"), "counter",
		   "Failed attempts to archive a WAL file.", (double) archiver->failed);
	if (archiver->last_archived > 0)
		single(facts, out, NAME("wal_last_archived_timestamp_seconds"), "gauge",
			   "Time of the last successful archiving of a WAL file.", archiver->last_archived);
	if (archiver->last_failed > 0)
		single(facts, out, NAME("wal_last_failure_timestamp_seconds"), "gauge",
			   "Time of the last failed attempt to archive a WAL file.", archiver->last_failed);
	missing = count_missing(facts);
	if (missing >= 0)
		single(facts, out, NAME("wal_missing_segments"), "gauge",
			   "WAL segments that PostgreSQL reports as archived but that no repository has.",
			   missing);
}

/* For each repository, the WAL of the newest database and from when any moment can be restored. */
static bool
is_newest(const RetentionHistory *history, int at)
{
	for (int i = 0; i < history->wal_count; i++)
	{
		if (history->wals[i].repo == history->wals[at].repo &&
			history->wals[i].database > history->wals[at].database)
			return false;
	}
	return history->wals[at].from >= 0;
}

static double
window_end(const MetricsFacts *facts, const RetentionWal *wal)
{
	const ArchiverState *archiver = facts->archiver;
	double end = 0;

	for (int i = 0; i < facts->history->count; i++)
	{
		const RetentionBackup *backup = &facts->history->backups[i];

		if (backup->repo == wal->repo && backup->database == wal->database &&
			(double) backup->stop > end)
			end = (double) backup->stop;
	}
	/* what this member archived is in the repository, too, unless it is seen to be missing */
	if (archiver->archives && archiver->last_archived > end && count_missing(facts) <= 0)
		end = archiver->last_archived;
	return end;
}

static void
write_window(const MetricsFacts *facts, StrBuf *out)
{
	const RetentionHistory *history = facts->history;
	Family family;

	if (history == NULL)
		return;
	family = family_begin(facts, out, NAME("recovery_window_start_timestamp_seconds"), "gauge",
						  "The earliest moment that can be restored to.");
	for (int i = 0; i < history->wal_count; i++)
	{
		if (is_newest(history, i))
			put_repo(&family, (double) history->backups[history->wals[i].from].stop,
					 history->wals[i].repo);
	}
	family = family_begin(facts, out, NAME("recovery_window_end_timestamp_seconds"), "gauge",
						  "The latest moment that can be restored to, as known to this member.");
	for (int i = 0; i < history->wal_count; i++)
	{
		if (is_newest(history, i))
			put_repo(&family, window_end(facts, &history->wals[i]), history->wals[i].repo);
	}
}

static void
write_space(const MetricsFacts *facts, StrBuf *out)
{
	Family family;

	if (facts->space_count == 0)
		return;
	family = family_begin(facts, out, NAME("repo_free_bytes"), "gauge",
						  "Free space for a repository in a local folder.");
	for (int i = 0; i < facts->space_count; i++)
		put_repo(&family, (double) facts->spaces[i].free_bytes, facts->spaces[i].repo);
	family = family_begin(facts, out, NAME("repo_size_bytes"), "gauge",
						  "Size of the file system of that repository.");
	for (int i = 0; i < facts->space_count; i++)
		put_repo(&family, (double) facts->spaces[i].total_bytes, facts->spaces[i].repo);
}

/* How long the backup of the last due time has been overdue. */
static double
lag_of(const MetricsFacts *facts, const ArchiverSchedule *schedule)
{
	double lag = seconds(facts->now) - schedule->last_due;

	return schedule->succeeded || schedule->last_due == 0 || lag < 0 ? 0 : lag;
}

static void
write_schedules(const MetricsFacts *facts, StrBuf *out)
{
	const ArchiverState *archiver = facts->archiver;
	Family family;

	if (archiver->has_extension)
		single(
			facts, out, NAME("schedules_up"), "gauge",
			"Whether the schedules of the extension can be read: 0, for example, when a role that "
			"is not a superuser owns a part of it.",
			archiver->schedules_read);
	if (archiver->schedule_count == 0)
		return;
	family = family_begin(facts, out, NAME("schedule_active"), "gauge",
						  "Whether this member runs the schedule of the type.");
	for (int i = 0; i < archiver->schedule_count; i++)
		family_put(&family, archiver->schedules[i].active, "type",
				   pgbr_backup_type_name(archiver->schedules[i].type), NULL, NULL);
	family = family_begin(facts, out, NAME("schedule_next_run_timestamp_seconds"), "gauge",
						  "When a backup of the type is due next.");
	for (int i = 0; i < archiver->schedule_count; i++)
	{
		if (archiver->schedules[i].next_run > 0)
			family_put(&family, archiver->schedules[i].next_run, "type",
					   pgbr_backup_type_name(archiver->schedules[i].type), NULL, NULL);
	}
	family = family_begin(
		facts, out, NAME("schedule_lag_seconds"), "gauge",
		"How long the backup of the last due time has been overdue; 0 when it was made.");
	for (int i = 0; i < archiver->schedule_count; i++)
		family_put(&family, lag_of(facts, &archiver->schedules[i]), "type",
				   pgbr_backup_type_name(archiver->schedules[i].type), NULL, NULL);
}

static void
write_own(const MetricsFacts *facts, StrBuf *out)
{
	Family family = family_begin(facts, out, NAME("build_info"), "gauge",
								 "The version of the sidecar, as a label.");

	family_put(&family, 1, "version", PGBR_VERSION, NULL, NULL);
	single(facts, out, NAME("store_up"), "gauge",
		   "Whether the sidecar can store jobs: 0, for example, when its disk is full.",
		   facts->store_up);
	write_info(facts, out);
	write_backups(facts, out);
	write_jobs(facts, out);
	write_archiving(facts, out);
	write_window(facts, out);
	write_space(facts, out);
	write_schedules(facts, out);
	if (facts->last_restore)
		single(facts, out, NAME("restore_last_success_timestamp_seconds"), "gauge",
			   "Time of the last restore of this member's data directory.",
			   seconds(facts->last_restore));
	if (facts->last_verified_restore)
		single(facts, out, NAME("restore_last_verified_timestamp_seconds"), "gauge",
			   "Time of the last restore that ended at the requested target.",
			   seconds(facts->last_verified_restore));
}

void
metrics_write(const MetricsFacts *facts, StrBuf *out)
{
	metrics_write_exporter(facts, out);
	write_own(facts, out);
}
