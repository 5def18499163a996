/*
 * remote_backup.h
 *		Whether pgbackrest makes backups on this host at all: where every repository is on another
 *		one, it refuses (072) before version 2.55. Pure.
 */
#ifndef PGBR_SIDECAR_PGBACKREST_REMOTE_BACKUP_H
#define PGBR_SIDECAR_PGBACKREST_REMOTE_BACKUP_H

#include "program/pgbackrest_file.h"

#include <stdbool.h>
#include <stddef.h>

/* True when every repository of a stanza is on another host. */
extern bool remote_backup_is_all(const PgbackrestFile *file, const char *stanza);

/* Whether a pgbackrest of this version ("2.45"; "": not known, which refuses nothing) makes no
 * backup of such a stanza; reason is then a sentence part for readyz. */
extern bool remote_backup_is_refused(const PgbackrestFile *file, const char *stanza,
									 const char *version, char *reason, size_t size);

#endif
