/*
 * decide.c
 *		See decide.h.
 */
#include "ctl/restore/decide.h"

#include "common/vocabulary.h"
#include "ctl/client/job_request.h"
#include "ctl/client/job_view.h"
#include "ctl/client/job_watch.h"
#include "ctl/facts/gather.h"
#include "ctl/plan/planner.h"
#include "ctl/print/units.h"
#include "ctl/restore/journal_facts.h"
#include "program/clock.h"
#include "program/json.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A repository up to this size is read in seconds. */
#define SMALL_BYTES (INT64_C(256) << 20)

static long long
repository_bytes(const RestoreFacts *facts, int repo)
{
	long long bytes = 0;

	for (size_t i = 0; i < facts->backup_count; i++)
	{
		if (facts->backups[i].repo == repo)
			bytes += facts->backups[i].repo_bytes;
	}
	return bytes;
}

/*
 * Follow a verify job to its end; *job is replaced by each newer answer. Nobody waits for a plan
 * because of a sidecar that is away: its verification counts as not done.
 */
static bool
wait_for_job(const SidecarClient *client, json_t **job, PgbrError *error)
{
	JobWatchEnd end = job_watch(client, job, 0, 0, NULL, error);

	if (end == JOB_WATCH_INTERRUPTED)
		return pgbr_error_set(error, PGBR_ERROR_ABORTED, "interrupted");
	return end == JOB_WATCH_FINISHED;
}

/* Take what a job that is over says about the files: mark the damaged backups. */
static bool
use_outcome(RestoreFacts *facts, const SidecarClient *client, const json_t *job, int repo,
			PgbrError *error)
{
	const char *finished_at = json_text(job, "finished_at");
	char *log = NULL;
	int64_t ms = 0;
	bool found = false;
	JobView view;

	if (!job_view_read(job, &view, error))
		return false;
	if (finished_at && clock_parse(finished_at, &ms))
		facts->verified_at = ms / 1000;
	if (view.state == PGBR_STATE_SUCCEEDED)
	{
		facts->verified = true;
		return true;
	}
	if (view.error && strcmp(view.error, "verify") == 0)
	{
		if (!job_request_get_log(client, view.id, &log, error))
			return false;
		if (!restore_facts_read_verify(facts, repo, log, &found, error))
		{
			free(log);
			return false;
		}
		free(log);
	}
	facts->verified = found;
	if (!found)
		pgbr_copy_text(facts->verify_error, sizeof(facts->verify_error),
					   view.message ? view.message : "the verify job did not succeed");
	return true;
}

/* A verification that fails is reported as a fact; it refuses nothing. */
static bool
verify_now(RestoreFacts *facts, const SidecarClient *client, int repo, PgbrError *error)
{
	json_t *request = json_pack("{s:s, s:i, s:s}", "kind", pgbr_job_kind_name(PGBR_JOB_VERIFY),
								"repo", repo, "reason", "plan of a restore");
	json_t *job = NULL;
	PgbrError reason = PGBR_ERROR_INIT;
	bool ok;

	if (request == NULL)
		return pgbr_error_set(error, PGBR_ERROR_INTERNAL, "out of memory");
	ok = sidecar_client_call(client, "POST", PGBR_PATH_JOBS, request, 0, &job, &reason) &&
		 wait_for_job(client, &job, &reason) && use_outcome(facts, client, job, repo, &reason);
	json_decref(request);
	json_decref(job);
	if (!ok && reason.code == PGBR_ERROR_ABORTED)
	{
		*error = reason;
		return false;
	}
	if (!ok)
		pgbr_copy_text(facts->verify_error, sizeof(facts->verify_error), reason.message);
	return true;
}

/* Use the last verification of this repository, even if somebody else asked for it. */
static bool
use_last(RestoreFacts *facts, const SidecarClient *client, int repo, PgbrError *error)
{
	json_t *answer = NULL;
	json_t *job;
	size_t i;
	bool ok = true;

	if (!sidecar_client_call(client, "GET", PGBR_PATH_JOBS "?kind=verify&limit=20", NULL, 0,
							 &answer, error))
		return error->code != PGBR_ERROR_ABORTED;
	json_array_foreach(json_object_get(answer, "jobs"), i, job)
	{
		const char *state = json_text(job, "state");
		const char *problem = json_text(job, "error");
		long long of = json_number(job, "repo", repo);

		if (of == repo && state &&
			(strcmp(state, "succeeded") == 0 || (problem && strcmp(problem, "verify") == 0)))
		{
			ok = use_outcome(facts, client, job, repo, error) || error->code != PGBR_ERROR_ABORTED;
			break;
		}
	}
	json_decref(answer);
	return ok;
}

/* Have pgbackrest verify the plan's repository, or use the last verification. */
static bool
decide_verify(Cluster *cluster, RestoreFacts *facts, const DecideOptions *how,
			  const RestorePlan *plan, PgbrError *error)
{
	const ClusterMember *leader = cluster_find(cluster, plan->leader);
	const SidecarClient *client = &leader->sidecar;
	long long bytes = repository_bytes(facts, plan->repo);
	char size[UNIT_TEXT];
	char text[160];

	/* a sidecar in an active restore runs no other jobs; nobody waits for a repository that the
	 * leader does not need */
	if (how->verifying == RESTORE_VERIFY_NO || how->retry || restore_plan_from_kept(plan) ||
		(how->verifying == RESTORE_VERIFY_SMALL && bytes > SMALL_BYTES))
		return use_last(facts, client, plan->repo, error);
	snprintf(text, sizeof(text), "verifying %s in repository %d",
			 unit_size(size, sizeof(size), bytes), plan->repo);
	if (how->tell)
		how->tell(text);
	return verify_now(facts, client, plan->repo, error);
}

/*
 * A replica whose leader is gone no longer receives WAL, and tells the timeline of its last
 * restartpoint. While no data was touched it is still on the one on which the leader was, if it has
 * replayed past its beginning. One that is kept has left the cluster before.
 */
static void
remember_followed(const RestoreFacts *facts, FactMember *member, uint32_t timeline)
{
	for (size_t i = 0; i < facts->archive.history_count; i++)
	{
		const TimelineHistory *history = &facts->archive.histories[i];

		if (member->running && member->kept_for[0] == '\0' && history->timeline == timeline &&
			history->count > 0 && member->timeline < timeline &&
			member->lsn > history->entries[history->count - 1].lsn)
			member->timeline = timeline;
	}
}

/*
 * During a restore the control data of a server that is down may be that of a backup, or of a
 * timeline that is not archived, or be missing. So what was true before the restore counts. When
 * that leader is gone, it counts for the member that takes its place.
 */
static void
remember_before(Cluster *cluster, RestoreFacts *facts, const DecideOptions *how,
				const RestoreRequest *request)
{
	const char *leader = how->led_before;
	bool without = restore_request_is_without(request, leader) && cluster_is_gone(cluster, leader);

	/* a leader that answers may run without the leader key */
	if (!without && restore_request_is_without(request, leader) && facts->leader[0] == '\0')
		strcpy(facts->leader, leader);
	for (int i = 0; i < facts->member_count; i++)
	{
		FactMember *member = &facts->members[i];

		if (without && how->timeline_before == 0)
			remember_followed(facts, member, how->before->old_timeline);
		if ((!without && strcmp(member->name, leader) != 0) || member->running)
			continue;
		if (!without)
			strcpy(facts->leader, leader);
		if (how->timeline_before == 0)
			continue;
		member->timeline = how->timeline_before;
		member->lsn = 0;
	}
}

/* Whether the planner has to know what earlier restores have left: see left_branch.h. */
static bool
needs_journals(const RecoveryTarget *target)
{
	return target->timeline == 0 && (target->type == RECOVERY_TIME || target->type == RECOVERY_XID);
}

bool
restore_decide(Cluster *cluster, const RestoreRequest *request, const DecideOptions *how,
			   RestorePlan *plan, RestoreRefusal *refusal, PgbrError *error)
{
	RestoreFacts facts;
	bool ok;

	memset(refusal, 0, sizeof(*refusal));
	restore_facts_init(&facts);
	facts.undo_retry = how->retry;
	facts.timeline_followed = how->timeline_followed;
	facts.replaces_full = how->before && !how->before->request.replicas_only;
	if (how->undone_keep)
		strcpy(facts.undone_keep, how->undone_keep);
	facts.undo_lsn = how->undo_lsn;
	if (how->newest)
		strcpy(facts.newest_restore, how->newest);
	if (how->before)
		facts.archive.segment_size = (uint64_t) how->before->wal_segment_size;
	ok = restore_facts_gather(cluster, &facts, error) &&
		 (!needs_journals(&request->target) || restore_facts_ask_journals(&facts, cluster, error));
	if (ok && how->before)
		remember_before(cluster, &facts, how, request);
	ok = ok && restore_plan_make(request, &facts, plan, refusal) &&
		 decide_verify(cluster, &facts, how, plan, error) &&
		 restore_plan_make(request, &facts, plan, refusal);
	restore_facts_done(&facts);
	return ok;
}
