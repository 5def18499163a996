/*
 * followers.h
 *		Which members follow the leader after a restore, and which of the others still get nearer to
 *		it. Pure.
 *
 * A replica follows when it streams from the leader, or from a replica that follows (a cascade).
 * With recovery_min_apply_delay a replica first replays the archive with that delay, and does not
 * stream before; it follows when it runs as a standby.
 */
#ifndef PGBR_CTL_PLAN_FOLLOWERS_H
#define PGBR_CTL_PLAN_FOLLOWERS_H

#include "ctl/client/patroni_client.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct Follower
{
	const char *name;
	bool answers; /* its Patroni does; else the node says nothing */
	PatroniNode node;
	long long delay; /* recovery_min_apply_delay in ms; 0: none, or not known */

	/* for follower_moves */
	uint64_t replayed;
	bool failed; /* its server could not be started since it ran last */
} Follower;

/* Set follows[i] for each member that follows the one at leader, which does so itself. */
extern void followers_find(const Follower *members, int count, int leader, bool *follows);

/*
 * True when a member that does not follow has got nearer since the last call: it has replayed WAL,
 * is being created, or starts for the first time. A server that can't be started is started again
 * and again.
 */
extern bool follower_moves(Follower *member);

#endif
