/*
 * members.h
 *		The members of a restore's plan: what they are now, and jobs on one or all of them.
 */
#ifndef PGBR_CTL_RESTORE_MEMBERS_H
#define PGBR_CTL_RESTORE_MEMBERS_H

#include "ctl/plan/state.h"
#include "ctl/restore/run_context.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * Allow the leader to be started: as a primary, whatever Patroni has made of it, or as what it was
 * when it was stopped.
 */
extern bool restore_unfence_leader(RestoreRun *run, bool primary, PgbrError *error);

/*
 * Set *running if a member's PostgreSQL runs, by its sidecar's answer; otherwise leave it
 * unchanged.
 */
extern bool
restore_is_running(RestoreRun *run, const char *member, bool *running, PgbrError *error);

/*
 * Before a run continues: no two members may have the same sidecar or data directory. The plan has
 * proved that for the URLs that it had. CONFLICT.
 */
extern bool restore_check_sidecars(RestoreRun *run, PgbrError *error);

/* The present state of the cluster, for restore_state_revise. */
extern bool restore_look(RestoreRun *run, RestoreSeen *seen, PgbrError *error);

/* Which members of the plan a step is for. */
typedef bool RestoreIsOf(const RestoreRun *run, const RestoreMember *member);

/* Those that are restored as replicas; who leads (restore_journal_leads); all that do not. */
extern RestoreIsOf restore_is_replica;
extern RestoreIsOf restore_is_led;
extern RestoreIsOf restore_is_other;

/* The timeline that recovery has made; 0 before. */
extern uint32_t restore_new_timeline(const RestoreRun *run);

/* Allow members to be started again. timeline is the one that they are to follow, whose first
 * segment is archived; 0 when their files are as they were. */
extern bool
restore_unfence(RestoreRun *run, RestoreIsOf *is_of, uint32_t timeline, PgbrError *error);

/* The leader of the plan, as a member of it. Lent. */
extern const RestoreMember *restore_leader_of(const RestorePlan *plan);

/*
 * The member that leads, or is to, in the cluster; NULL when it is not known there. Ask again after
 * each refresh: a new member moves the others.
 */
extern const ClusterMember *restore_planned_leader(RestoreRun *run);

/*
 * Have the leader do a job, wait for it, and keep its result with the step. arguments are taken
 * over.
 */
extern bool restore_run_on_leader(RestoreRun *run, RestoreStep step, const char *kind,
								  json_t *arguments, PgbrError *error);

/*
 * Have the members that a step is for do a job at the same time; wait says whether to wait for
 * them. What is kept of stop jobs is added to results, which may be NULL.
 */
extern bool
restore_run_on(RestoreRun *run, RestoreStep step, const char *kind, RestoreIsOf *is_of,
			   json_t *(*make_arguments)(const RestoreMember *member, const RestorePlan *plan),
			   bool wait, json_t *results, PgbrError *error);

#endif
