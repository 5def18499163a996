/*
 * steps_pause.c
 *		The pause of Patroni in a restore, and whether the leader of the plan still leads when it begins.
 *		See restore_steps.h.
 */
#include "ctl/restore/steps.h"

#include "common/vocabulary.h"
#include "ctl/print/message.h"
#include "ctl/restore/wait.h"
#include "program/json.h"

#include <string.h>

#define PAUSE_LIMIT_S 60

json_t *
restore_pause_patch(bool paused)
{
	json_t *patch = json_object();

	json_object_set_new(patch, "pause", paused ? json_true() : json_null());
	return patch;
}

ClusterMember *
restore_patroni_member(RestoreRun *run, int index)
{
	const RestoreMember *member = &run->journal->document.plan.members[index];
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
		for (int i = 0; i < run->journal->document.plan.member_count; i++)
		{
			const ClusterMember *member = restore_patroni_member(run, i);

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

/* A change wakes a member up to twice: by itself, and by the request. */
void
restore_let_rounds_end(RestoreRun *run, const ClusterMember *member)
{
	PatroniNode node;
	PgbrError ignored;

	for (int i = 0; member && i < 2; i++)
	{
		if (!patroni_watch_node(&run->cluster->patroni, member->api_url, &node, &ignored) ||
			node.restart_scheduled ||
			!patroni_await_round(&run->cluster->patroni, member->api_url, &ignored))
			return;
	}
}

/*
 * A round that has begun may start a server that is stopped in the midst of it, which the fence refuses, with an error
 * in its log; one that begins later finds the server stopped, and leaves it. The leader's come first: with the position
 * that it writes it wakes the replicas.
 */
static void
let_all_rounds_end(RestoreRun *run)
{
	const RestorePlan *plan = &run->journal->document.plan;

	for (int replicas = 0; replicas < 2; replicas++)
	{
		for (int i = 0; i < plan->member_count; i++)
		{
			if (plan->members[i].leader == !replicas)
				restore_let_rounds_end(run, restore_patroni_member(run, i));
		}
	}
}

/* The leader of the plan leads, on the timeline of the plan, as far as is known. */
static bool
is_planned(RestoreRun *run, const ClusterMember *leading)
{
	const RestorePlan *plan = &run->journal->document.plan;
	PgbrError ignored;
	PatroniNode node;

	return strcmp(leading->name, plan->leader) == 0 &&
		   (!patroni_get_node(&run->cluster->patroni, leading->api_url, &node, &ignored) ||
			node.timeline == 0 || node.timeline == plan->old_timeline);
}

static bool
tell_moved(const RestorePlan *plan, const ClusterMember *leading, PgbrError *error)
{
	pgbr_error_set(error, PGBR_ERROR_CONFLICT, "the leader has changed since the plan was made");
	pgbr_error_detail(error, "It was \"%s\" on timeline %u, and is \"%s\"%s.", plan->leader,
					  plan->old_timeline, leading->name,
					  strcmp(leading->name, plan->leader) == 0 ? " on another one" : "");
	return pgbr_error_hint(error, "Nothing was changed. The same command makes a new plan.");
}

void
restore_explain_moved(RestoreRun *run, PgbrError *error)
{
	const ClusterMember *leading;
	PgbrError ignored;

	if (!cluster_refresh(run->cluster, &ignored))
		return;
	leading = cluster_find_leading(run->cluster);
	if (leading && !is_planned(run, leading))
		(void) tell_moved(&run->journal->document.plan, leading, error);
}

/* Patroni goes on under whoever leads; then nothing of this restore is left. */
static bool
let_go(RestoreRun *run, PgbrError *error)
{
	RestoreJournal *journal = run->journal;
	json_t *patch = restore_pause_patch(false);
	bool fenced = journal->states[RESTORE_STOP_REPLICAS] != RESTORE_STEP_PENDING ||
				  journal->states[RESTORE_STOP_LEADER] != RESTORE_STEP_PENDING ||
				  journal->document.paused_before;
	bool ok = fenced ? restore_give_back(run, error) : restore_patch_all(run, patch, error);

	json_decref(patch);
	if (!ok)
		return false;
	/* it serves as it did before */
	restore_journal_set(journal, RESTORE_PAUSE, RESTORE_STEP_PENDING, NULL);
	journal->document.paused_before = false;
	return true;
}

/*
 * Between the plan and the pause the leader may have moved: a person has thought about the plan for long,
 * or the run was killed and went on days later, or somebody has resumed Patroni meanwhile. Then another member has
 * what must not be lost.
 */
static bool
check_leader(RestoreRun *run, PgbrError *error)
{
	RestoreJournal *journal = run->journal;
	const ClusterMember *leading = NULL;
	bool awaited = !journal->document.plan.broken_leader &&
				   journal->states[RESTORE_STOP_LEADER] == RESTORE_STEP_PENDING;
	RestoreWait wait;

	if (restore_journal_touched(journal))
		return true;
	restore_wait_begin(&wait, run, PAUSE_LIMIT_S, "Patroni to name the leader");
	while (!cluster_refresh(run->cluster, &wait.reason) ||
		   ((leading = cluster_find_leading(run->cluster)) == NULL && awaited))
	{
		bool running = false;

		/* one that has crashed in the pause is started by nobody */
		if (!restore_is_running(run, journal->document.plan.leader, &running, error))
			return false;
		awaited = awaited && running;
		if (!restore_wait_more(&wait, error))
			return false;
	}
	if (leading == NULL || is_planned(run, leading))
		return true;
	if (!journal->document.replicas_before)
		return let_go(run, error) && tell_moved(&journal->document.plan, leading, error);
	/* an earlier restore has left replicas that are not whole */
	(void) tell_moved(&journal->document.plan, leading, error);
	return pgbr_error_hint(error, "\"" PROGRAM_NAME " undo %s\" restores the replicas for it.",
						   journal->document.plan.id);
}

bool
restore_do_pause(RestoreRun *run, PgbrError *error)
{
	json_t *patch = restore_pause_patch(true);
	bool ok = restore_patch_all(run, patch, error);
	RestoreWait wait;

	json_decref(patch);
	restore_wait_begin(&wait, run, PAUSE_LIMIT_S, "all members to be paused");
	for (int i = 0; ok && i < run->journal->document.plan.member_count; i++)
	{
		const ClusterMember *member = restore_patroni_member(run, i);

		while (ok && member && !has_seen_pause(run, member, &wait.reason))
			ok = restore_wait_more(&wait, error);
	}
	if (ok)
	{
		restore_wait_end(&wait);
		let_all_rounds_end(run);
	}
	return ok && check_leader(run, error);
}
