/*
 * restore_steps.h
 *		What each step of a restore does. Private to restore_run.c and the restore_steps_*.c.
 *
 * A step can be done again after it was left at any moment. It returns false with an error when it has
 * failed, and may set run->skipped when there was nothing to do.
 */
#ifndef PGBR_CTL_RESTORE_STEPS_H
#define PGBR_CTL_RESTORE_STEPS_H

#include "ctl/restore_run.h"

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

/*
 * Switch WAL on the leader. A rebuilt replica may have replayed the last segment of a former leader, which
 * was archived whole, and waits then for this one to come past it: on an idle leader that may be long.
 * That it could not be done is told and is no failure.
 */
extern bool restore_advance_leader(RestoreRun *run, PgbrError *error);

/* Let the leader be started, as the primary that it was or has become. */
extern bool restore_unfence_leader(RestoreRun *run, PgbrError *error);

/* Lift the fences, resume Patroni, and see a leader and every member of the plan run. */
extern bool restore_give_back(RestoreRun *run, PgbrError *error);

/* Set *running when a member's PostgreSQL runs, by its sidecar's word; leave it otherwise. */
extern bool
restore_is_running(RestoreRun *run, const char *member, bool *running, PgbrError *error);

/* What is true of the cluster now, for restore_state_revise. */
extern bool restore_look(RestoreRun *run, RestoreSeen *seen, PgbrError *error);

/* True for a member of the plan that is restored as a replica. */
extern bool restore_is_replica(const RestoreMember *member);

/* The timeline that recovery has made; 0 before. */
extern uint32_t restore_new_timeline(const RestoreRun *run);

#endif
