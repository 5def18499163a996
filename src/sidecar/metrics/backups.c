/*
 * backups.c
 *		See metrics.h: what pgbackrest_exporter tells of each backup, and of the last of each type.
 */
#include "sidecar/metrics/metrics.h"

#include "common/memory.h"
#include "program/clock.h"
#include "program/json.h"
#include "sidecar/metrics/prometheus_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A backup with the labels that all its samples have, made once. */
typedef struct Backup
{
	const json_t *json;
	char *labels;
} Backup;

typedef struct BackupList
{
	const MetricsFacts *facts;
	Backup *backups;
	size_t count;
	const json_t *last[3]; /* by type: the newest that serves as one; NULL while there is no full */
	char *last_labels[3];
} BackupList;

static const json_t *
repository_of(const json_t *backup)
{
	return json_object_get(json_object_get(backup, "info"), "repository");
}

static double
number(const json_t *object, const char *key)
{
	return json_number_value(json_object_get(object, key));
}

/* The end of the year 9999, in seconds. */
#define TIME_MAX INT64_C(253402300799)

static int64_t
time_of(const json_t *backup, const char *which)
{
	int64_t seconds = json_number(json_object_get(backup, "timestamp"), which, 0);

	return seconds > 0 && seconds <= TIME_MAX ? seconds : 0;
}

/* What is told of each backup, and of the last of each type. */
static double
duration_of(const MetricsFacts *facts, const json_t *backup)
{
	(void) facts;
	return (double) (time_of(backup, "stop") - time_of(backup, "start"));
}

static double
size_of(const MetricsFacts *facts, const json_t *backup)
{
	(void) facts;
	return number(json_object_get(backup, "info"), "size");
}

static double
delta_of(const MetricsFacts *facts, const json_t *backup)
{
	(void) facts;
	return number(json_object_get(backup, "info"), "delta");
}

static double
repo_size_of(const MetricsFacts *facts, const json_t *backup)
{
	(void) facts;
	return number(repository_of(backup), "size");
}

static double
repo_delta_of(const MetricsFacts *facts, const json_t *backup)
{
	(void) facts;
	return number(repository_of(backup), "delta");
}

static double
repo_size_map_of(const MetricsFacts *facts, const json_t *backup)
{
	(void) facts;
	return number(repository_of(backup), "size-map");
}

static double
repo_delta_map_of(const MetricsFacts *facts, const json_t *backup)
{
	(void) facts;
	return number(repository_of(backup), "delta-map");
}

static double
error_of(const MetricsFacts *facts, const json_t *backup)
{
	(void) facts;
	return json_flag(backup, "error");
}

static double
annotations_of(const MetricsFacts *facts, const json_t *backup)
{
	(void) facts;
	return (double) json_object_size(json_object_get(backup, "annotation"));
}

/* Not in the document: -1 leaves the sample out. */
static double
databases_of(const MetricsFacts *facts, const json_t *backup)
{
	BackupDatabases key = {0};
	const BackupDatabases *found;
	const char *label = json_text(backup, "label");

	pgbr_copy_text(key.label, sizeof(key.label), label ? label : "");
	key.repo = (int) json_number(json_object_get(backup, "database"), "repo-key", 0);
	found = facts->database_count ? bsearch(&key, facts->databases, (size_t) facts->database_count,
											sizeof(key), backup_databases_compare)
								  : NULL;
	return found ? found->count : -1;
}

static const struct
{
	const char *name; /* after pgbackrest_backup_ and pgbackrest_backup_last_ */
	const char *help;
	double (*value)(const MetricsFacts *facts, const json_t *backup);
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
block_incremental(const json_t *backup)
{
	const json_t *repository = repository_of(backup);

	return json_object_get(repository, "size-map") && json_object_get(repository, "delta-map")
			   ? "y"
			   : "n";
}

static bool
read_backup(const MetricsFacts *facts, const json_t *json, Backup *backup)
{
	const json_t *database = json_object_get(json, "database");
	StrBuf labels;

	strbuf_init(&labels);
	metric_label(&labels, "backup_name", json_text(json, "label"));
	metric_label(&labels, "backup_type", json_text(json, "type"));
	metric_label(&labels, "block_incr", block_incremental(json));
	metric_label_number(&labels, "database_id", json_number(database, "id", 0));
	metric_label_number(&labels, "repo_key", json_number(database, "repo-key", 0));
	metric_label(&labels, "stanza", facts->stanza);
	*backup = (Backup){json, strbuf_take(&labels)};
	return backup->labels != NULL;
}

static void
list_done(BackupList *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->backups[i].labels);
	for (int type = 0; type < 3; type++)
		free(list->last_labels[type]);
	free(list->backups);
}

static void
list_read(BackupList *list, const MetricsFacts *facts, const json_t *stanza)
{
	const json_t *backups = json_object_get(stanza, "backup");
	size_t size = json_array_size(backups);
	size_t i;
	json_t *json;

	*list = (BackupList){.facts = facts, .backups = memory_zeroed(size ? size : 1, sizeof(Backup))};
	if (list->backups == NULL)
		return;
	json_array_foreach((json_t *) backups, i, json)
	{
		if (read_backup(facts, json, &list->backups[list->count]))
			list->count++;
	}
	pgbackrest_last_backups(stanza, list->last);
	for (int type = 0; type < 3; type++)
	{
		StrBuf labels;

		if (list->last[PGBR_BACKUP_FULL] == NULL)
			list->last[type] = NULL;
		if (list->last[type] == NULL)
			continue;
		strbuf_init(&labels);
		metric_label(&labels, "backup_type", pgbr_backup_type_name((PgbrBackupType) type));
		metric_label(&labels, "block_incr", block_incremental(list->last[type]));
		metric_label(&labels, "stanza", facts->stanza);
		list->last_labels[type] = strbuf_take(&labels);
		if (list->last_labels[type] == NULL)
			list->last[type] = NULL;
	}
}

static const char *
lsn_of(const json_t *backup, const char *which)
{
	const char *lsn = json_text(json_object_get(backup, "lsn"), which);

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
		const json_t *json = list->backups[i].json;
		const json_t *archive = json_object_get(json, "archive");
		StrBuf more;

		strbuf_init(&more);
		metric_label(&more, "backrest_ver",
					 json_text(json_object_get(json, "backrest"), "version"));
		metric_label(&more, "lsn_start", lsn_of(json, "start"));
		metric_label(&more, "lsn_stop", lsn_of(json, "stop"));
		metric_label(&more, "pg_version",
					 metrics_database_version(stanza, json_object_get(json, "database")));
		metric_label(&more, "prior", json_text(json, "prior"));
		metric_label(&more, "wal_start", json_text(archive, "start"));
		metric_label(&more, "wal_stop", json_text(archive, "stop"));
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
		double value = values[which].value(list->facts, backup->json);
		StrBuf more;

		if (values[which].value != duration_of)
		{
			if (value >= 0)
				metric_sample(out, name, backup->labels, value);
			continue;
		}
		strbuf_init(&more);
		label_time(&more, "start_time", time_of(backup->json, "start"));
		label_time(&more, "stop_time", time_of(backup->json, "stop"));
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
	for (int type = 2; type >= 0; type--)
	{
		double value = list->last[type] ? values[which].value(list->facts, list->last[type]) : -1;

		if (value >= 0)
			metric_sample(out, name, list->last_labels[type], value);
	}
}

/* How many backups of each type a backup depends on; the last letter of a label tells the type. */
static void
write_references(const json_t *backup, const char *name, const char *labels, StrBuf *out)
{
	static const char letters[] = "IDF";
	double counts[3] = {0};
	size_t i;
	json_t *reference;

	json_array_foreach(json_object_get(backup, "reference"), i, reference)
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
		strbuf_puts(&all, labels);
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
	for (int type = 2; type >= 0; type--)
	{
		if (list->last[type])
			metric_sample(out, "pgbackrest_backup_since_last_completion_seconds",
						  list->last_labels[type],
						  (double) (list->facts->now / 1000 - time_of(list->last[type], "stop")));
	}
	for (size_t i = 0; i < VALUE_COUNT; i++)
		write_last_value(list, i, out);
	metric_family(out, "pgbackrest_backup_last_references", "gauge",
				  "Number of references to other backups, of the last full, differential or "
				  "incremental backup.");
	for (int type = 2; type >= 0; type--)
	{
		if (list->last[type])
			write_references(list->last[type], "pgbackrest_backup_last_references",
							 list->last_labels[type], out);
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
		write_references(list.backups[i].json, "pgbackrest_backup_references",
						 list.backups[i].labels, out);
	write_last(&list, out);
	list_done(&list);
}
