/*
 * streaming.h
 *		Whether the replicas of a restore follow the leader.
 */
#ifndef PGBR_CTL_RESTORE_STREAMING_H
#define PGBR_CTL_RESTORE_STREAMING_H

#include "ctl/client/patroni_client.h"
#include "ctl/restore/run_context.h"

#include <stdbool.h>

/*
 * Wait until all members of the plan stream from the leader, which need not be the leader of the
 * plan.
 */
extern bool restore_wait_streaming(RestoreRun *run, int limit_s, PgbrError *error);

/* True when a member of this name streams from the leader, by the leader's answer. */
extern bool restore_streams_from(const PatroniNode *leader, const char *name);

#endif
