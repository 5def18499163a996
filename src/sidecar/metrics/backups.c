/*
 * backups.c
 *		See backups.h: what pgbackrest_exporter tells of each backup, and of the last of each type.
 */
#include "sidecar/metrics/backups.h"

#include "common/memory.h"
#include "program/clock.h"
#include "program/pgbackrest_info.h"
#include "sidecar/metrics/prometheus_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A backup with the labels that all its samples have, made once. */
typedef struct Backup
{
	InfoBackup info;
	char *labels;
} Backup;

typedef struct BackupList
{
	const MetricsFacts *facts;
	Backup *backups;
	size_t count;
	Backup last[PGBR_BACKUP_FULL + 1]; /* by type: the newest that serves as one, or no labels; none
										* while there is no full */
} BackupList;

/* What is told of each backup, and of the last of each type; -1 leaves the sample out. */
static double
duration_of(const MetricsFacts *facts, const InfoBackup *backup)
{
	(void) facts;
	return (double) (info_time(backup->stop) - info_time(backup->start));
}

static double
size_of(const MetricsFacts *facts, const InfoBackup *backup)
{
	(void) facts;
	return (double) backup->size;
}

static double
delta_of(const MetricsFacts *facts, const InfoBackup *backup)
{
	(void) facts;
	return (double) backup->delta;
}

static double
repo_size_of(const MetricsFacts *facts, const InfoBackup *backup)
{
	(void) facts;
	return (double) backup->repo_size;
}

/* 0 for a number that is not told. */
static double
known(long long number)
{
	return number >= 0 ? (double) number : 0;
}

static double
repo_delta_of(const MetricsFacts *facts, const InfoBackup *backup)
{
	(void) facts;
	return known(backup->repo_delta);
}

static double
repo_size_map_of(const MetricsFacts *facts, const InfoBackup *backup)
{
	(void) facts;
	return known(backup->repo_size_map);
}

static double
repo_delta_map_of(const MetricsFacts *facts, const InfoBackup *backup)
{
	(void) facts;
	return known(backup->repo_delta_map);
}

static double
error_of(const MetricsFacts *facts, const InfoBackup *backup)
{
	(void) facts;
	return backup->error;
}

static double
annotations_of(const MetricsFacts *facts, const InfoBackup *backup)
{
	(void) facts;
	return (double) json_object_size(backup->annotations);
}

/* Not in the document. */
static double
databases_of(const MetricsFacts *facts, const InfoBackup *backup)
{
	BackupDatabases key = {.repo = (int) backup->repo};
	const BackupDatabases *found;

	pgbr_copy_text(key.label, sizeof(key.label), backup->label ? backup->label : "");
	found = facts->database_count ? bsearch(&key, facts->databases, (size_t) facts->database_count,
											sizeof(key), backup_databases_compare)
								  : NULL;
	return found ? found->count : -1;
}

static const struct
{
	const char *name; /* after pgbackrest_backup_ and pgbackrest_backup_last_ */
	const char *help;
	double (*value)(const MetricsFacts *facts, const InfoBackup *backup);
} values[] = {
	{"duration_seconds", "Backup duration", duration_of},
	{"size_bytes", "Full uncompressed size of the database", size_of},
	{"delta_bytes", "Amount of data in the database to actually backup", delta_of},
	{"repo_size_bytes", "Full compressed files size to restore the database from backup",
	 repo_size_of},
	{"repo_delta_bytes", "Compressed files size in backup", repo_delta_of},
	{"repo_size_map_bytes", "Size of block incremental map", repo_size_map_of},
	{"repo_delta_map_bytes", "Size of block incremental delta map", repo_delta_map_of},
	{"error_status", "Backup error status", error_of},
	{"annotations", "Number of annotations in backup", annotations_of},
	{"databases", "Number of databases in backup", databases_of},
};

#define VALUE_COUNT (sizeof(values) / sizeof(values[0]))

/* A block incremental backup has maps. */
static const char *
block_incremental(const InfoBackup *backup)
{
	return backup->repo_size_map >= 0 && backup->repo_delta_map >= 0 ? "y" : "n";
}

/* Give a backup its labels; false when out of memory. */
static bool
label_backup(const MetricsFacts *facts, Backup *backup)
{
	const InfoBackup *info = &backup->info;
	StrBuf labels;

	strbuf_init(&labels);
	metric_label(&labels, "backup_name", info->label);
	metric_label(&labels, "backup_type", info->type);
	metric_label(&labels, "block_incr", block_incremental(info));
	metric_label_number(&labels, "database_id", info->database);
	metric_label_number(&labels, "repo_key", info->repo);
	metric_label(&labels, "stanza", facts->stanza);
	backup->labels = strbuf_take(&labels);
	return backup->labels != NULL;
}

static void
label_last(const MetricsFacts *facts, PgbrBackupType type, Backup *last)
{
	StrBuf labels;

	strbuf_init(&labels);
	metric_label(&labels, "backup_type", pgbr_backup_type_name(type));
	metric_label(&labels, "block_incr", block_incremental(&last->info));
	metric_label(&labels, "stanza", facts->stanza);
	last->labels = strbuf_take(&labels);
}

static void
list_done(BackupList *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->backups[i].labels);
	for (int type = 0; type <= PGBR_BACKUP_FULL; type++)
		free(list->last[type].labels);
	free(list->backups);
}

static void
list_read(BackupList *list, const MetricsFacts *facts, const json_t *stanza)
{
	size_t size = info_backup_count(stanza);
	InfoBackup last[PGBR_BACKUP_FULL + 1];

	*list = (BackupList){.facts = facts, .backups = memory_zeroed(size ? size : 1, sizeof(Backup))};
	if (list->backups == NULL)
		return;
	for (size_t i = 0; info_backup_at(stanza, i, &list->backups[list->count].info); i++)
	{
		if (label_backup(facts, &list->backups[list->count]))
			list->count++;
	}
	info_last_backups(stanza, last);
	for (int type = 0; type <= PGBR_BACKUP_FULL && last[PGBR_BACKUP_FULL].type; type++)
	{
		list->last[type].info = last[type];
		if (last[type].type)
			label_last(facts, (PgbrBackupType) type, &list->last[type]);
	}
}

static const char *
lsn_or_dash(const char *lsn)
{
	return lsn && lsn[0] ? lsn : "-";
}

/* The labels of a backup and what is added to them. */
static void
sample_with(StrBuf *out, const char *name, const Backup *backup, const StrBuf *more, double value)
{
	StrBuf labels;

	strbuf_init(&labels);
	strbuf_puts(&labels, backup->labels);
	strbuf_putc(&labels, ',');
	strbuf_puts(&labels, more->data);
	metric_sample(out, name, labels.data, value);
	strbuf_done(&labels);
}

static void
write_backup_info(const BackupList *list, const json_t *stanza, StrBuf *out)
{
	static const char name[] = "pgbackrest_backup_info";

	metric_family(out, name, "gauge", "Backup info.");
	for (size_t i = 0; i < list->count; i++)
	{
		const InfoBackup *info = &list->backups[i].info;
		StrBuf more;

		strbuf_init(&more);
		metric_label(&more, "backrest_ver", info->pgbackrest_version);
		metric_label(&more, "lsn_start", lsn_or_dash(info->lsn_start));
		metric_label(&more, "lsn_stop", lsn_or_dash(info->lsn_stop));
		metric_label(&more, "pg_version",
					 info_database_version(stanza, info->repo, info->database));
		metric_label(&more, "prior", info->prior);
		metric_label(&more, "wal_start", info->wal_start);
		metric_label(&more, "wal_stop", info->wal_stop);
		sample_with(out, name, &list->backups[i], &more, 1);
		strbuf_done(&more);
	}
}

static void
label_time(StrBuf *labels, const char *name, int64_t seconds)
{
	char text[CLOCK_TEXT_SIZE];

	/* as the exporter writes it: a blank, no fraction and no zone */
	clock_format_seconds(seconds, text);
	text[10] = ' ';
	text[19] = '\0';
	metric_label(labels, name, text);
}

/* A value of all backups; the durations have their own labels. */
static void
write_value(const BackupList *list, size_t which, StrBuf *out)
{
	char name[96];
	char help[128];

	snprintf(name, sizeof(name), "pgbackrest_backup_%s", values[which].name);
	snprintf(help, sizeof(help), "%s.", values[which].help);
	metric_family(out, name, "gauge", help);
	for (size_t i = 0; i < list->count; i++)
	{
		const Backup *backup = &list->backups[i];
		double value = values[which].value(list->facts, &backup->info);
		StrBuf more;

		if (values[which].value != duration_of)
		{
			if (value >= 0)
				metric_sample(out, name, backup->labels, value);
			continue;
		}
		strbuf_init(&more);
		label_time(&more, "start_time", info_time(backup->info.start));
		label_time(&more, "stop_time", info_time(backup->info.stop));
		sample_with(out, name, backup, &more, value);
		strbuf_done(&more);
	}
}

static void
write_last_value(const BackupList *list, size_t which, StrBuf *out)
{
	char name[96];
	char help[160];

	snprintf(name, sizeof(name), "pgbackrest_backup_last_%s", values[which].name);
	snprintf(help, sizeof(help), "%s, of the last full, differential or incremental backup.",
			 values[which].help);
	metric_family(out, name, "gauge", help);
	for (int type = PGBR_BACKUP_FULL; type >= 0; type--)
	{
		const Backup *last = &list->last[type];
		double value = last->labels ? values[which].value(list->facts, &last->info) : -1;

		if (value >= 0)
			metric_sample(out, name, last->labels, value);
	}
}

/* How many backups of each type a backup depends on; the last letter of a label tells the type. */
static void
write_references(const Backup *backup, const char *name, StrBuf *out)
{
	static const char letters[] = "IDF";
	double counts[3] = {0};
	size_t i;
	json_t *reference;

	json_array_foreach((json_t *) backup->info.references, i, reference)
	{
		const char *label = json_string_value(reference);
		const char *letter = label && label[0] ? strchr(letters, label[strlen(label) - 1]) : NULL;

		if (letter)
			counts[letter - letters]++;
	}
	for (int type = 2; type >= 0; type--)
	{
		StrBuf all;

		strbuf_init(&all);
		strbuf_puts(&all, backup->labels);
		metric_label(&all, "ref_backup", pgbr_backup_type_name((PgbrBackupType) type));
		metric_sample(out, name, all.data, counts[type]);
		strbuf_done(&all);
	}
}

static void
write_last(const BackupList *list, StrBuf *out)
{
	metric_family(out, "pgbackrest_backup_since_last_completion_seconds", "gauge",
				  "Seconds since the last completed full, differential or incremental backup.");
	for (int type = PGBR_BACKUP_FULL; type >= 0; type--)
	{
		const Backup *last = &list->last[type];
		int64_t now = list->facts->now / 1000;

		if (last->labels)
			metric_sample(out, "pgbackrest_backup_since_last_completion_seconds", last->labels,
						  (double) (now - info_time(last->info.stop)));
	}
	for (size_t i = 0; i < VALUE_COUNT; i++)
		write_last_value(list, i, out);
	metric_family(out, "pgbackrest_backup_last_references", "gauge",
				  "Number of references to other backups, of the last full, differential or "
				  "incremental backup.");
	for (int type = PGBR_BACKUP_FULL; type >= 0; type--)
	{
		if (list->last[type].labels)
			write_references(&list->last[type], "pgbackrest_backup_last_references", out);
	}
}

void
metrics_write_backups(const MetricsFacts *facts, const json_t *stanza, StrBuf *out)
{
	BackupList list;

	list_read(&list, facts, stanza);
	write_backup_info(&list, stanza, out);
	for (size_t i = 0; i < VALUE_COUNT; i++)
		write_value(&list, i, out);
	metric_family(out, "pgbackrest_backup_references", "gauge",
				  "Number of references to other backups (backup reference list).");
	for (size_t i = 0; i < list.count; i++)
		write_references(&list.backups[i], "pgbackrest_backup_references", out);
	write_last(&list, out);
	list_done(&list);
}
