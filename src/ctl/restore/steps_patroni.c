/*
 * steps_patroni.c
 *		The steps of a restore that Patroni does after the pause: start the leader, resume, start the replicas.
 *		See restore_steps.h.
 *
 * No wait depends on Patroni's loop_wait: a PATCH of its configuration that changes nothing wakes the
 * loop of the member that it is sent to.
 */
#include "ctl/restore/steps.h"

#include "common/vocabulary.h"
#include "ctl/client/interrupt.h"
#include "ctl/restore/wait.h"
#include "program/clock.h"
#include "program/json.h"

#include <stdio.h>
#include <string.h>

#define HAND_OVER_LIMIT_S  300
#define STREAM_LIMIT_S	   3600
#define GIVE_BACK_LIMIT_S  300
#define RESTART_TIMEOUT_MS 120000

/* Patroni asks a PostgreSQL that has gone for half of its retry_timeout, five seconds, before it goes on. */
#define STOPPED_LIMIT_S 60

/* How often a member whose loop lags is woken. */
#define NUDGE_MS 1000

/* A member's loop may be asleep for as long as loop_wait. Failures don't matter; false when its Patroni is down. */
static bool
nudge(RestoreRun *run, const ClusterMember *member, bool paused)
{
	json_t *patch = restore_pause_patch(paused);
	PgbrError reason;
	bool ok = !restore_still_holds(run, &reason) ||
			  patroni_patch_config(&run->cluster->patroni, member->api_url, patch, &reason) ||
			  reason.code != PGBR_ERROR_UNREACHABLE;

	json_decref(patch);
	return ok;
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
holds_key(RestoreRun *run, PgbrError *reason)
{
	const char *leader = run->journal->document.plan.leader;

	if (!cluster_refresh(run->cluster, reason))
		return false;
	return cluster_is_leading(run->cluster, leader) ||
		   pgbr_error_set(reason, PGBR_ERROR_CONFLICT,
						  "member \"%s\" has not got the leader key again yet", leader);
}

/* The leader of the plan. A member that is new in the cluster moves the others: to be asked for after each refresh. */
static const ClusterMember *
planned_leader(RestoreRun *run)
{
	return cluster_find(run->cluster, run->journal->document.plan.leader);
}

/* A replica whose Patroni does not say yet that it is stopped; NULL when all do. One whose Patroni is down, or was
 * resumed by somebody, is not waited for. */
static const ClusterMember *
find_unseen(RestoreRun *run, bool wake)
{
	const RestorePlan *plan = &run->journal->document.plan;
	const ClusterMember *unseen = NULL;

	for (int i = 0; i < plan->member_count && run->cluster->view.paused; i++)
	{
		const ClusterMember *member = restore_patroni_member(run, i);

		if (member && !plan->members[i].leader && member->patroni.name[0] &&
			strcmp(member->patroni.state, "stopped") != 0 && (!wake || nudge(run, member, true)))
			unseen = member;
	}
	return unseen;
}

bool
restore_await_stops_seen(RestoreRun *run, PgbrError *error)
{
	int64_t nudged = 0;
	RestoreWait wait;

	restore_wait_begin(&wait, run, STOPPED_LIMIT_S,
					   "Patroni of all replicas to see that they are stopped");
	for (;;)
	{
		if (cluster_refresh(run->cluster, &wait.reason))
		{
			const ClusterMember *unseen = find_unseen(run, is_due(&nudged));

			if (unseen == NULL)
				break;
			pgbr_error_set(&wait.reason, PGBR_ERROR_CONFLICT, "member \"%s\" is %s", unseen->name,
						   unseen->patroni.state);
		}
		if (restore_wait_more(&wait, error))
			continue;
		if (run->lost || error->code == PGBR_ERROR_ABORTED)
			return false;
		/* the fence keeps it out as well, with an error in the server's log */
		restore_events_note(run->events, "%s", error->message);
		break;
	}
	restore_wait_end(&wait);
	return true;
}

/* It runs as primary on the new timeline and holds the leader key. */
static bool
takes_writes(RestoreRun *run, PgbrError *reason)
{
	const ClusterMember *leader = planned_leader(run);
	uint32_t timeline = restore_new_timeline(run);
	PatroniNode node;
	bool primary = false;

	if (!patroni_is_primary(&run->cluster->patroni, leader->api_url, &primary, &node, reason))
		return false;
	if (!primary)
		return pgbr_error_set(reason, PGBR_ERROR_CONFLICT,
							  "member \"%s\" does not hold the leader key yet", leader->name);
	if (node.primary && node.running && (timeline == 0 || node.timeline == timeline))
		return holds_key(run, reason);
	return pgbr_error_set(reason, PGBR_ERROR_CONFLICT,
						  "member \"%s\" is %s on timeline %u, not primary on timeline %u",
						  leader->name, node.role, node.timeline, timeline);
}

typedef struct HandOver
{
	RestoreRun *run;
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
		return interrupt_is_raised();
	hand->busy = true;
	hand->ready = takes_writes(hand->run, &ignored);
	if (!hand->ready)
		(void) restore_still_holds(hand->run, &ignored);
	hand->busy = false;
	return hand->ready || hand->run->lost || interrupt_is_raised();
}

static bool
restart_leader(RestoreRun *run, PgbrError *reason)
{
	PatroniClient *client = &run->cluster->patroni;
	HandOver hand = {
		.run = run, .outer = client->should_abort, .outer_argument = client->abort_argument};
	bool ok;

	if (!restore_holds_now(run, reason))
		return false;
	client->should_abort = is_handed_over;
	client->abort_argument = &hand;
	ok = patroni_restart(client, planned_leader(run)->api_url, RESTART_TIMEOUT_MS, reason);
	client->should_abort = hand.outer;
	client->abort_argument = hand.outer_argument;
	return ok || hand.ready;
}

/* Patroni has remembered that it was to be one; it does not promote in a pause. */
static bool
is_standby(RestoreRun *run)
{
	PatroniNode node;
	PgbrError ignored;

	return patroni_watch_node(&run->cluster->patroni, planned_leader(run)->api_url, &node,
							  &ignored) &&
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
	return leading && leading != planned_leader(run);
}

/* Have the leader take writes; in a restore that is given up (back) only as long as no other one leads. */
static bool
open_leader(RestoreRun *run, bool back, PgbrError *error)
{
	const ClusterMember *leader = planned_leader(run);
	bool open = false;
	bool restarted = false;
	int64_t nudged = clock_monotonic_ms();
	RestoreWait wait;

	if (leader == NULL || leader->api_url[0] == '\0')
		return pgbr_error_set(error, PGBR_ERROR_UNREACHABLE,
							  "it is not known where Patroni of member \"%s\" is",
							  run->journal->document.plan.leader);
	restore_wait_begin(&wait, run, HAND_OVER_LIMIT_S, "the leader to take writes");
	while (!takes_writes(run, &wait.reason))
	{
		if (back && is_led_by_another(run))
			return restore_unfence_leader(run, false, error);
		if (open && is_standby(run))
		{
			restore_events_note(run->events,
								"member %s: Patroni has started it as a replica; it is "
								"started again",
								run->journal->document.plan.leader);
			open = restarted = false;
		}
		if (!open && !restore_unfence_leader(run, true, error))
			return false;
		open = true;
		if (!restarted)
		{
			PgbrError reason;

			restarted = restart_leader(run, &reason);
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
			(void) nudge(run, planned_leader(run), !back || run->cluster->view.paused);
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

	if (run->journal->document.plan.request.replicas_only)
		return true;
	if (!restore_is_running(run, run->journal->document.plan.leader, &running, error))
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
	const ClusterMember *leader = planned_leader(run);

	if (run->journal->document.plan.request.replicas_only || leader == NULL)
		return;
	(void) nudge(run, leader, true);
	restore_let_rounds_end(run, leader);
}

bool
restore_do_resume(RestoreRun *run, PgbrError *error)
{
	json_t *patch = restore_pause_patch(false);
	const RestorePlan *plan = &run->journal->document.plan;
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
	const RestorePlan *plan = &run->journal->document.plan;
	const ClusterMember *planned = planned_leader(run);
	PatroniNode leader = {.streaming_count = 0};
	const char *leads = planned && is_primary(run, planned, &leader, reason) ? plan->leader : NULL;

	for (int i = 0; i < run->cluster->count && leads == NULL; i++)
	{
		const ClusterMember *member = run->cluster->members[i];

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
			(void) nudge(run, late, false);
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
		   (run->journal->document.plan.check_timeline ||
			restore_put_back_check_timeline(run, error));
}

/*
 * The old leader comes first: a replica that was stopped before it may lack its last commits. One that was not
 * stopped is left alone, and so is who leads by now; one that was down before may have been a standby, and who
 * leads then is for Patroni to find out.
 */
static bool
give_back_leader(RestoreRun *run, PgbrError *error)
{
	const RestorePlan *plan = &run->journal->document.plan;
	const ClusterMember *leader;
	PgbrError ignored;
	RestoreWait wait;

	if (plan->request.replicas_only || restore_request_is_without(&plan->request, plan->leader))
		return true;
	/* an earlier restore may have fenced it off */
	if (run->journal->states[RESTORE_STOP_LEADER] == RESTORE_STEP_PENDING)
		return !run->journal->document.paused_before || restore_unfence_leader(run, false, error);
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
	leader = planned_leader(run);
	if (!is_led_by_another(run) && leader && leader->api_url[0])
		(void) restart_leader(run, &ignored);
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
	const RestorePlan *plan = &run->journal->document.plan;
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
