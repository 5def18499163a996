/*
 * members.c
 *		See members.h.
 */
#include "ctl/restore/members.h"

#include "common/vocabulary.h"
#include "ctl/facts/same_server.h"
#include "ctl/restore/jobs.h"
#include "ctl/restore/wait.h"
#include "program/json.h"

#include <string.h>

bool
restore_is_replica(const RestoreRun *run, const RestoreMember *member)
{
	(void) run;
	return !member->leader && !member->left_out && !member->kept;
}

bool
restore_is_led(const RestoreRun *run, const RestoreMember *member)
{
	return strcmp(member->name, restore_journal_leads(run->journal)) == 0;
}

bool
restore_is_other(const RestoreRun *run, const RestoreMember *member)
{
	return !member->left_out && !restore_is_led(run, member);
}

uint32_t
restore_new_timeline(const RestoreRun *run)
{
	return journal_document_new_timeline(&run->journal->document);
}

bool
restore_run_on_leader(RestoreRun *run, RestoreStep step, const char *kind, json_t *arguments,
					  PgbrError *error)
{
	const RestorePlan *plan = &run->journal->document.plan;
	/* in an undo by a kept member the steps before that are done on who led until then */
	const char *leader =
		restore_step_info(step)->touches_data ? plan->leader : restore_plan_led_by(plan);
	json_t *job = NULL;
	bool ok = restore_job_start(run, step, leader, kind, arguments, &job, error) &&
			  restore_job_wait(run, step, leader, &job, false, error);

	if (ok)
		restore_journal_put_result(run->journal, step,
								   json_deep_copy(json_object_get(job, "result")));
	json_decref(job);
	return ok;
}

bool
restore_run_on(RestoreRun *run, RestoreStep step, const char *kind, RestoreIsOf *is_of,
			   json_t *(*make_arguments)(const RestoreMember *member, const RestorePlan *plan),
			   bool wait, json_t *results, PgbrError *error)
{
	const RestorePlan *plan = &run->journal->document.plan;
	json_t *jobs[RESTORE_MEMBERS_MAX] = {NULL};
	bool ok = true;

	for (int i = 0; ok && i < plan->member_count; i++)
	{
		const RestoreMember *member = &plan->members[i];

		if (is_of(run, member))
			ok = restore_job_start(run, step, member->name, kind, make_arguments(member, plan),
								   &jobs[i], error);
	}
	for (int i = 0; ok && wait && i < plan->member_count; i++)
	{
		if (jobs[i] == NULL)
			continue;
		ok = restore_job_wait(run, step, plan->members[i].name, &jobs[i], false, error);
		if (ok && results)
			journal_document_add_stop(results, plan->members[i].name,
									  json_object_get(jobs[i], "result"));
	}
	for (int i = 0; i < plan->member_count; i++)
		json_decref(jobs[i]);
	return ok;
}

const RestoreMember *
restore_leader_of(const RestorePlan *plan)
{
	for (int i = 0; i < plan->member_count; i++)
	{
		if (plan->members[i].leader)
			return &plan->members[i];
	}
	return NULL;
}

bool
restore_unfence_leader(RestoreRun *run, bool primary, PgbrError *error)
{
	const char *leader = restore_journal_leads(run->journal);
	json_t *job = NULL;
	bool ok = restore_job_start(run, RESTORE_HAND_OVER, leader, "node-unfence",
								json_pack("{sb}", "primary", primary), &job, error) &&
			  restore_job_wait(run, RESTORE_HAND_OVER, leader, &job, false, error);

	json_decref(job);
	return ok;
}

bool
restore_unfence(RestoreRun *run, RestoreIsOf *is_of, uint32_t timeline, PgbrError *error)
{
	const RestorePlan *plan = &run->journal->document.plan;
	json_t *jobs[RESTORE_MEMBERS_MAX] = {NULL};
	bool ok = true;

	for (int i = 0; ok && i < plan->member_count; i++)
	{
		json_t *arguments;

		if (!is_of(run, &plan->members[i]))
			continue;
		arguments = json_object();
		if (timeline > 0)
			json_object_set_new(arguments, "timeline", json_integer(timeline));
		ok = restore_job_start(run, RESTORE_UNFENCE, plan->members[i].name, "node-unfence",
							   arguments, &jobs[i], error);
	}
	for (int i = 0; i < plan->member_count; i++)
	{
		ok = ok && (jobs[i] == NULL || restore_job_wait(run, RESTORE_UNFENCE, plan->members[i].name,
														&jobs[i], false, error));
		json_decref(jobs[i]);
	}
	return ok;
}

const ClusterMember *
restore_planned_leader(RestoreRun *run)
{
	return cluster_find(run->cluster, restore_journal_leads(run->journal));
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

static SidecarIdentity
identity_of(const json_t *node)
{
	return (SidecarIdentity){json_text(node, "identity"), json_text(node, "data_directory_id")};
}

bool
restore_check_sidecars(RestoreRun *run, PgbrError *error)
{
	const RestorePlan *plan = &run->journal->document.plan;
	json_t *nodes[RESTORE_MEMBERS_MAX] = {NULL};
	bool ok = true;

	for (int i = 0; ok && i < plan->member_count; i++)
	{
		if (plan->members[i].left_out)
			continue;
		ok = restore_ask(run, plan->members[i].name, PGBR_PATH_NODE, &nodes[i], error);
		for (int j = 0; ok && j < i; j++)
		{
			const char *shared =
				nodes[j] ? same_sidecar(identity_of(nodes[i]), identity_of(nodes[j])) : NULL;

			if (shared == NULL)
				continue;
			ok = pgbr_error_set(error, PGBR_ERROR_CONFLICT,
								"members \"%s\" and \"%s\" have the same %s", plan->members[j].name,
								plan->members[i].name, shared) ||
				 pgbr_error_hint(error,
								 "Name the sidecar of each: --sidecar=%s=URL --sidecar=%s=URL.",
								 plan->members[j].name, plan->members[i].name);
		}
	}
	for (int i = 0; i < plan->member_count; i++)
		json_decref(nodes[i]);
	return ok;
}

bool
restore_look(RestoreRun *run, RestoreSeen *seen, PgbrError *error)
{
	const RestorePlan *plan = &run->journal->document.plan;
	RestoreWait wait;

	memset(seen, 0, sizeof(*seen));
	restore_wait_begin(&wait, run, RESTORE_OUTAGE_S, "Patroni of any member to answer");
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
								restore_is_led(run, member) ? &seen->leader_running
															: &seen->replica_running,
								error))
			return false;
	}
	return true;
}
