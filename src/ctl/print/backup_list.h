/*
 * backup_list.h
 *		The backups of pgbackrest's information as a list for people: a line a backup, within a
 *		width.
 *
 * A diff or incr stands below the full backup that it builds on, indented, and without the part of
 * its label that it shares with it. Pure: appends to a buffer, and marks it failed when memory runs
 * out.
 */
#ifndef PGBR_CTL_PRINT_BACKUP_LIST_H
#define PGBR_CTL_PRINT_BACKUP_LIST_H

#include "common/strbuf.h"
#include "program/pgbackrest_info.h"

#include <jansson.h>

/* Append the backups of all stanzas and repositories of GET /v1/info, in lines of so many
 * columns. */
extern void backup_list_put(const json_t *info, int columns, StrBuf *out);

/* What the next expire does to a backup of this answer; lent, or NULL. */
extern json_t *backup_list_retention(const json_t *info, const InfoBackup *backup);

/* Seconds that the backup took, or -1. */
extern long long backup_list_duration(const InfoBackup *backup);

#endif
