/*
 * backup_details.h
 *		How many databases a backup holds: the one thing that pgbackrest tells of a single backup only.
 *
 * Asked once for each backup that is the last of its type, and remembered until the sidecar ends; a
 * history of thousands is not asked through. Thread-safe.
 */
#ifndef PGBR_SIDECAR_PGBACKREST_BACKUP_DETAILS_H
#define PGBR_SIDECAR_PGBACKREST_BACKUP_DETAILS_H

#include "sidecar/config/config.h"
#include "sidecar/queue/job.h"

#include <jansson.h>

typedef struct BackupDatabases
{
	char label[JOB_LABEL_SIZE];
	int repo;
	int count; /* -1: pgbackrest did not tell */
} BackupDatabases;

typedef struct BackupDetails BackupDetails;

extern BackupDetails *backup_details_new(const SidecarConfig *config); /* NULL: out of memory */
extern void backup_details_free(BackupDetails *details);			   /* NULL is fine */

/*
 * Ask about the last backups of a stanza's info document, unless that was done, and give what is
 * known of all: an array that the caller frees, sorted by repository and label. Takes at most 5 s for
 * each. stop_fd as in process_run.
 */
extern int backup_details_get(BackupDetails *details, const json_t *stanza, int stop_fd,
							  BackupDatabases **databases);

/* The order of the array; for bsearch. */
extern int backup_databases_compare(const void *a, const void *b);

#endif
