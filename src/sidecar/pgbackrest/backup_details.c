/*
 * backup_details.c
 *		See backup_details.h.
 */
#include "sidecar/pgbackrest/backup_details.h"

#include "common/memory.h"
#include "common/vocabulary.h"
#include "program/json.h"
#include "program/process.h"
#include "sidecar/pgbackrest/info_cache.h"
#include "sidecar/pgbackrest/pgbackrest.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

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
	size_t i;
	json_t *entry;
	int count = -1;

	json_array_foreach(document, i, entry)
	{
		const char *name = json_text(entry, "name");
		const json_t *backup = json_array_get(json_object_get(entry, "backup"), 0);
		const json_t *databases = json_object_get(backup, "database-ref");

		if (name && strcmp(name, config->stanza) == 0 && json_is_array(databases))
			count = (int) json_array_size(databases);
	}
	json_decref(document);
	return count;
}

static void
ask(BackupDetails *details, int stop_fd, BackupDatabases *backup)
{
	Command command;
	ProcessOutput output;
	PgbrError error;

	backup->count = -1;
	process_output_init(&output);
	pgbackrest_set_info_command(details->config, backup->repo, backup->label, &command);
	if (!command.failed &&
		process_run((const char *const *) command.argv, NULL, TIMEOUT_MS, INFO_MAX_BYTES, stop_fd,
					&output, &error) &&
		WIFEXITED(output.status) && WEXITSTATUS(output.status) == 0)
		backup->count = read_count(details->config, output.out.data, output.out.length);
	command_done(&command);
	process_output_done(&output);
}

/* The last backup that serves as one of each type, as BackupDatabases without a number. */
static int
find_last(const json_t *stanza, BackupDatabases *last)
{
	const json_t *found[3];
	int count = 0;

	pgbackrest_last_backups(stanza, found);
	for (int at = 0; at < 3; at++)
	{
		const char *label = json_text(found[at], "label");

		if (label == NULL || !pgbr_is_backup_label(label))
			continue;
		last[count] = (BackupDatabases){
			.repo = (int) json_number(json_object_get(found[at], "database"), "repo-key", 1)};
		pgbr_copy_text(last[count].label, JOB_LABEL_SIZE, label);
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
	ask(details, stop_fd, backup);
	details->known[details->count++] = *backup;
	qsort(details->known, (size_t) details->count, sizeof(*backup), backup_databases_compare);
}

int
backup_details_get(BackupDetails *details, const json_t *stanza, int stop_fd,
				   BackupDatabases **databases)
{
	BackupDatabases last[3];
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
