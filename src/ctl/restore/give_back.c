/*
 * give_back.c
 *		See give_back.h.
 */
#include "ctl/restore/give_back.h"

#include "ctl/restore/leader.h"
#include "ctl/restore/members.h"
#include "ctl/restore/patroni.h"
#include "ctl/restore/streaming.h"
#include "ctl/restore/wait.h"

#define GIVE_BACK_LIMIT_S 300

/*
 * The old leader comes first: a replica that was stopped before it may lack its last commits. A
 * leader that was not stopped is left alone, and so is a member that leads by now. A leader that
 * was down before may have been a standby: Patroni finds out who leads then.
 */
static bool
give_back_leader(RestoreRun *run, PgbrError *error)
{
	const RestorePlan *plan = &run->journal->document.plan;
	const ClusterMember *leader;
	PgbrError ignored;
	RestoreWait wait;

	if (plan->request.replicas_only ||
		restore_request_is_without(&plan->request, restore_journal_leads(run->journal)))
		return true;
	/* an earlier restore may have fenced it */
	if (run->journal->states[RESTORE_STOP_LEADER] == RESTORE_STEP_PENDING)
		return !run->journal->document.paused_before || restore_unfence_leader(run, false, error);
	restore_wait_begin(&wait, run, RESTORE_OUTAGE_S, "Patroni of any member to answer");
	while (!cluster_refresh(run->cluster, &wait.reason))
	{
		if (!restore_wait_more(&wait, error))
			return false;
	}
	if (!plan->broken_leader)
		return restore_open_leader(run, true, error);
	if (!restore_unfence_leader(run, false, error))
		return false;
	leader = restore_planned_leader(run);
	if (!restore_is_led_by_another(run) && leader && leader->api_url[0])
		(void) restore_restart_leader(run, &ignored);
	return true;
}

/* A leader is enough to end: a member that is gone for good must not keep the restore open. */
static bool
wait_given_back(RestoreRun *run, PgbrError *error)
{
	PgbrError reason;

	if (restore_wait_streaming(run, GIVE_BACK_LIMIT_S, &reason))
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
	bool ok = give_back_leader(run, error) && restore_unfence(run, restore_is_other, 0, error) &&
			  restore_patch_all(run, patch, error);

	json_decref(patch);
	return ok && wait_given_back(run, error);
}

bool
restore_let_go(RestoreRun *run, PgbrError *error)
{
	RestoreJournal *journal = run->journal;
	json_t *patch = restore_pause_patch(false);
	bool fenced = journal->states[RESTORE_STOP_REPLICAS] != RESTORE_STEP_PENDING ||
				  journal->states[RESTORE_STOP_LEADER] != RESTORE_STEP_PENDING ||
				  journal->document.paused_before;
	PgbrError ignored;
	/* a Patroni that has refused the pause would refuse its end as well */
	bool ok = fenced ? restore_give_back(run, error)
					 : (cluster_refresh(run->cluster, &ignored) && !run->cluster->view.paused) ||
						   restore_patch_all(run, patch, error);

	json_decref(patch);
	if (!ok)
		return false;
	/* it serves as it did before */
	restore_journal_set(journal, RESTORE_PAUSE, RESTORE_STEP_PENDING, NULL);
	journal->document.paused_before = false;
	return true;
}
