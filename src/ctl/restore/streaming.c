/*
 * streaming.c
 *		See streaming.h. Who follows is decided in followers.h.
 */
#include "ctl/restore/streaming.h"

#include "common/vocabulary.h"
#include "ctl/plan/followers.h"
#include "ctl/print/message.h"
#include "ctl/restore/members.h"
#include "ctl/restore/patroni.h"
#include "ctl/restore/wait.h"
#include "program/clock.h"
#include "program/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A replica that gets no nearer to the leader for this long does not come by itself. */
#define STALL_S 120

/* What is known of all members of the cluster, in its order. */
typedef struct Watch
{
	RestoreRun *run;
	Follower members[CLUSTER_MEMBERS_MAX];
	bool follows[CLUSTER_MEMBERS_MAX];
	bool told[CLUSTER_MEMBERS_MAX]; /* that the member is delayed */
	int count;
	int leader;		/* -1: no member is primary */
	int64_t looked; /* when the delays were asked for */
} Watch;

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

/* Ask Patroni of every member. By now Patroni may have another leader than the plan, also one that
 * takes no part. */
static void
ask_members(Watch *watch)
{
	const Cluster *cluster = watch->run->cluster;
	const ClusterMember *planned = restore_planned_leader(watch->run);
	PgbrError ignored;

	watch->count = cluster->count;
	watch->leader = -1;
	for (int i = 0; i < cluster->count; i++)
	{
		const ClusterMember *member = cluster->members[i];
		Follower *follower = &watch->members[i];

		follower->name = member->name;
		follower->answers =
			member->api_url[0] &&
			patroni_watch_node(&cluster->patroni, member->api_url, &follower->node, &ignored);
		if (follower->answers && follower->node.primary && follower->node.running &&
			(watch->leader < 0 || member == planned))
			watch->leader = i;
	}
}

/* Only PostgreSQL itself knows its delay. */
static void
ask_delays(Watch *watch)
{
	for (int i = 0; i < watch->count; i++)
	{
		const ClusterMember *member = watch->run->cluster->members[i];
		Follower *follower = &watch->members[i];
		json_t *node = NULL;
		PgbrError ignored;

		if (watch->follows[i] || !follower->answers || !follower->node.running ||
			follower->node.primary || member->sidecar.url[0] == '\0' ||
			!sidecar_client_call(&member->sidecar, "GET", PGBR_PATH_NODE, NULL, 0, &node, &ignored))
			continue;
		follower->delay = json_number(node, "recovery_min_apply_delay", 0);
		json_decref(node);
		if (follower->delay > 0 && !watch->told[i])
			restore_events_note(watch->run->events,
								"member %s replays WAL %lld s late (recovery_min_apply_delay): it "
								"streams once it has replayed the archive",
								member->name, follower->delay / 1000);
		watch->told[i] |= follower->delay > 0;
	}
}

/* This restore keeps it, or has not come to what ends that an earlier one does. */
static bool
is_kept(const RestoreRun *run, const RestoreMember *member)
{
	return member->kept || (member->was_kept && !restore_state_touched(&run->journal->document.plan,
																	   run->journal->states));
}

/* The first member of the plan that does not follow; -1 when all do. */
static int
find_late(Watch *watch)
{
	RestoreRun *run = watch->run;
	const RestorePlan *plan = &run->journal->document.plan;

	if (watch->leader >= 0)
		followers_find(watch->members, watch->count, watch->leader, watch->follows);
	else
		memset(watch->follows, 0, sizeof(watch->follows));
	for (int i = 0; i < plan->member_count; i++)
	{
		const ClusterMember *member = restore_patroni_member(run, i);

		if (is_kept(run, &plan->members[i]))
			continue;
		for (int j = 0; member && j < watch->count; j++)
		{
			if (run->cluster->members[j] == member && !watch->follows[j])
				return j;
		}
	}
	return -1;
}

static int
look(Watch *watch)
{
	int late;

	ask_members(watch);
	late = find_late(watch);
	if (late >= 0 && watch->leader >= 0 && restore_is_due(&watch->looked))
	{
		ask_delays(watch);
		late = find_late(watch);
	}
	return late;
}

/* True when one that is late has got nearer since it was looked at last. */
static bool
moves(Watch *watch)
{
	bool moved = false;

	for (int i = 0; i < watch->count; i++)
		moved |= !watch->follows[i] && follower_moves(&watch->members[i]);
	return moved;
}

static void
explain_late(const Watch *watch, int late, PgbrError *reason)
{
	const Follower *follower = &watch->members[late];

	if (watch->leader < 0)
		pgbr_error_set(reason, PGBR_ERROR_CONFLICT, "no member is primary");
	else if (!follower->answers)
		pgbr_error_set(reason, PGBR_ERROR_CONFLICT, "Patroni of member \"%s\" does not answer",
					   follower->name);
	else
		pgbr_error_set(reason, PGBR_ERROR_CONFLICT,
					   "member \"%s\" does not follow the leader yet: it is %s on timeline %u",
					   follower->name, follower->node.state, follower->node.timeline);
}

/* Give the reason of the wait what can be done, for a member that does not come by itself. */
static void
advise_late(const Watch *watch, int late, PgbrError *reason)
{
	const char *name = watch->members[late].name;

	pgbr_error_hint(reason,
					"See the log of PostgreSQL on member \"%s\". If it was created anew from a "
					"backup of before the restore, it can't follow: the same command with "
					"--without-member=%s ends this restore without it, and then \"" PROGRAM_NAME
					" restore --replicas-only --member=%s\" restores it.",
					name, name, name);
}

bool
restore_wait_streaming(RestoreRun *run, int limit_s, PgbrError *error)
{
	Watch *watch = calloc(1, sizeof(*watch));
	int64_t nudged = clock_monotonic_ms();
	int64_t moved = nudged;
	RestoreWait wait;
	bool ok = true;
	int late;

	if (watch == NULL)
		return pgbr_error_set(error, PGBR_ERROR_INTERNAL, "out of memory");
	watch->run = run;
	restore_wait_begin(&wait, run, limit_s, "all replicas to stream");
	while (ok && (late = look(watch)) >= 0)
	{
		explain_late(watch, late, &wait.reason);
		/* to find a leader is Patroni's, and takes its ttl */
		if (moves(watch) || watch->leader < 0)
			moved = clock_monotonic_ms();
		if (clock_monotonic_ms() - moved >= STALL_S * 1000)
		{
			advise_late(watch, late, &wait.reason);
			/* over before its time */
			wait.limit = clock_monotonic_ms() - wait.begin;
		}
		if (restore_is_due(&nudged))
			(void) restore_nudge(run, run->cluster->members[late], false);
		ok = restore_wait_more(&wait, error);
	}
	if (ok)
		restore_wait_end(&wait);
	free(watch);
	return ok;
}
