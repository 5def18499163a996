/*
 * backup_details.h
 *		How many databases a backup holds, which pgbackrest tells only when asked about one
 *		backup.
 *
 * It is asked once for each backup that is the last of its type, and the answer is kept until the
 * sidecar ends. Thread-safe.
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
 * Ask about the last backups of a stanza, unless that was done already, and return all known
 * numbers: an array sorted by repository and label, which the caller frees. Takes at most 5 s for
 * each backup. stop_fd as in process_run.
 */
extern int backup_details_get(BackupDetails *details, const json_t *stanza, int stop_fd,
							  BackupDatabases **databases);

/* The order of the array; for bsearch. */
extern int backup_databases_compare(const void *a, const void *b);

#endif
