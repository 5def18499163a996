/*
 * backup_details.c
 *		See backup_details.h.
 */
#include "sidecar/pgbackrest/backup_details.h"

#include "common/memory.h"
#include "common/vocabulary.h"
#include "program/json.h"
#include "program/pgbackrest_info.h"
#include "sidecar/pgbackrest/info_cache.h"
#include "sidecar/pgbackrest/command_line.h"
#include "sidecar/pgbackrest/pgbackrest_ask.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define TIMEOUT_MS 5000
#define MAX_KNOWN  1000 /* then all is forgotten and asked anew */

struct BackupDetails
{
	const SidecarConfig *config;
	pthread_mutex_t lock; /* guards all below */
	BackupDatabases known[MAX_KNOWN];
	int count;
};

int
backup_databases_compare(const void *a, const void *b)
{
	const BackupDatabases *left = a;
	const BackupDatabases *right = b;

	return left->repo != right->repo ? left->repo - right->repo : strcmp(left->label, right->label);
}

BackupDetails *
backup_details_new(const SidecarConfig *config)
{
	BackupDetails *details = memory_zeroed(1, sizeof(*details));

	if (details == NULL)
		return NULL;
	details->config = config;
	pthread_mutex_init(&details->lock, NULL);
	return details;
}

void
backup_details_free(BackupDetails *details)
{
	if (details == NULL)
		return;
	pthread_mutex_destroy(&details->lock);
	free(details);
}

/* The number in `info --set`; -1 when it is not there. */
static int
read_count(const SidecarConfig *config, const char *text, size_t length)
{
	PgbrError error;
	json_t *document = json_parse(text, length, &error);
	InfoBackup backup;
	int count = -1;

	if (info_backup_at(info_find_stanza(document, config->stanza), 0, &backup) &&
		json_is_array(backup.database_ref))
		count = (int) json_array_size(backup.database_ref);
	json_decref(document);
	return count;
}

static void
details_ask(BackupDetails *details, int stop_fd, BackupDatabases *backup)
{
	const PgbackrestLimits limits = {NULL, TIMEOUT_MS, INFO_MAX_BYTES, stop_fd};
	Command command;
	PgbackrestAnswer answer;
	PgbrError error;

	backup->count = -1;
	pgbackrest_set_info_command(details->config, backup->repo, backup->label, &command);
	if (pgbackrest_ask(&command, &limits, &answer, &error))
		backup->count = read_count(details->config, answer.text.data, answer.text.length);
	pgbackrest_answer_done(&answer);
}

/* The last backup that serves as one of each type, as BackupDatabases without a number. */
static int
find_last(const json_t *stanza, BackupDatabases *last)
{
	InfoBackup found[PGBR_BACKUP_FULL + 1];
	int count = 0;

	info_last_backups(stanza, found);
	for (int at = 0; at <= PGBR_BACKUP_FULL; at++)
	{
		if (found[at].label == NULL || !pgbr_is_backup_label(found[at].label))
			continue;
		last[count] = (BackupDatabases){.repo = (int) found[at].repo};
		pgbr_copy_text(last[count].label, JOB_LABEL_SIZE, found[at].label);
		count++;
	}
	return count;
}

static void
learn(BackupDetails *details, BackupDatabases *backup, int stop_fd)
{
	if (details->count && bsearch(backup, details->known, (size_t) details->count, sizeof(*backup),
								  backup_databases_compare))
		return;
	if (details->count == MAX_KNOWN)
		details->count = 0;
	details_ask(details, stop_fd, backup);
	details->known[details->count++] = *backup;
	qsort(details->known, (size_t) details->count, sizeof(*backup), backup_databases_compare);
}

int
backup_details_get(BackupDetails *details, const json_t *stanza, int stop_fd,
				   BackupDatabases **databases)
{
	BackupDatabases last[PGBR_BACKUP_FULL + 1];
	int count = find_last(stanza, last);

	pthread_mutex_lock(&details->lock);
	for (int i = 0; i < count; i++)
		learn(details, &last[i], stop_fd);
	count = details->count;
	*databases = memory_alloc((size_t) (count ? count : 1) * sizeof(**databases));
	if (*databases)
		memcpy(*databases, details->known, (size_t) count * sizeof(**databases));
	pthread_mutex_unlock(&details->lock);
	return *databases ? count : 0;
}
