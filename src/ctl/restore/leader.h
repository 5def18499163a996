/*
 * leader.h
 *		The leader of a restore: start it, keep it, and notice when another member leads.
 */
#ifndef PGBR_CTL_RESTORE_LEADER_H
#define PGBR_CTL_RESTORE_LEADER_H

#include "ctl/restore/run_context.h"

#include <stdbool.h>

/*
 * Wait until the leader of the plan takes writes. back: the restore is given up, and another
 * member may lead instead.
 */
extern bool restore_open_leader(RestoreRun *run, bool back, PgbrError *error);

/* Start a leader that has crashed after the hand-over: in a pause Patroni does not. */
extern bool restore_keep_leading(RestoreRun *run, PgbrError *error);

/* When a job of the leader has failed because another member leads by now, report that instead. */
extern void restore_explain_moved(RestoreRun *run, PgbrError *error);

/*
 * Have Patroni restart the leader. Also true when the leader takes writes before Patroni has
 * answered.
 */
extern bool restore_restart_leader(RestoreRun *run, PgbrError *reason);

/* True when another member leads, because somebody has resumed Patroni. */
extern bool restore_is_led_by_another(RestoreRun *run);

/* True when this is the leader of the plan, on the plan's timeline, as far as is known. */
extern bool restore_is_planned(RestoreRun *run, const ClusterMember *leading);

/* Set CONFLICT: the leader has changed. Returns false. */
extern bool
restore_tell_moved(const RestorePlan *plan, const ClusterMember *leading, PgbrError *error);

#endif
