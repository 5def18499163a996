/*
 * backup_tablespaces.h
 *		The tablespaces that a backup holds. pgbackrest tells them only when asked about one backup.
 *		Thread-safe.
 */
#ifndef PGBR_SIDECAR_PGBACKREST_BACKUP_TABLESPACES_H
#define PGBR_SIDECAR_PGBACKREST_BACKUP_TABLESPACES_H

#include "common/error.h"
#include "sidecar/config/config.h"

#include <jansson.h>
#include <limits.h>
#include <stdbool.h>

typedef struct BackupTablespaces
{
	char version[16];  /* of PostgreSQL, as in names of folders: "15" */
	json_t *locations; /* an object: OID to location, both texts */
} BackupTablespaces;

/*
 * Ask about a backup of a repository; 0: of the first that has it. NOT_FOUND when there is none,
 * PGBACKREST when one that may have it could not be read, ABORTED when stop_fd became readable. The
 * caller ends it with backup_tablespaces_done, also after a failure.
 */
extern bool backup_tablespaces_ask(const SidecarConfig *config, int repo, const char *label,
								   int stop_fd, BackupTablespaces *tablespaces, PgbrError *error);
extern void backup_tablespaces_done(BackupTablespaces *tablespaces);

/* Read what `info --set` has printed; pure. The same errors. */
extern bool backup_tablespaces_read(const json_t *document, const char *stanza, const char *label,
									BackupTablespaces *tablespaces, PgbrError *error);

/* The location of a tablespace; NULL when the backup has none of that OID. */
extern const char *backup_tablespace(const BackupTablespaces *tablespaces, const char *oid);

#endif
