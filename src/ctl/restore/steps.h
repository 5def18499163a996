/*
 * steps.h
 *		What each step of a restore does. Private to restore_run.c and the restore_steps_*.c.
 *
 * A step can be done again after it was left at any moment. It returns false with an error when it has
 * failed, and may set run->skipped when there was nothing to do.
 */
#ifndef PGBR_CTL_RESTORE_STEPS_H
#define PGBR_CTL_RESTORE_STEPS_H

#include "ctl/restore/run.h"

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

/* Where what the leader was asked to do has failed because another member leads by now: say that instead. */
extern void restore_explain_moved(RestoreRun *run, PgbrError *error);

/* Let the leader be started: as a primary, whatever Patroni has made of it, or as what it was when it was stopped. */
extern bool restore_unfence_leader(RestoreRun *run, bool primary, PgbrError *error);

/* A change of Patroni's configuration that begins or ends the pause; the caller's. */
extern json_t *restore_pause_patch(bool paused);

/* The member of the plan with this index, where Patroni knows it and it takes part; or NULL. */
extern ClusterMember *restore_patroni_member(RestoreRun *run, int index);

/* Send the change to Patroni of every member, which also wakes each; one that takes it is enough. */
extern bool restore_patch_all(RestoreRun *run, const json_t *patch, PgbrError *error);

/*
 * A member that is left out must not win the leader race with old data: Patroni compares timelines then. What
 * check_timeline was before is kept in the journal. It is put back when the last member that was left out is
 * restored.
 */
extern bool restore_add_check_timeline(RestoreRun *run, json_t *patch, PgbrError *error);
extern bool restore_put_back_check_timeline(RestoreRun *run, PgbrError *error);

/* Lift the fences, resume Patroni, and see a leader and every member of the plan run. */
extern bool restore_give_back(RestoreRun *run, PgbrError *error);

/* Set *running when a member's PostgreSQL runs, by its sidecar's word; leave it otherwise. */
extern bool
restore_is_running(RestoreRun *run, const char *member, bool *running, PgbrError *error);

/* Return when the rounds of its loop that Patroni of a member has begun have ended; failures don't matter, and neither
 * does a member that is NULL. */
extern void restore_let_rounds_end(RestoreRun *run, const ClusterMember *member);

/*
 * A round of Patroni that was under way as its replica was stopped starts it again at its end. That a server is stopped
 * is said by a round that began later, and that one leaves it alone. Return when Patroni of each replica says so; one
 * that is late is noted.
 */
extern bool restore_await_stops_seen(RestoreRun *run, PgbrError *error);

/* In a pause nobody starts a leader again that has gone after it was handed over: do that. */
extern bool restore_keep_leading(RestoreRun *run, PgbrError *error);

/* What is true of the cluster now, for restore_state_revise. */
extern bool restore_look(RestoreRun *run, RestoreSeen *seen, PgbrError *error);

/* True for a member of the plan that is restored as a replica. */
extern bool restore_is_replica(const RestoreMember *member);

/* The timeline that recovery has made; 0 before. */
extern uint32_t restore_new_timeline(const RestoreRun *run);

#endif
