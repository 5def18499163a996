/*
 * backup_checkpoint.h
 *		The checkpoint that ends a promotion, made before a backup.
 *
 * pgbackrest refuses a backup (058) until the new timeline stands in pg_control, and the server's
 * own checkpoint after a promotion may take minutes. Schedules make it too (extension/primary.h).
 */
#ifndef PGBR_SIDECAR_RUNNER_BACKUP_CHECKPOINT_H
#define PGBR_SIDECAR_RUNNER_BACKUP_CHECKPOINT_H

#include "common/error.h"
#include "sidecar/config/config.h"

/*
 * Make a checkpoint if the local PostgreSQL is a primary whose pg_control has an older timeline;
 * *made tells whether. mark and stop_fd are as in process_run. False when PostgreSQL does not
 * answer or does not allow it, after at most 5 minutes. Thread-safe.
 */
extern bool backup_checkpoint(const SidecarConfig *config, const char *mark, int stop_fd,
							  bool *made, PgbrError *error);

#endif
