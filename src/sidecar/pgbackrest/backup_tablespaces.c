/*
 * backup_tablespaces.c
 *		See backup_tablespaces.h.
 */
#include "sidecar/pgbackrest/backup_tablespaces.h"

#include "program/json.h"
#include "program/pgbackrest_info.h"
#include "sidecar/pgbackrest/command_line.h"
#include "sidecar/pgbackrest/info_cache.h"
#include "sidecar/pgbackrest/pgbackrest_ask.h"
#include "sidecar/pgbackrest/pgbackrest_error.h"

#include <stdio.h>
#include <string.h>

/* It reads the manifest of the backup, which has a line for each file. */
#define TIMEOUT_MS 600000

const char *
backup_tablespace(const BackupTablespaces *tablespaces, const char *oid)
{
	return json_text(tablespaces->locations, oid);
}

void
backup_tablespaces_done(BackupTablespaces *tablespaces)
{
	json_decref(tablespaces->locations);
	tablespaces->locations = NULL;
}

static bool
add_location(BackupTablespaces *tablespaces, const json_t *tablespace, PgbrError *error)
{
	const char *location = json_text(tablespace, "destination");
	long long oid = json_number(tablespace, "oid", 0);
	char key[24];

	if (location == NULL || oid <= 0)
		return pgbr_error_set(error, PGBR_ERROR_PROTOCOL,
							  "pgbackrest tells of a tablespace without OID or location");
	snprintf(key, sizeof(key), "%lld", oid);
	return json_object_set_new(tablespaces->locations, key, json_string(location)) == 0 ||
		   pgbr_error_set(error, PGBR_ERROR_INTERNAL, "out of memory");
}

/* A repository that could not be read does not say that the backup is gone. */
static bool
fail_without_backup(const json_t *stanza, const char *label, PgbrError *error)
{
	InfoStanza status;
	InfoRepo repo;
	char reason[512];

	for (size_t i = 0; info_repo_at(stanza, i, &repo); i++)
	{
		if (repo.status.code != INFO_STATUS_OTHER)
			continue;
		pgbackrest_error_text(repo.status.message ? repo.status.message : "no reason given", reason,
							  sizeof(reason));
		return pgbr_error_set(error, PGBR_ERROR_PGBACKREST,
							  "could not see whether repository %lld has backup %s: %s", repo.key,
							  label, reason);
	}
	info_stanza_read(stanza, &status);
	return pgbr_error_set(error, PGBR_ERROR_NOT_FOUND, "pgbackrest has no backup %s: %s", label,
						  status.status.code != INFO_STATUS_OK && status.status.message
							  ? status.status.message
							  : "it may have expired");
}

bool
backup_tablespaces_read(const json_t *document, const char *stanza, const char *label,
						BackupTablespaces *tablespaces, PgbrError *error)
{
	const json_t *found = info_find_stanza(document, stanza);
	const char *version;
	const json_t *tablespace;
	InfoBackup backup;
	size_t index;

	if (!info_backup_at(found, 0, &backup) || !backup.label || strcmp(backup.label, label) != 0)
		return fail_without_backup(found, label, error);
	version = info_database_version(found, backup.repo, backup.database);
	if (version == NULL || strspn(version, "0123456789.") != strlen(version))
		return pgbr_error_set(error, PGBR_ERROR_PROTOCOL,
							  "pgbackrest does not tell the version of PostgreSQL of backup %s",
							  label);
	pgbr_copy_text(tablespaces->version, sizeof(tablespaces->version), version);
	json_array_foreach(json_object_get(backup.document, "tablespace"), index, tablespace)
	{
		if (!add_location(tablespaces, tablespace, error))
			return false;
	}
	return true;
}

static bool
take_answer(const StrBuf *text, const char *stanza, const char *label,
			BackupTablespaces *tablespaces, PgbrError *error)
{
	json_t *document = json_parse(text->data, text->length, error);
	bool ok = document && backup_tablespaces_read(document, stanza, label, tablespaces, error);

	json_decref(document);
	return ok;
}

bool
backup_tablespaces_ask(const SidecarConfig *config, int repo, const char *label, int stop_fd,
					   BackupTablespaces *tablespaces, PgbrError *error)
{
	const PgbackrestLimits limits = {NULL, TIMEOUT_MS, INFO_MAX_BYTES, stop_fd};
	Command command;
	PgbackrestAnswer answer;
	bool ok;

	tablespaces->version[0] = '\0';
	tablespaces->locations = json_object();
	if (tablespaces->locations == NULL)
		return pgbr_error_set(error, PGBR_ERROR_INTERNAL, "out of memory");
	pgbackrest_set_info_command(config, repo, label, &command);
	ok = pgbackrest_ask(&command, &limits, &answer, error) &&
		 take_answer(&answer.text, config->stanza, label, tablespaces, error);
	pgbackrest_answer_done(&answer);
	return ok;
}
