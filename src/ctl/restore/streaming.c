/*
 * streaming.c
 *		See streaming.h.
 */
#include "ctl/restore/streaming.h"

#include "ctl/restore/members.h"
#include "ctl/restore/patroni.h"
#include "ctl/restore/wait.h"
#include "program/clock.h"

#include <string.h>

bool
restore_streams_from(const PatroniNode *leader, const char *name)
{
	for (int i = 0; i < leader->streaming_count; i++)
	{
		if (strcmp(leader->streaming[i], name) == 0)
			return true;
	}
	return false;
}

/* On the leader's timeline, by the member's own answer. */
static bool
follows(RestoreRun *run, const ClusterMember *member, uint32_t timeline, PgbrError *reason)
{
	PatroniNode node;

	return patroni_watch_node(&run->cluster->patroni, member->api_url, &node, reason) &&
		   node.running && (node.timeline == 0 || node.timeline == timeline);
}

static bool
is_primary(RestoreRun *run, const ClusterMember *member, PatroniNode *node, PgbrError *reason)
{
	return member->api_url[0] &&
		   patroni_watch_node(&run->cluster->patroni, member->api_url, node, reason) &&
		   node->primary && node->running;
}

/* This restore keeps it, or has not come to what ends that an earlier one does. */
static bool
is_kept(const RestoreRun *run, const RestoreMember *member)
{
	return member->kept || (member->was_kept && !restore_state_touched(&run->journal->document.plan,
																	   run->journal->states));
}

/*
 * A replica that does not stream yet; NULL when all do. By now Patroni may have another leader,
 * also one that takes no part.
 */
static ClusterMember *
find_late(RestoreRun *run, PgbrError *reason)
{
	const RestorePlan *plan = &run->journal->document.plan;
	const ClusterMember *planned = restore_planned_leader(run);
	PatroniNode leader = {.streaming_count = 0};
	const char *leads = planned && is_primary(run, planned, &leader, reason) ? planned->name : NULL;

	for (int i = 0; i < run->cluster->count && leads == NULL; i++)
	{
		const ClusterMember *member = run->cluster->members[i];

		if (member != planned && is_primary(run, member, &leader, reason))
			leads = member->name;
	}
	for (int i = 0; i < plan->member_count; i++)
	{
		ClusterMember *member = restore_patroni_member(run, i);

		if (member == NULL || is_kept(run, &plan->members[i]) ||
			(leads && strcmp(leads, member->name) == 0) ||
			(leads && restore_streams_from(&leader, member->name) &&
			 follows(run, member, leader.timeline, reason)))
			continue;
		if (leads)
			pgbr_error_set(reason, PGBR_ERROR_CONFLICT, "member \"%s\" does not stream yet",
						   member->name);
		else
			pgbr_error_set(reason, PGBR_ERROR_CONFLICT, "no member is primary");
		return member;
	}
	return NULL;
}

bool
restore_wait_streaming(RestoreRun *run, int limit_s, PgbrError *error)
{
	int64_t nudged = clock_monotonic_ms();
	RestoreWait wait;
	ClusterMember *late;

	restore_wait_begin(&wait, run, limit_s, "all replicas to stream");
	while ((late = find_late(run, &wait.reason)) != NULL)
	{
		if (restore_is_due(&nudged))
			(void) restore_nudge(run, late, false);
		if (!restore_wait_more(&wait, error))
			return false;
	}
	restore_wait_end(&wait);
	return true;
}
