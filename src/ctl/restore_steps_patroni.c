/*
 * restore_steps_patroni.c
 *		The steps of a restore that Patroni does: pause, start the leader, resume, start the replicas.
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

#define PAUSE_LIMIT_S	   60
#define HAND_OVER_LIMIT_S  300
#define STREAM_LIMIT_S	   3600
#define GIVE_BACK_LIMIT_S  300
#define RESTART_TIMEOUT_MS 120000

/* How often a member whose loop lags is woken. */
#define NUDGE_MS 1000

static json_t *
pause_patch(bool paused)
{
	json_t *patch = json_object();

	json_object_set_new(patch, "pause", paused ? json_true() : json_null());
	return patch;
}

/* The members of the plan that Patroni knows and that take part. */
static ClusterMember *
patroni_member(RestoreRun *run, int index)
{
	const RestoreMember *member = &run->journal->plan.members[index];
	ClusterMember *found = cluster_find(run->cluster, member->name);

	return member->left_out || found == NULL || found->api_url[0] == '\0' ? NULL : found;
}

bool
restore_patch_all(RestoreRun *run, const json_t *patch, PgbrError *error)
{
	bool taken = false;
	RestoreWait wait;

	restore_wait_begin(&wait, run, PAUSE_LIMIT_S, "Patroni to take a change of its configuration");
	for (;;)
	{
		/* Patroni knows nothing of the lock: whoever slept past his lease must not reach it */
		if (!restore_holds_now(run, error))
			return false;
		pgbr_error_set(&wait.reason, PGBR_ERROR_UNREACHABLE,
					   "it is not known where the REST API of any member is");
		for (int i = 0; i < run->journal->plan.member_count; i++)
		{
			const ClusterMember *member = patroni_member(run, i);

			if (member &&
				patroni_patch_config(&run->cluster->patroni, member->api_url, patch, &wait.reason))
				taken = true;
			if (wait.reason.code == PGBR_ERROR_FORBIDDEN)
			{
				*error = wait.reason;
				return false;
			}
		}
		if (taken)
			return true;
		if (!restore_wait_more(&wait, error))
			return false;
	}
}

/* A member's loop may be asleep for as long as loop_wait; failures don't matter. */
static void
nudge(RestoreRun *run, const ClusterMember *member, bool paused)
{
	json_t *patch = pause_patch(paused);
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

/* Whether a member has seen the pause. One whose Patroni is down reads it when it comes back. */
static bool
has_seen_pause(RestoreRun *run, const ClusterMember *member, PgbrError *reason)
{
	PatroniNode node;

	if (!patroni_watch_node(&run->cluster->patroni, member->api_url, &node, reason))
		return reason->code == PGBR_ERROR_UNREACHABLE;
	if (!node.paused)
		pgbr_error_set(reason, PGBR_ERROR_CONFLICT, "member \"%s\" is not paused yet",
					   member->name);
	return node.paused;
}

/*
 * A round that Patroni had begun may start a server that is stopped in the midst of it, which is refused then, with
 * an error in its log. The pause wakes a member up to twice: by the change, and by the request. A round that
 * begins later finds the server stopped, and leaves it.
 */
static void
let_rounds_end(RestoreRun *run, const ClusterMember *member)
{
	PatroniNode node;
	PgbrError ignored;

	for (int i = 0; i < 2; i++)
	{
		if (!patroni_watch_node(&run->cluster->patroni, member->api_url, &node, &ignored) ||
			node.restart_scheduled ||
			!patroni_await_round(&run->cluster->patroni, member->api_url, &ignored))
			return;
	}
}

/* Who leads by Patroni's word; NULL when nobody does. */
static const ClusterMember *
find_leading(const Cluster *cluster)
{
	for (int i = 0; i < cluster->count; i++)
	{
		if (cluster->members[i].patroni.leads)
			return &cluster->members[i];
	}
	return NULL;
}

static bool
is_planned(RestoreRun *run, const ClusterMember *leading)
{
	const RestorePlan *plan = &run->journal->plan;
	PgbrError ignored;
	PatroniNode node;

	if (leading == NULL || strcmp(leading->name, plan->leader) != 0)
		return leading == NULL && plan->broken_leader;
	return plan->broken_leader ||
		   !patroni_get_node(&run->cluster->patroni, leading->api_url, &node, &ignored) ||
		   node.timeline == 0 || node.timeline == plan->old_timeline;
}

static bool
tell_moved(const RestorePlan *plan, const ClusterMember *leading, PgbrError *error)
{
	pgbr_error_set(error, PGBR_ERROR_CONFLICT, "the leader has changed since the plan was made");
	pgbr_error_detail(error, "It was \"%s\" on timeline %u, and is \"%s\".", plan->leader,
					  plan->old_timeline, leading ? leading->name : "");
	return pgbr_error_hint(error, "Nothing was changed. The same command makes a new plan.");
}

void
restore_explain_moved(RestoreRun *run, PgbrError *error)
{
	const ClusterMember *leading;
	PgbrError ignored;

	if (!cluster_refresh(run->cluster, &ignored))
		return;
	leading = find_leading(run->cluster);
	if (leading && !is_planned(run, leading))
		(void) tell_moved(&run->journal->plan, leading, error);
}

/*
 * Between the plan and the pause the leader may have moved: a person has thought about the plan for long,
 * or the run was killed and went on days later. Then another member has what must not be lost.
 */
static bool
check_leader(RestoreRun *run, PgbrError *error)
{
	RestoreJournal *journal = run->journal;
	const ClusterMember *leading = NULL;
	json_t *patch;
	bool ok;
	RestoreWait wait;

	if (journal->states[RESTORE_STOP_REPLICAS] != RESTORE_STEP_PENDING ||
		journal->states[RESTORE_STOP_LEADER] != RESTORE_STEP_PENDING ||
		json_flag(journal->document, "touched_before"))
		return true;
	restore_wait_begin(&wait, run, PAUSE_LIMIT_S, "Patroni to name the leader");
	while (!cluster_refresh(run->cluster, &wait.reason) ||
		   ((leading = find_leading(run->cluster)) == NULL && !journal->plan.broken_leader))
	{
		if (!restore_wait_more(&wait, error))
			return false;
	}
	if (is_planned(run, leading))
		return true;
	patch = pause_patch(false);
	ok = restore_patch_all(run, patch, error);
	json_decref(patch);
	if (!ok)
		return false;
	/* it serves as it did before */
	restore_journal_set(journal, RESTORE_PAUSE, RESTORE_STEP_PENDING, NULL);
	return tell_moved(&journal->plan, leading, error);
}

bool
restore_do_pause(RestoreRun *run, PgbrError *error)
{
	json_t *patch = pause_patch(true);
	bool ok = restore_patch_all(run, patch, error);
	RestoreWait wait;

	json_decref(patch);
	restore_wait_begin(&wait, run, PAUSE_LIMIT_S, "all members to be paused");
	for (int i = 0; ok && i < run->journal->plan.member_count; i++)
	{
		const ClusterMember *member = patroni_member(run, i);

		while (ok && member && !has_seen_pause(run, member, &wait.reason))
			ok = restore_wait_more(&wait, error);
		if (ok && member)
			let_rounds_end(run, member);
	}
	if (ok)
		restore_wait_end(&wait);
	return ok && check_leader(run, error);
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
	return find_leading(run->cluster) == leader ||
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
	leading = find_leading(run->cluster);
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
restore_do_resume(RestoreRun *run, PgbrError *error)
{
	json_t *patch = pause_patch(false);
	bool ok = restore_add_check_timeline(run, patch, error) && restore_patch_all(run, patch, error);

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
		ClusterMember *member = patroni_member(run, i);

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
	bool replicas_only = run->journal->plan.request.replicas_only;

	return wait_streaming(run, STREAM_LIMIT_S, error) &&
		   (!replicas_only || restore_put_back_check_timeline(run, error));
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

	if (plan->request.replicas_only ||
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

bool
restore_give_back(RestoreRun *run, PgbrError *error)
{
	json_t *patch = pause_patch(false);
	bool ok = give_back_leader(run, error) && restore_do_unfence(run, error) &&
			  restore_patch_all(run, patch, error);

	json_decref(patch);
	return ok && wait_streaming(run, GIVE_BACK_LIMIT_S, error);
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
