/*
 * pgbackrest_info.c
 *		See pgbackrest_info.h.
 */
#include "program/pgbackrest_info.h"

#include "program/json.h"

#include <string.h>

#define DEPTH 3

/* The end of the year 9999, in seconds. */
#define TIME_MAX INT64_C(253402300799)

typedef enum FieldKind
{
	FIELD_TEXT,	  /* const char * */
	FIELD_NUMBER, /* long long */
	FIELD_FLAG,	  /* bool */
	FIELD_JSON,	  /* const json_t * */
} FieldKind;

/* Where a member of a struct stands in the document. */
typedef struct Field
{
	const char *path[DEPTH]; /* keys, from the outermost on */
	FieldKind kind;
	size_t at;
	long long otherwise; /* of a number that is not told */
} Field;

#define TEXT(type, member)				FIELD_TEXT, offsetof(type, member), 0
#define NUMBER(type, member, otherwise) FIELD_NUMBER, offsetof(type, member), otherwise
#define FLAG(type, member)				FIELD_FLAG, offsetof(type, member), 0
#define JSON(type, member)				FIELD_JSON, offsetof(type, member), 0

static const Field stanza_fields[] = {
	{{"name"}, TEXT(InfoStanza, name)},
	{{"cipher"}, TEXT(InfoStanza, cipher)},
	{{"status", "code"}, NUMBER(InfoStanza, status.code, INFO_STATUS_OTHER)},
	{{"status", "message"}, TEXT(InfoStanza, status.message)},
};

/* below status.lock.backup and status.lock.restore */
static const Field lock_fields[] = {
	{{"held"}, FLAG(InfoLock, held)},
	{{"size"}, NUMBER(InfoLock, bytes_total, 0)},
	{{"size-cplt"}, NUMBER(InfoLock, bytes_done, 0)},
};

static const Field repo_fields[] = {
	{{"key"}, NUMBER(InfoRepo, key, 1)},
	{{"cipher"}, TEXT(InfoRepo, cipher)},
	{{"status", "code"}, NUMBER(InfoRepo, status.code, INFO_STATUS_OTHER)},
	{{"status", "message"}, TEXT(InfoRepo, status.message)},
};

static const Field database_fields[] = {
	{{"repo-key"}, NUMBER(InfoDatabase, repo, 1)},
	{{"id"}, NUMBER(InfoDatabase, id, 0)},
	{{"system-id"}, NUMBER(InfoDatabase, system_id, 0)},
	{{"version"}, TEXT(InfoDatabase, version)},
};

static const Field archive_fields[] = {
	{{"database", "repo-key"}, NUMBER(InfoArchive, repo, 1)},
	{{"database", "id"}, NUMBER(InfoArchive, database, 0)},
	{{"id"}, TEXT(InfoArchive, id)},
	{{"min"}, TEXT(InfoArchive, min)},
	{{"max"}, TEXT(InfoArchive, max)},
};

static const Field backup_fields[] = {
	{{"label"}, TEXT(InfoBackup, label)},
	{{"type"}, TEXT(InfoBackup, type)},
	{{"prior"}, TEXT(InfoBackup, prior)},
	{{"backrest", "version"}, TEXT(InfoBackup, pgbackrest_version)},
	{{"database", "repo-key"}, NUMBER(InfoBackup, repo, 1)},
	{{"database", "id"}, NUMBER(InfoBackup, database, 0)},
	{{"error"}, FLAG(InfoBackup, error)},
	{{"timestamp", "start"}, NUMBER(InfoBackup, start, 0)},
	{{"timestamp", "stop"}, NUMBER(InfoBackup, stop, 0)},
	{{"lsn", "start"}, TEXT(InfoBackup, lsn_start)},
	{{"lsn", "stop"}, TEXT(InfoBackup, lsn_stop)},
	{{"archive", "start"}, TEXT(InfoBackup, wal_start)},
	{{"archive", "stop"}, TEXT(InfoBackup, wal_stop)},
	{{"info", "size"}, NUMBER(InfoBackup, size, 0)},
	{{"info", "delta"}, NUMBER(InfoBackup, delta, 0)},
	{{"info", "repository", "size"}, NUMBER(InfoBackup, repo_size, 0)},
	{{"info", "repository", "delta"}, NUMBER(InfoBackup, repo_delta, -1)},
	{{"info", "repository", "size-map"}, NUMBER(InfoBackup, repo_size_map, -1)},
	{{"info", "repository", "delta-map"}, NUMBER(InfoBackup, repo_delta_map, -1)},
	{{"annotation"}, JSON(InfoBackup, annotations)},
	{{"reference"}, JSON(InfoBackup, references)},
	{{"database-ref"}, JSON(InfoBackup, database_ref)},
};

#define READ(object, fields, target) \
	read_fields(object, fields, sizeof(fields) / sizeof((fields)[0]), target)

/* Set the members of a struct that the fields name. */
static void
read_fields(const json_t *object, const Field *fields, size_t count, void *target)
{
	for (size_t i = 0; i < count; i++)
	{
		const Field *field = &fields[i];
		void *member = (char *) target + field->at;
		const json_t *holder = object;
		int depth = 0;

		for (; depth + 1 < DEPTH && field->path[depth + 1]; depth++)
			holder = json_object_get(holder, field->path[depth]);
		switch (field->kind)
		{
			case FIELD_TEXT:
				*(const char **) member = json_text(holder, field->path[depth]);
				break;
			case FIELD_NUMBER:
				*(long long *) member = json_number(holder, field->path[depth], field->otherwise);
				break;
			case FIELD_FLAG:
				*(bool *) member = json_flag(holder, field->path[depth]);
				break;
			case FIELD_JSON:
				*(const json_t **) member = json_object_get(holder, field->path[depth]);
				break;
		}
	}
}

const json_t *
info_find_stanza(const json_t *document, const char *name)
{
	size_t i;
	json_t *stanza;

	json_array_foreach((json_t *) document, i, stanza)
	{
		const char *found = json_text(stanza, "name");

		if (found && strcmp(found, name) == 0)
			return stanza;
	}
	return NULL;
}

void
info_stanza_read(const json_t *stanza, InfoStanza *result)
{
	const json_t *lock = json_object_get(json_object_get(stanza, "status"), "lock");

	READ(stanza, stanza_fields, result);
	READ(json_object_get(lock, "backup"), lock_fields, &result->backup_lock);
	READ(json_object_get(lock, "restore"), lock_fields, &result->restore_lock);
}

/* Read an element of one of the stanza's lists. */
static bool
read_at(const json_t *stanza, const char *list, size_t index, const Field *fields, size_t count,
		void *target)
{
	const json_t *element = json_array_get(json_object_get(stanza, list), index);

	if (element)
		read_fields(element, fields, count, target);
	return element != NULL;
}

#define READ_AT(stanza, list, index, fields, target) \
	read_at(stanza, list, index, fields, sizeof(fields) / sizeof((fields)[0]), target)

bool
info_repo_at(const json_t *stanza, size_t index, InfoRepo *repo)
{
	return READ_AT(stanza, "repo", index, repo_fields, repo);
}

bool
info_database_at(const json_t *stanza, size_t index, InfoDatabase *database)
{
	return READ_AT(stanza, "db", index, database_fields, database);
}

bool
info_archive_at(const json_t *stanza, size_t index, InfoArchive *archive)
{
	return READ_AT(stanza, "archive", index, archive_fields, archive);
}

bool
info_backup_at(const json_t *stanza, size_t index, InfoBackup *backup)
{
	if (!READ_AT(stanza, "backup", index, backup_fields, backup))
		return false;
	backup->document = json_array_get(json_object_get(stanza, "backup"), index);
	return true;
}

size_t
info_backup_count(const json_t *stanza)
{
	return json_array_size(json_object_get(stanza, "backup"));
}

size_t
info_archive_count(const json_t *stanza)
{
	return json_array_size(json_object_get(stanza, "archive"));
}

int64_t
info_time(long long seconds)
{
	return seconds > 0 && seconds <= TIME_MAX ? seconds : 0;
}

const char *
info_annotation(const InfoBackup *backup, const char *key)
{
	return json_text(backup->annotations, key);
}

bool
info_find_backup(const json_t *document, const char *label, InfoBackup *backup)
{
	size_t i;
	json_t *stanza;

	json_array_foreach((json_t *) document, i, stanza)
	{
		for (size_t j = 0; info_backup_at(stanza, j, backup); j++)
		{
			if (backup->label && strcmp(backup->label, label) == 0)
				return true;
		}
	}
	return false;
}

const char *
info_database_version(const json_t *stanza, long long repo, long long database)
{
	InfoDatabase found;

	for (size_t i = 0; info_database_at(stanza, i, &found); i++)
	{
		if (found.id == database && found.repo == repo)
			return found.version;
	}
	return NULL;
}

void
info_last_backups(const json_t *stanza, InfoBackup last[PGBR_BACKUP_FULL + 1])
{
	InfoBackup backup;

	memset(last, 0, (PGBR_BACKUP_FULL + 1) * sizeof(*last));
	for (size_t i = 0; info_backup_at(stanza, i, &backup); i++)
	{
		PgbrBackupType type;

		if (backup.type == NULL || !pgbr_backup_type_parse(backup.type, &type))
			continue;
		for (int at = 0; at <= (int) type; at++)
		{
			if (backup.stop > last[at].stop)
				last[at] = backup;
		}
	}
}
