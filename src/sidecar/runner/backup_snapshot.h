/*
 * backup_snapshot.h
 *		Notes with each backup which transactions had ended when it ended: what a restore to a
 *		transaction id needs to choose the backup, for pgbackrest keeps no transaction ids.
 *
 * The annotations snapshot-xmin and snapshot-xmax are pg_current_snapshot() of a moment after the
 * backup's end, in 64 bit: what is below xmin had ended by then, and of xmax and what is above it
 * nothing had. On a standby the moment is one at which it had replayed the backup's end.
 */
#ifndef PGBR_SIDECAR_RUNNER_BACKUP_SNAPSHOT_H
#define PGBR_SIDECAR_RUNNER_BACKUP_SNAPSHOT_H

#include "common/error.h"
#include "sidecar/config/config.h"
#include "sidecar/queue/job.h"

/* Take the LSN of a backup's end from the line of pgbackrest that tells it; any other line
 * leaves it alone. stop_lsn is of 20 bytes. */
extern void backup_snapshot_line(const char *line, char *stop_lsn);

/* Annotate the backup of a job that has succeeded. mark and stop_fd as in process_run. The
 * backup is good without it: a failure is for the log. */
extern bool backup_snapshot_note(const SidecarConfig *config, const Job *job, const char *stop_lsn,
								 const char *mark, int stop_fd, PgbrError *error);

#endif
