/*
 * give_back.h
 *		Gives the cluster back to Patroni as it is, when a restore is given up.
 */
#ifndef PGBR_CTL_RESTORE_GIVE_BACK_H
#define PGBR_CTL_RESTORE_GIVE_BACK_H

#include "ctl/restore/run_context.h"

#include <stdbool.h>

/*
 * Lift the fences, resume Patroni, and wait until there is a leader and every member of the plan
 * runs.
 */
extern bool restore_give_back(RestoreRun *run, PgbrError *error);

/*
 * Give the cluster back whoever leads, fenced or only paused: then nothing of this restore is left
 * but its journal. Call it before data was touched.
 */
extern bool restore_let_go(RestoreRun *run, PgbrError *error);

#endif
