/*
 * backup_set.h
 *		Part of the planner: the backup to start from. Pure.
 */
#ifndef PGBR_CTL_PLAN_BACKUP_SET_H
#define PGBR_CTL_PLAN_BACKUP_SET_H

#include "ctl/plan/findings.h"

#include <stdbool.h>

/* False when it has refused. */
extern bool restore_choose_set(RestoreWork *work);

/* True when the backup can be restored at all: of this cluster, complete, not known to be bad. */
extern bool restore_set_usable(const RestoreWork *work, const FactBackup *backup);

/* True when recovery along the path can start from it. */
extern bool restore_set_on_path(const RestoreWork *work, const FactBackup *backup);

#endif
