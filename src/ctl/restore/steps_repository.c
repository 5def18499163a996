/*
 * steps_repository.c
 *		The steps of a restore that concern the repository: see once more that all is there, keep
 *		what undo needs, ask for a fresh backup. See steps.h.
 */
#include "ctl/restore/steps.h"

#include "common/vocabulary.h"
#include "ctl/facts/facts.h"
#include "ctl/plan/way_back.h"
#include "ctl/restore/jobs.h"
#include "ctl/restore/wait.h"
#include "program/clock.h"
#include "program/json.h"
#include "program/retention.h"

#include <stdio.h>
#include <string.h>

#define LEADING_LIMIT_S 300

/* For how long pgbackrest info may run, and how long a sidecar holds its answer back meanwhile: the
 * lease is renewed in between. */
#define INFO_LIMIT_S 120
#define INFO_HOLD_S	 3

#define DAY_MS INT64_C(86400000)

/* pgbackrest's information as of now, not the sidecar's copy. */
static bool
ask_info(RestoreRun *run, json_t **info, PgbrError *error)
{
	char path[64];
	RestoreWait wait;

	snprintf(path, sizeof(path), PGBR_PATH_INFO "?refresh=true&wait=%d", INFO_HOLD_S);
	restore_wait_begin(&wait, run, INFO_LIMIT_S, "pgbackrest to tell what is in the repository");
	for (;;)
	{
		const json_t *problem;
		const char *code;

		if (!restore_call(run, run->journal->document.plan.leader, path, NULL, NULL, INFO_HOLD_S,
						  info, error))
			return false;
		problem = json_object_get(*info, "error");
		code = json_text(problem, "code");
		if (code == NULL)
			return true;
		pgbr_error_set(&wait.reason, PGBR_ERROR_UNAVAILABLE, "%s", json_text(problem, "message"));
		json_decref(*info);
		*info = NULL;
		if (!restore_wait_more(&wait, error))
			return false;
	}
}

/* Where the undo point is; 0 when there is none on the timeline that the plan returns to. */
static uint64_t
undo_point(const JournalDocument *document)
{
	const char *text = json_text(document->mark, "lsn");
	uint64_t lsn;

	return text && json_number(document->mark, "timeline", 0) == document->plan.old_timeline &&
				   recovery_lsn_parse(text, &lsn)
			   ? lsn
			   : 0;
}

/* Somebody may have expired a backup while the plan was looked at or while a job was waited for,
 * and archiving may have dropped WAL. */
bool
restore_do_look_again(RestoreRun *run, PgbrError *error)
{
	JournalDocument *document = &run->journal->document;
	RestorePlan *plan = &document->plan;
	json_t *info = NULL;
	json_t *archive = NULL;
	RestoreFacts facts;
	bool ok;

	restore_facts_init(&facts);
	facts.archive.segment_size = (uint64_t) plan->wal_segment_size;
	ok = ask_info(run, &info, error) &&
		 restore_facts_read_info(&facts, info, plan->stanza, error) &&
		 restore_ask(run, plan->leader, PGBR_PATH_ARCHIVE, &archive, error) &&
		 restore_facts_read_archive(&facts, archive, error) &&
		 way_back_find_late(plan, &facts, undo_point(document), error) &&
		 restore_plan_still_holds(plan, &facts, undo_point(document), error);
	/* the same command would go on with the same plan */
	if (!ok && error->code == PGBR_ERROR_CONFLICT && !restore_journal_harmless(run->journal))
		pgbr_error_hint(error, "This plan can't be carried out any more.");
	if (!ok && facts.repo_errors[0])
		pgbr_error_set(error, PGBR_ERROR_UNAVAILABLE,
					   "could not see whether the repository still has what is needed: %s",
					   facts.repo_errors);
	restore_facts_done(&facts);
	json_decref(info);
	json_decref(archive);
	return ok;
}

/* The member that Patroni has chosen since the leader of the plan was gone; NULL on failure. */
static const char *
await_leading(RestoreRun *run, PgbrError *error)
{
	const ClusterMember *leading = NULL;
	RestoreWait wait;

	restore_wait_begin(&wait, run, LEADING_LIMIT_S, "a member to become leader");
	while (!cluster_refresh(run->cluster, &wait.reason) ||
		   (leading = cluster_find_leading(run->cluster)) == NULL)
	{
		if (!restore_wait_more(&wait, error))
			return NULL;
	}
	return leading->name;
}

/* The member whose sidecar does what is left to do; NULL on failure, or with run->skipped set. */
static const char *
find_leading(RestoreRun *run, PgbrError *error)
{
	const RestorePlan *plan = &run->journal->document.plan;
	const char *leader = plan->leader;

	if (!restore_request_is_without(&plan->request, plan->leader))
		return leader;
	leader = await_leading(run, error);
	/* it has come back, and is locked by a restore of which it has not heard the end */
	if (leader && restore_request_is_without(&plan->request, leader))
	{
		snprintf(run->skipped, sizeof(run->skipped),
				 "member %s leads, but takes no part in this restore", leader);
		return NULL;
	}
	return leader;
}

/* Name the set, and until when it is kept, in the result: as the job that was made for it says. */
static void
note_kept(RestoreRun *run, const json_t *job)
{
	json_t *result = json_object();
	const char *value = json_text(json_object_get(job, "annotations"), RETENTION_WAY_BACK);
	const char *until = value ? strrchr(value, ' ') : NULL;

	json_put_text(result, "set", run->journal->document.plan.way_back.set);
	json_put_text(result, "until", until ? until + 1 : NULL);
	restore_journal_put_result(run->journal, RESTORE_KEEP_WAY_BACK, result);
}

/* The expire that follows the fresh backup must not remove what undo needs: see retention.h. */
bool
restore_do_keep_way_back(RestoreRun *run, PgbrError *error)
{
	const RestorePlan *plan = &run->journal->document.plan;
	const WayBack *way = &plan->way_back;
	const char *leader;
	json_t *job = NULL;
	char until[CLOCK_TEXT_SIZE];
	char value[RESTORE_ID_SIZE + CLOCK_TEXT_SIZE + 8];
	bool ok;

	if (way->set[0] == '\0' || way->days == 0)
	{
		strcpy(run->skipped, way->set[0] ? "no way back is wanted" : "there is no way back");
		return true;
	}
	leader = find_leading(run, error);
	if (leader == NULL)
		return run->skipped[0] != '\0';
	clock_format(clock_now_ms() + way->days * DAY_MS, until);
	snprintf(value, sizeof(value), "%s until %s", plan->id, until);
	ok = restore_job_start(run, RESTORE_KEEP_WAY_BACK, leader, "annotate",
						   json_pack("{ss si s{ss} ss}", "set", way->set, "repo", way->repo,
									 "annotations", RETENTION_WAY_BACK, value, "reason",
									 "undo starts from it"),
						   &job, error) &&
		 restore_job_wait(run, RESTORE_KEEP_WAY_BACK, leader, &job, false, error);
	if (ok)
		note_kept(run, job);
	json_decref(job);
	return ok;
}

bool
restore_do_backup(RestoreRun *run, PgbrError *error)
{
	const char *leader = find_leading(run, error);
	json_t *job = NULL;
	json_t *result;
	bool ok;

	if (leader == NULL)
		return run->skipped[0] != '\0';
	result = json_object();
	ok = restore_job_start(run, RESTORE_BACKUP, leader, "backup",
						   json_pack("{ss ss}", "type", pgbr_backup_type_name(PGBR_BACKUP_INCR),
									 "reason", "the first backup after a restore"),
						   &job, error);

	if (ok)
		json_put_text(result, "id", json_text(job, "id"));
	restore_journal_put_result(run->journal, RESTORE_BACKUP, result);
	json_decref(job);
	return ok;
}
