/*
 * leader.h
 *		The leader of a restore: opened, kept, and looked for where it has moved.
 */
#ifndef PGBR_CTL_RESTORE_LEADER_H
#define PGBR_CTL_RESTORE_LEADER_H

#include "ctl/restore/run_context.h"

#include <stdbool.h>

/* Have the leader take writes; in a restore that is given up (back) only as long as no other one leads. */
extern bool restore_open_leader(RestoreRun *run, bool back, PgbrError *error);

/* In a pause nobody starts a leader again that has gone after it was handed over: do that. */
extern bool restore_keep_leading(RestoreRun *run, PgbrError *error);

/* Where what the leader was asked to do has failed because another member leads by now: say that instead. */
extern void restore_explain_moved(RestoreRun *run, PgbrError *error);

/* Have Patroni of the leader restart it; true also when it takes writes before Patroni has answered. */
extern bool restore_restart_leader(RestoreRun *run, PgbrError *reason);

/* Another member leads, which is possible only where Patroni was resumed by somebody. */
extern bool restore_is_led_by_another(RestoreRun *run);

/* This one is the leader of the plan, on the timeline of the plan, as far as is known. */
extern bool restore_is_planned(RestoreRun *run, const ClusterMember *leading);

/* CONFLICT: it is not. Returns false. */
extern bool
restore_tell_moved(const RestorePlan *plan, const ClusterMember *leading, PgbrError *error);

#endif
