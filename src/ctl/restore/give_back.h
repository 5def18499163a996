/*
 * give_back.h
 *		Giving the cluster back to Patroni as it is, where a restore is given up.
 */
#ifndef PGBR_CTL_RESTORE_GIVE_BACK_H
#define PGBR_CTL_RESTORE_GIVE_BACK_H

#include "ctl/restore/run_context.h"

#include <stdbool.h>

/* Lift the fences, resume Patroni, and see a leader and every member of the plan run. */
extern bool restore_give_back(RestoreRun *run, PgbrError *error);

#endif
