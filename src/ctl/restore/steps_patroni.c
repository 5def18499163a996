/*
 * steps_patroni.c
 *		The steps of a restore that Patroni does: pause, start the leader, resume, start the
 *		replicas. See steps.h.
 */
#include "ctl/restore/steps.h"

#include "ctl/print/message.h"
#include "ctl/restore/check_timeline.h"
#include "ctl/restore/give_back.h"
#include "ctl/restore/leader.h"
#include "ctl/restore/members.h"
#include "ctl/restore/patroni.h"
#include "ctl/restore/streaming.h"
#include "ctl/restore/wait.h"

#define PAUSE_LIMIT_S  60
#define STREAM_LIMIT_S 3600

/*
 * Whether a member has seen the pause. A member whose Patroni is down reads it when it comes back.
 */
static bool
has_seen_pause(RestoreRun *run, const ClusterMember *member, PgbrError *reason)
{
	PatroniNode node;

	if (!patroni_watch_node(&run->cluster->patroni, member->api_url, &node, reason))
		return reason->code == PGBR_ERROR_UNREACHABLE;
	if (!node.paused)
		pgbr_error_set(reason, PGBR_ERROR_CONFLICT, "member \"%s\" has not seen the pause yet",
					   member->name);
	return node.paused;
}

/*
 * An iteration of the HA loop that has begun may start a server that is stopped meanwhile; the
 * fence then refuses, and PostgreSQL logs an error. A later iteration finds the server stopped,
 * and leaves it. The leader's comes first: it writes its position, and that wakes the replicas.
 */
static void
let_all_rounds_end(RestoreRun *run)
{
	const RestorePlan *plan = &run->journal->document.plan;

	for (int replicas = 0; replicas < 2; replicas++)
	{
		for (int i = 0; i < plan->member_count; i++)
		{
			if (restore_is_led(run, &plan->members[i]) == !replicas)
				restore_let_rounds_end(run, restore_patroni_member(run, i));
		}
	}
}

/*
 * Between the plan and the pause the leader may have changed: the user thought about the plan for
 * long, the run was killed and continued days later, or somebody has resumed Patroni. Then another
 * member has data that must not be lost.
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

		/* in a pause nobody starts a leader that has crashed */
		if (!restore_is_running(run, restore_journal_leads(journal), &running, error))
			return false;
		awaited = awaited && running;
		if (!restore_wait_more(&wait, error))
			return false;
	}
	if (leading == NULL || restore_is_planned(run, leading))
		return true;
	if (!journal->document.replicas_before)
		return restore_let_go(run, error) &&
			   restore_tell_moved(&journal->document.plan, leading, error);
	/* an earlier restore has left replicas that are incomplete */
	(void) restore_tell_moved(&journal->document.plan, leading, error);
	return pgbr_error_hint(error,
						   "\"" PROGRAM_NAME " undo %s\" restores the replicas to follow it.",
						   journal->document.plan.id);
}

bool
restore_do_pause(RestoreRun *run, PgbrError *error)
{
	json_t *patch = restore_pause_patch(true);
	bool ok = restore_patch_all(run, patch, error);
	RestoreWait wait;

	json_decref(patch);
	restore_wait_begin(&wait, run, PAUSE_LIMIT_S, "all members to see the pause");
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

bool
restore_do_hand_over(RestoreRun *run, PgbrError *error)
{
	return restore_open_leader(run, false, error);
}

/*
 * Until the leader's Patroni has done another iteration with the leader key, the DCS has the
 * leader's position of before the restore. If the leader were lost now, every member would be too
 * far behind that position to be elected, for good.
 */
static void
have_position_told(RestoreRun *run)
{
	const ClusterMember *leader = restore_planned_leader(run);

	if (run->journal->document.plan.request.replicas_only || leader == NULL)
		return;
	(void) restore_nudge(run, leader, true);
	restore_let_rounds_end(run, leader);
}

bool
restore_do_resume(RestoreRun *run, PgbrError *error)
{
	json_t *patch = restore_pause_patch(false);
	const RestorePlan *plan = &run->journal->document.plan;
	/* Patroni may have been resumed already: then it replaces a leader that is gone */
	bool without = restore_request_is_without(&plan->request, plan->leader);
	bool ok = without || restore_keep_leading(run, error);

	if (ok && !without)
		have_position_told(run);
	ok =
		ok && restore_add_check_timeline(run, patch, error) && restore_patch_all(run, patch, error);

	json_decref(patch);
	return ok;
}

/* A leader that is gone has taken the request for a backup with it: its successor gets one. */
bool
restore_do_replicas_stream(RestoreRun *run, PgbrError *error)
{
	const RestorePlan *plan = &run->journal->document.plan;

	return restore_wait_streaming(run, STREAM_LIMIT_S, error) &&
		   (plan->check_timeline || restore_put_back_check_timeline(run, error)) &&
		   (plan->request.replicas_only ||
			!restore_request_is_without(&plan->request, plan->leader) ||
			restore_do_backup(run, error));
}
