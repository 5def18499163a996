/*
 * steps.h
 *		What each step of a restore does: a function in one of the steps_*.c, called by run.c.
 *
 * A step can be done again after it was left at any moment. It returns false with an error when it has
 * failed, and may set run->skipped when there was nothing to do.
 */
#ifndef PGBR_CTL_RESTORE_STEPS_H
#define PGBR_CTL_RESTORE_STEPS_H

#include "ctl/restore/run_context.h"

#include <stdbool.h>

typedef bool (*RestoreStepFunction)(RestoreRun *run, PgbrError *error);

/* On the members, by their sidecars. */
extern bool restore_do_wait_jobs(RestoreRun *run, PgbrError *error);
extern bool restore_do_undo_point(RestoreRun *run, PgbrError *error);
extern bool restore_do_stop_leader(RestoreRun *run, PgbrError *error);
extern bool restore_do_stop_replicas(RestoreRun *run, PgbrError *error);
extern bool restore_do_archive(RestoreRun *run, PgbrError *error);
extern bool restore_do_keep_old(RestoreRun *run, PgbrError *error);
extern bool restore_do_start_restore(RestoreRun *run, PgbrError *error);
extern bool restore_do_start_replicas(RestoreRun *run, PgbrError *error);
extern bool restore_do_restore_leader(RestoreRun *run, PgbrError *error);
extern bool restore_do_recover(RestoreRun *run, PgbrError *error);
extern bool restore_do_verify(RestoreRun *run, PgbrError *error);
extern bool restore_do_history_archived(RestoreRun *run, PgbrError *error);
extern bool restore_do_restore_replicas(RestoreRun *run, PgbrError *error);
extern bool restore_do_unfence(RestoreRun *run, PgbrError *error);
extern bool restore_do_backup(RestoreRun *run, PgbrError *error);

/* By Patroni. */
extern bool restore_do_pause(RestoreRun *run, PgbrError *error);
extern bool restore_do_hand_over(RestoreRun *run, PgbrError *error);
extern bool restore_do_resume(RestoreRun *run, PgbrError *error);
extern bool restore_do_replicas_stream(RestoreRun *run, PgbrError *error);

#endif
