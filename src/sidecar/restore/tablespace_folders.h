/*
 * tablespace_folders.h
 *		The tablespaces of a stopped data directory, which lie outside of it: what a restore has to
 *		do about them beyond what pgbackrest does. Used by one thread at a time.
 *
 * pgbackrest cleans the tablespaces that the backup holds. Of the others it removes the link in
 * pg_tblspc alone. When WAL is replayed, CREATE TABLESPACE takes the old folder as it finds it, and
 * replay skips each page that has a newer LSN than the WAL: rows of the future stay. So the folder
 * is emptied while its link still tells where it is.
 *
 * What is removed is not kept for an undo, as nothing is that pgbackrest cleans: an undo takes it
 * from the repository, where it needs room for it. Who wants the old files has --keep-old.
 */
#ifndef PGBR_SIDECAR_RESTORE_TABLESPACE_FOLDERS_H
#define PGBR_SIDECAR_RESTORE_TABLESPACE_FOLDERS_H

#include "sidecar/pgbackrest/backup_tablespaces.h"
#include "sidecar/restore/step_context.h"

/*
 * Remove what PostgreSQL has in each tablespace that the backup lacks: its folder of the location,
 * PG_<version>_<catalog>. Location, its other content and the link stay, so that a call that was
 * killed can be repeated. STORAGE.
 */
extern bool
tablespace_folders_empty(StepContext *context, const BackupTablespaces *backup, PgbrError *error);

/* Add to map, OID to location, each tablespace of the backup that this member has elsewhere: the
 * locations may differ from one member to the next. STORAGE. */
extern bool tablespace_folders_map(const char *data_directory, const BackupTablespaces *backup,
								   json_t *map, PgbrError *error);

#endif
