/*
 * leader.c
 *		See leader.h.
 */
#include "ctl/restore/leader.h"

#include "ctl/client/interrupt.h"
#include "ctl/restore/members.h"
#include "ctl/restore/patroni.h"
#include "ctl/restore/wait.h"
#include "program/clock.h"

#include <string.h>

#define HAND_OVER_LIMIT_S  300
#define RESTART_TIMEOUT_MS 120000

/* For how long nobody leads though the leader runs: several iterations that its Patroni was woken
 * for. */
#define CLAIM_MS 5000

/*
 * By the leader key itself. A member that has lost the key says for its ttl that it still leads;
 * if Patroni is resumed then, the member is demoted.
 */
static bool
holds_key(RestoreRun *run, PgbrError *reason)
{
	const char *leader = restore_journal_leads(run->journal);

	if (!cluster_refresh(run->cluster, reason))
		return false;
	return cluster_is_leading(run->cluster, leader) ||
		   pgbr_error_set(reason, PGBR_ERROR_CONFLICT,
						  "member \"%s\" does not hold the leader key yet", leader);
}

/* It runs as primary on the new timeline and holds the leader key. */
static bool
takes_writes(RestoreRun *run, PgbrError *reason)
{
	const ClusterMember *leader = restore_planned_leader(run);
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
	bool busy; /* the requests below must not call this again */
	bool ready;
} HandOver;

/*
 * POST /restart may answer late, or never if its connection is lost. So the state of the leader
 * counts.
 */
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

/* With a claim, have Patroni make it the leader; otherwise have it restarted. */
static bool
ask_patroni(RestoreRun *run, bool claim, PgbrError *reason)
{
	PatroniClient *client = &run->cluster->patroni;
	const ClusterMember *leader = restore_planned_leader(run);
	HandOver hand = {
		.run = run, .outer = client->should_abort, .outer_argument = client->abort_argument};
	bool ok;

	if (!restore_holds_now(run, reason))
		return false;
	client->should_abort = is_handed_over;
	client->abort_argument = &hand;
	ok = claim
			 ? patroni_fail_over(client, leader->api_url, leader->name, RESTART_TIMEOUT_MS, reason)
			 : patroni_restart(client, leader->api_url, RESTART_TIMEOUT_MS, reason);
	client->should_abort = hand.outer;
	client->abort_argument = hand.outer_argument;
	return ok || hand.ready;
}

bool
restore_restart_leader(RestoreRun *run, PgbrError *reason)
{
	return ask_patroni(run, false, reason);
}

/*
 * A switchover that was asked for right at the pause has left a key in the DCS that names another
 * member as candidate, and in a pause no other member takes the leader key then. GET /cluster does
 * not tell of such a key, and DELETE /switchover removes only one that is scheduled. A failover to
 * the leader itself takes its place; once it leads Patroni removes it.
 */
static void
claim_key(RestoreRun *run, int64_t *leaderless)
{
	const ClusterMember *leader;
	PatroniNode node;
	PgbrError ignored;

	if (!cluster_refresh(run->cluster, &ignored) || cluster_find_leading(run->cluster) ||
		(leader = restore_planned_leader(run)) == NULL ||
		!patroni_watch_node(&run->cluster->patroni, leader->api_url, &node, &ignored) ||
		!node.running || !node.primary || !node.paused)
		*leaderless = 0;
	else if (*leaderless == 0)
		*leaderless = clock_monotonic_ms();
	else if (clock_monotonic_ms() - *leaderless >= CLAIM_MS)
	{
		restore_events_note(run->events,
							"member %s: it runs, and does not get the leader key; asking Patroni "
							"for a failover to it",
							run->journal->document.plan.leader);
		(void) ask_patroni(run, true, &ignored);
		*leaderless = 0;
	}
}

/* Patroni has remembered to start it as a replica, and does not promote in a pause. */
static bool
is_standby(RestoreRun *run)
{
	PatroniNode node;
	PgbrError ignored;

	return patroni_watch_node(&run->cluster->patroni, restore_planned_leader(run)->api_url, &node,
							  &ignored) &&
		   node.running && !node.primary;
}

/* True when another member leads: somebody has resumed Patroni. */
bool
restore_is_led_by_another(RestoreRun *run)
{
	const ClusterMember *leading;
	PgbrError ignored;

	if (!cluster_refresh(run->cluster, &ignored))
		return false;
	leading = cluster_find_leading(run->cluster);
	return leading && leading != restore_planned_leader(run);
}

bool
restore_open_leader(RestoreRun *run, bool back, PgbrError *error)
{
	const ClusterMember *leader = restore_planned_leader(run);
	bool open = false;
	bool restarted = false;
	int64_t nudged = clock_monotonic_ms();
	int64_t leaderless = 0;
	RestoreWait wait;

	if (leader == NULL || leader->api_url[0] == '\0')
		return pgbr_error_set(error, PGBR_ERROR_UNREACHABLE,
							  "the URL of Patroni's REST API is not known for member \"%s\"",
							  restore_journal_leads(run->journal));
	restore_wait_begin(&wait, run, HAND_OVER_LIMIT_S, "the leader to take writes");
	while (!takes_writes(run, &wait.reason))
	{
		if (back && restore_is_led_by_another(run))
			return restore_unfence_leader(run, false, error);
		if (open && is_standby(run))
		{
			restore_events_note(run->events,
								"member %s: Patroni started it as a replica; starting it again",
								restore_journal_leads(run->journal));
			open = restarted = false;
		}
		if (!open && !restore_unfence_leader(run, true, error))
			return false;
		open = true;
		if (!restarted)
		{
			PgbrError reason;

			restarted = restore_restart_leader(run, &reason);
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
		/* if somebody has resumed Patroni, it is not paused again */
		if (restore_is_due(&nudged))
			(void) restore_nudge(run, restore_planned_leader(run),
								 !back || run->cluster->view.paused);
		claim_key(run, &leaderless);
		if (!restore_wait_more(&wait, error))
			return false;
	}
	restore_wait_end(&wait);
	return true;
}

bool
restore_keep_leading(RestoreRun *run, PgbrError *error)
{
	bool running = false;

	if (run->journal->document.plan.request.replicas_only)
		return true;
	if (!restore_is_running(run, restore_journal_leads(run->journal), &running, error))
		return false;
	return running || restore_open_leader(run, true, error);
}

/* True when this is the leader of the plan, on the plan's timeline, as far as is known. */
bool
restore_is_planned(RestoreRun *run, const ClusterMember *leading)
{
	const RestorePlan *plan = &run->journal->document.plan;
	PgbrError ignored;
	PatroniNode node;

	return strcmp(leading->name, restore_plan_led_by(plan)) == 0 &&
		   (!patroni_get_node(&run->cluster->patroni, leading->api_url, &node, &ignored) ||
			node.timeline == 0 || node.timeline == plan->old_timeline);
}

bool
restore_tell_moved(const RestorePlan *plan, const ClusterMember *leading, PgbrError *error)
{
	const char *planned = restore_plan_led_by(plan);

	pgbr_error_set(error, PGBR_ERROR_CONFLICT, "the leader has changed since the plan was made");
	pgbr_error_detail(error,
					  "The plan is for leader \"%s\" on timeline %u; the leader is now \"%s\"%s.",
					  planned, plan->old_timeline, leading->name,
					  strcmp(leading->name, planned) == 0 ? " on another timeline" : "");
	return pgbr_error_hint(error,
						   "Nothing was changed. Run the same command again to make a new plan.");
}

void
restore_explain_moved(RestoreRun *run, PgbrError *error)
{
	const ClusterMember *leading;
	PgbrError ignored;

	if (!cluster_refresh(run->cluster, &ignored))
		return;
	leading = cluster_find_leading(run->cluster);
	if (leading && !restore_is_planned(run, leading))
		(void) restore_tell_moved(&run->journal->document.plan, leading, error);
}
