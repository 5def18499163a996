/*
 * inherit.c
 *		See inherit.h.
 */
#include "ctl/restore/inherit.h"

#include "common/vocabulary.h"
#include "program/json.h"

#include <string.h>

/* Patroni may have opened the leader unseen; its fence stays up until then. */
static bool
is_opened(Cluster *cluster, const char *leader)
{
	const ClusterMember *member = cluster_find(cluster, leader);
	json_t *node = NULL;
	PgbrError ignored;
	bool opened =
		member && member->sidecar.url[0] &&
		sidecar_client_call(&member->sidecar, "GET", PGBR_PATH_NODE, NULL, 0, &node, &ignored) &&
		json_is_false(json_object_get(node, "fenced"));

	json_decref(node);
	return opened;
}

bool
restore_is_leader_whole(Cluster *cluster, const RestoreJournal *before,
						const RestoreRequest *request)
{
	RestoreStepState handed = before->states[RESTORE_HAND_OVER];

	/* if the leader is gone, only an archived timeline can be reached by others */
	if (restore_request_is_without(request, restore_journal_leads(before)) &&
		(handed == RESTORE_STEP_DONE
			 ? before->states[RESTORE_HISTORY_ARCHIVED] != RESTORE_STEP_DONE
			 : restore_journal_archived_timeline(before) != before->document.plan.old_timeline))
		return false;
	if (before->document.plan.request.replicas_only || handed == RESTORE_STEP_DONE)
		return true;
	if (handed != RESTORE_STEP_PENDING)
		return is_opened(cluster, restore_journal_leads(before));
	return !restore_state_touched(&before->document.plan, before->states) &&
		   (before->document.handed_over_before || !before->document.touched_before);
}

uint32_t
restore_last_timeline(const RestoreJournal *before, bool whole)
{
	uint32_t recovered = journal_document_new_timeline(&before->document);

	if (!whole)
		return restore_journal_archived_timeline(before);
	return recovered > 0 ? recovered : before->document.plan.old_timeline;
}

bool
restore_is_torn(const RestoreJournal *before)
{
	return restore_journal_touched(before) || before->document.replicas_before;
}

/*
 * Whether the WAL on the new leader's disk is that of a server of the cluster, and may be more
 * than the archive has.
 */
static bool
has_own_wal(const RestoreJournal *before, const RestorePlan *plan, bool whole)
{
	if (strcmp(restore_journal_leads(before), restore_plan_led_by(plan)) == 0)
		return whole;
	/* the replicas stream by then */
	if (before->states[RESTORE_RESUME] != RESTORE_STEP_PENDING)
		return true;
	for (int i = 0; i < before->document.plan.member_count; i++)
	{
		if (strcmp(before->document.plan.members[i].name, restore_plan_led_by(plan)) == 0)
			return before->document.plan.request.replicas_only &&
				   before->document.plan.members[i].left_out;
	}
	return false;
}

/* Members that stay left out may still have old data. */
static void
inherit_check_timeline(RestorePlan *plan, const RestorePlan *before)
{
	for (int i = 0; i < before->request.without_count; i++)
		plan->check_timeline |=
			before->check_timeline &&
			restore_request_is_without(&plan->request, before->request.without[i]);
}

void
restore_inherit(RestoreJournal *journal, const RestoreJournal *before, bool whole)
{
	JournalDocument *document = &journal->document;
	RestorePlan *plan = &document->plan;
	/* no other member has more WAL than a leader that was stopped before it was gone */
	bool archived = strcmp(restore_journal_leads(before), restore_plan_led_by(plan)) != 0 &&
					before->states[RESTORE_ARCHIVE] == RESTORE_STEP_DONE;

	inherit_check_timeline(plan, &before->document.plan);
	if (!whole)
		plan->old_timeline = restore_journal_archived_timeline(before);
	else if (before->states[RESTORE_HAND_OVER] == RESTORE_STEP_PENDING
				 ? before->document.plan.old_timeline == plan->old_timeline
				 : before->states[RESTORE_HISTORY_ARCHIVED] != RESTORE_STEP_DONE)
		document->archived_timeline = restore_journal_archived_timeline(before);
	strcpy(document->replaces, before->document.plan.id);
	/* this restore has to end that one's pause, and the fences of its replicas */
	document->paused_before =
		before->states[RESTORE_PAUSE] != RESTORE_STEP_PENDING || before->document.paused_before;
	if (!restore_is_torn(before) && !restore_journal_undo_restores(before) && !archived)
		return;
	/* the leader's data is good; that of the replicas is incomplete, or was not let in yet */
	if (whole && !plan->broken_leader)
	{
		document->replicas_before = true;
		return;
	}
	document->touched_before = true;
	document->handed_over_before = has_own_wal(before, plan, whole);
	if (!whole)
		journal_document_put(&document->mark, json_incref(before->document.mark));
}
