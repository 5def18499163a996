/*
 * restore_steps_patroni.c
 *		The steps of a restore that Patroni does after the pause: start the leader, resume, start the replicas.
 *		See restore_steps.h.
 *
 * No wait depends on Patroni's loop_wait: a PATCH of its configuration that changes nothing wakes the
 * loop of the member that it is sent to.
 */
#include "ctl/restore_steps.h"

#include "common/vocabulary.h"
#include "ctl/restore_wait.h"
#include "program/clock.h"
#include "program/json.h"

#include <stdio.h>
#include <string.h>

#define HAND_OVER_LIMIT_S  300
#define STREAM_LIMIT_S	   3600
#define GIVE_BACK_LIMIT_S  300
#define RESTART_TIMEOUT_MS 120000

/* How often a member whose loop lags is woken. */
#define NUDGE_MS 1000

/* A member's loop may be asleep for as long as loop_wait; failures don't matter. */
static void
nudge(RestoreRun *run, const ClusterMember *member, bool paused)
{
	json_t *patch = restore_pause_patch(paused);
	PgbrError ignored;

	if (restore_still_holds(run, &ignored))
		(void) patroni_patch_config(&run->cluster->patroni, member->api_url, patch, &ignored);
	json_decref(patch);
}

static bool
is_due(int64_t *last)
{
	if (clock_monotonic_ms() - *last < NUDGE_MS)
		return false;
	*last = clock_monotonic_ms();
	return true;
}

/*
 * By the key itself. A member says for the time of its ttl that it is the leader though it has lost the key: when
 * Patroni is resumed then, it is demoted.
 */
static bool
holds_key(RestoreRun *run, const ClusterMember *leader, PgbrError *reason)
{
	if (!cluster_refresh(run->cluster, reason))
		return false;
	return cluster_find_leading(run->cluster) == leader ||
		   pgbr_error_set(reason, PGBR_ERROR_CONFLICT,
						  "member \"%s\" has not got the leader key again yet", leader->name);
}

/* It runs as primary on the new timeline and holds the leader key. */
static bool
takes_writes(RestoreRun *run, const ClusterMember *leader, PgbrError *reason)
{
	uint32_t timeline = restore_new_timeline(run);
	PatroniNode node;
	bool primary = false;

	if (!patroni_is_primary(&run->cluster->patroni, leader->api_url, &primary, &node, reason))
		return false;
	if (!primary)
		return pgbr_error_set(reason, PGBR_ERROR_CONFLICT,
							  "member \"%s\" does not hold the leader key yet", leader->name);
	if (node.primary && node.running && (timeline == 0 || node.timeline == timeline))
		return holds_key(run, leader, reason);
	return pgbr_error_set(reason, PGBR_ERROR_CONFLICT,
						  "member \"%s\" is %s on timeline %u, not primary on timeline %u",
						  leader->name, node.role, node.timeline, timeline);
}

typedef struct HandOver
{
	RestoreRun *run;
	const ClusterMember *leader;
	bool (*outer)(void *argument);
	void *outer_argument;
	bool busy; /* the questions below are not to ask themselves */
	bool ready;
} HandOver;

/* POST /restart answers late, or never when its connection is lost: the state counts. */
static bool
is_handed_over(void *argument)
{
	HandOver *hand = argument;
	PgbrError ignored;

	if (hand->busy)
		return restore_run_interrupted();
	hand->busy = true;
	hand->ready = takes_writes(hand->run, hand->leader, &ignored);
	if (!hand->ready)
		(void) restore_still_holds(hand->run, &ignored);
	hand->busy = false;
	return hand->ready || hand->run->lost || restore_run_interrupted();
}

static bool
restart_leader(RestoreRun *run, const ClusterMember *leader, PgbrError *reason)
{
	PatroniClient *client = &run->cluster->patroni;
	HandOver hand = {.run = run,
					 .leader = leader,
					 .outer = client->should_abort,
					 .outer_argument = client->abort_argument};
	bool ok;

	if (!restore_holds_now(run, reason))
		return false;
	client->should_abort = is_handed_over;
	client->abort_argument = &hand;
	ok = patroni_restart(client, leader->api_url, RESTART_TIMEOUT_MS, reason);
	client->should_abort = hand.outer;
	client->abort_argument = hand.outer_argument;
	return ok || hand.ready;
}

/* Patroni has remembered that it was to be one; it does not promote in a pause. */
static bool
is_standby(RestoreRun *run, const ClusterMember *leader)
{
	PatroniNode node;
	PgbrError ignored;

	return patroni_watch_node(&run->cluster->patroni, leader->api_url, &node, &ignored) &&
		   node.running && !node.primary;
}

/* Another member leads, which is possible only where Patroni was resumed by somebody. */
static bool
is_led_by_another(RestoreRun *run)
{
	const ClusterMember *leading;
	PgbrError ignored;

	if (!cluster_refresh(run->cluster, &ignored))
		return false;
	leading = cluster_find_leading(run->cluster);
	return leading && strcmp(leading->name, run->journal->plan.leader) != 0;
}

/* Have the leader take writes; in a restore that is given up (back) only as long as no other one leads. */
static bool
open_leader(RestoreRun *run, bool back, PgbrError *error)
{
	const ClusterMember *leader = cluster_find(run->cluster, run->journal->plan.leader);
	bool open = false;
	bool restarted = false;
	int64_t nudged = clock_monotonic_ms();
	RestoreWait wait;

	if (leader == NULL || leader->api_url[0] == '\0')
		return pgbr_error_set(error, PGBR_ERROR_UNREACHABLE,
							  "it is not known where Patroni of member \"%s\" is",
							  run->journal->plan.leader);
	restore_wait_begin(&wait, run, HAND_OVER_LIMIT_S, "the leader to take writes");
	while (!takes_writes(run, leader, &wait.reason))
	{
		if (back && is_led_by_another(run))
			return restore_unfence_leader(run, false, error);
		if (open && is_standby(run, leader))
		{
			restore_events_note(run->events,
								"member %s: Patroni has started it as a replica; it is "
								"started again",
								leader->name);
			open = restarted = false;
		}
		if (!open && !restore_unfence_leader(run, true, error))
			return false;
		open = true;
		if (!restarted)
		{
			PgbrError reason;

			restarted = restart_leader(run, leader, &reason);
			if (restarted && !restore_wait_check(&wait, error))
				return false;
			if (restarted)
				continue;
			wait.reason = reason;
			if (reason.code == PGBR_ERROR_FORBIDDEN)
			{
				*error = reason;
				return false;
			}
		}
		/* a pause that somebody has ended is not begun again */
		if (is_due(&nudged))
			nudge(run, leader, !back || run->cluster->view.paused);
		if (!restore_wait_more(&wait, error))
			return false;
	}
	restore_wait_end(&wait);
	return true;
}

bool
restore_do_hand_over(RestoreRun *run, PgbrError *error)
{
	return open_leader(run, false, error);
}

bool
restore_keep_leading(RestoreRun *run, PgbrError *error)
{
	bool running = false;

	if (run->journal->plan.request.replicas_only)
		return true;
	if (!restore_is_running(run, run->journal->plan.leader, &running, error))
		return false;
	return running || open_leader(run, true, error);
}

/*
 * Until Patroni of the leader has gone another round with the key, the DCS says how far the leader was before the
 * restore. Were it lost now, every member would be too far behind that to be elected, for good.
 */
static void
have_position_told(RestoreRun *run)
{
	const ClusterMember *leader = cluster_find(run->cluster, run->journal->plan.leader);

	if (run->journal->plan.request.replicas_only || leader == NULL)
		return;
	nudge(run, leader, true);
	restore_let_rounds_end(run, leader);
}

bool
restore_do_resume(RestoreRun *run, PgbrError *error)
{
	json_t *patch = restore_pause_patch(false);
	const RestorePlan *plan = &run->journal->plan;
	/* one that has gone since Patroni may have been resumed is Patroni's to replace */
	bool without = restore_request_is_without(&plan->request, plan->leader);
	bool ok = without || restore_keep_leading(run, error);

	if (ok && !without)
		have_position_told(run);
	ok =
		ok && restore_add_check_timeline(run, patch, error) && restore_patch_all(run, patch, error);

	json_decref(patch);
	return ok;
}

static bool
streams_from(const PatroniNode *leader, const char *name)
{
	for (int i = 0; i < leader->streaming_count; i++)
	{
		if (strcmp(leader->streaming[i], name) == 0)
			return true;
	}
	return false;
}

/* On the leader's timeline, by its own word. */
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

/* The replica that does not stream yet; NULL when all do. Patroni may have another leader by now, also one that takes
 * no part. */
static ClusterMember *
find_late(RestoreRun *run, PgbrError *reason)
{
	const RestorePlan *plan = &run->journal->plan;
	const ClusterMember *planned = cluster_find(run->cluster, plan->leader);
	PatroniNode leader = {.streaming_count = 0};
	const char *leads = planned && is_primary(run, planned, &leader, reason) ? plan->leader : NULL;

	for (int i = 0; i < run->cluster->count && leads == NULL; i++)
	{
		const ClusterMember *member = &run->cluster->members[i];

		if (member != planned && is_primary(run, member, &leader, reason))
			leads = member->name;
	}
	for (int i = 0; i < plan->member_count; i++)
	{
		ClusterMember *member = restore_patroni_member(run, i);

		if (member == NULL || (leads && strcmp(leads, member->name) == 0) ||
			(leads && streams_from(&leader, member->name) &&
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

static bool
wait_streaming(RestoreRun *run, int limit_s, PgbrError *error)
{
	int64_t nudged = clock_monotonic_ms();
	RestoreWait wait;
	ClusterMember *late;

	restore_wait_begin(&wait, run, limit_s, "all replicas to stream");
	while ((late = find_late(run, &wait.reason)) != NULL)
	{
		if (is_due(&nudged))
			nudge(run, late, false);
		if (!restore_wait_more(&wait, error))
			return false;
	}
	restore_wait_end(&wait);
	return true;
}

bool
restore_do_replicas_stream(RestoreRun *run, PgbrError *error)
{
	return wait_streaming(run, STREAM_LIMIT_S, error) &&
		   (run->journal->plan.check_timeline || restore_put_back_check_timeline(run, error));
}

/*
 * The old leader comes first: a replica that was stopped before it may lack its last commits. One that was not
 * stopped is left alone, and so is who leads by now; one that was down before may have been a standby, and who
 * leads then is for Patroni to find out.
 */
static bool
give_back_leader(RestoreRun *run, PgbrError *error)
{
	const RestorePlan *plan = &run->journal->plan;
	const ClusterMember *leader;
	PgbrError ignored;
	RestoreWait wait;

	if (plan->request.replicas_only || restore_request_is_without(&plan->request, plan->leader) ||
		run->journal->states[RESTORE_STOP_LEADER] == RESTORE_STEP_PENDING)
		return true;
	restore_wait_begin(&wait, run, RESTORE_OUTAGE_S, "Patroni of any member");
	while (!cluster_refresh(run->cluster, &wait.reason))
	{
		if (!restore_wait_more(&wait, error))
			return false;
	}
	if (!plan->broken_leader)
		return open_leader(run, true, error);
	if (!restore_unfence_leader(run, false, error))
		return false;
	leader = cluster_find(run->cluster, plan->leader);
	if (!is_led_by_another(run) && leader && leader->api_url[0])
		(void) restart_leader(run, leader, &ignored);
	return true;
}

/* One that leads is enough in the end: a member that is gone for good is not to keep the restore from being over. */
static bool
wait_given_back(RestoreRun *run, PgbrError *error)
{
	PgbrError reason;

	if (wait_streaming(run, GIVE_BACK_LIMIT_S, &reason))
		return true;
	if ((restore_may_pass(&reason) || reason.code == PGBR_ERROR_TIMEOUT) &&
		restore_holds_now(run, error) && cluster_refresh(run->cluster, error) &&
		cluster_find_leading(run->cluster))
	{
		restore_events_note(run->events, "%s", reason.message);
		return true;
	}
	*error = reason;
	return false;
}

bool
restore_give_back(RestoreRun *run, PgbrError *error)
{
	json_t *patch = restore_pause_patch(false);
	bool ok = give_back_leader(run, error) && restore_do_unfence(run, error) &&
			  restore_patch_all(run, patch, error);

	json_decref(patch);
	return ok && wait_given_back(run, error);
}

bool
restore_is_running(RestoreRun *run, const char *member, bool *running, PgbrError *error)
{
	json_t *node = NULL;

	if (!restore_ask(run, member, PGBR_PATH_NODE, &node, error))
		return false;
	*running = *running || json_flag(node, "running");
	json_decref(node);
	return true;
}

bool
restore_look(RestoreRun *run, RestoreSeen *seen, PgbrError *error)
{
	const RestorePlan *plan = &run->journal->plan;
	RestoreWait wait;

	memset(seen, 0, sizeof(*seen));
	restore_wait_begin(&wait, run, RESTORE_OUTAGE_S, "Patroni of any member");
	while (!cluster_refresh(run->cluster, &wait.reason))
	{
		if (!restore_wait_more(&wait, error))
			return false;
	}
	seen->paused = run->cluster->view.paused;
	for (int i = 0; i < plan->member_count; i++)
	{
		const RestoreMember *member = &plan->members[i];

		if (!member->left_out &&
			!restore_is_running(run, member->name,
								member->leader ? &seen->leader_running : &seen->replica_running,
								error))
			return false;
	}
	return true;
}
