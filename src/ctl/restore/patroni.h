/*
 * patroni.h
 *		What a restore asks of Patroni: its pause, a round of its loop, whether it has seen a stop.
 *
 * No wait depends on Patroni's loop_wait: a PATCH of its configuration that changes nothing wakes the
 * loop of the member that it is sent to.
 */
#ifndef PGBR_CTL_RESTORE_PATRONI_H
#define PGBR_CTL_RESTORE_PATRONI_H

#include "ctl/restore/run_context.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* A change of Patroni's configuration that begins or ends the pause; the caller's. */
extern json_t *restore_pause_patch(bool paused);

/* The member of the plan with this index, where Patroni knows it and it takes part; or NULL. */
extern ClusterMember *restore_patroni_member(RestoreRun *run, int index);

/* Send the change to Patroni of every member, which also wakes each; one that takes it is enough. */
extern bool restore_patch_all(RestoreRun *run, const json_t *patch, PgbrError *error);

/* Return when the rounds of its loop that Patroni of a member has begun have ended; failures don't matter, and neither
 * does a member that is NULL. */
extern void restore_let_rounds_end(RestoreRun *run, const ClusterMember *member);

/*
 * A round of Patroni that was under way as its replica was stopped starts it again at its end. That a server is stopped
 * is said by a round that began later, and that one leaves it alone. Return when Patroni of each replica says so; one
 * that is late is noted.
 */
extern bool restore_await_stops_seen(RestoreRun *run, PgbrError *error);

/* Wake a member's loop, which may be asleep for as long as loop_wait. Failures don't matter; false when its Patroni is
 * down. */
extern bool restore_nudge(RestoreRun *run, const ClusterMember *member, bool paused);

/* True once in so many ms: when a member whose loop lags is to be woken again. *last is clock_monotonic_ms. */
extern bool restore_is_due(int64_t *last);

#endif
