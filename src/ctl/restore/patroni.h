/*
 * patroni.h
 *		What a restore asks of Patroni: its pause, an iteration of its HA loop, whether it has seen
 *		a stop.
 *
 * No wait depends on Patroni's loop_wait: a PATCH of its configuration that changes nothing wakes
 * the loop of the member that gets it.
 */
#ifndef PGBR_CTL_RESTORE_PATRONI_H
#define PGBR_CTL_RESTORE_PATRONI_H

#include "ctl/restore/members.h"
#include "ctl/restore/run_context.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* A change of Patroni's configuration that begins or ends the pause; the caller owns it. */
extern json_t *restore_pause_patch(bool paused);

/* The member of the plan with this index, if it takes part and Patroni knows it; else NULL. */
extern ClusterMember *restore_patroni_member(RestoreRun *run, int index);

/*
 * Send the change to Patroni of every member, which also wakes each. One that accepts it is
 * enough.
 */
extern bool restore_patch_all(RestoreRun *run, const json_t *patch, PgbrError *error);

/*
 * Wait for the iterations of its HA loop that Patroni of a member has begun. Failures are ignored.
 * member may be NULL.
 */
extern void restore_let_rounds_end(RestoreRun *run, const ClusterMember *member);

/*
 * An iteration that was running when its replica was stopped starts the replica again. Only a
 * later iteration reports the server as stopped, and it leaves it alone. Wait until Patroni of
 * each replica has reported that. A member that is late is noted.
 */
extern bool restore_await_stops_seen(RestoreRun *run, PgbrError *error);

/*
 * After members were stopped, and before their files are written: Patroni of a member must not say
 * that its PostgreSQL runs, for then its sidecar has stopped another one. CONFLICT. A Patroni that
 * does not answer is not waited for.
 */
extern bool restore_check_stopped(RestoreRun *run, RestoreIsOf *is_of, PgbrError *error);

/*
 * Wake a member's HA loop, which may sleep for loop_wait. Failures are ignored; false when its
 * Patroni is down.
 */
extern bool restore_nudge(RestoreRun *run, const ClusterMember *member, bool paused);

/* True once a second: when to wake a member whose loop lags. *last is clock_monotonic_ms. */
extern bool restore_is_due(int64_t *last);

#endif
