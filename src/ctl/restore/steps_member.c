/*
 * steps_member.c
 *		The steps of a restore that the members' sidecars do: ask for the jobs, wait for them, keep
 *		their results. See steps.h.
 */
#include "ctl/restore/steps.h"

#include "common/vocabulary.h"
#include "common/wal.h"
#include "ctl/client/job_view.h"
#include "ctl/facts/archive_view.h"
#include "ctl/plan/verify.h"
#include "ctl/restore/jobs.h"
#include "ctl/restore/leader.h"
#include "ctl/restore/members.h"
#include "ctl/restore/patroni.h"
#include "ctl/restore/wait.h"
#include "program/clock.h"
#include "program/json.h"

#include <stdio.h>
#include <string.h>

/* A backup may take long; a user who can't wait cancels it. */
#define JOBS_LIMIT_S 86400

#define HISTORY_LIMIT_S 300

/* How often to check meanwhile that the leader is still up. */
#define LOOK_MS 1000

/* How often to re-create `.ready` files that Patroni may have removed. */
#define MARK_MS 10000

#define STOP_TIMEOUT_S 60
#define MARK_TIMEOUT_S 60

/* The first job that runs on a member and is not of this restore; NULL when there is none. */
static json_t *
find_running(RestoreRun *run, const char *member, PgbrError *error, bool *ok)
{
	json_t *answer = NULL;
	json_t *found = NULL;
	size_t index;
	json_t *job;

	*ok = restore_ask(run, member, PGBR_PATH_JOBS "?state=running", &answer, error);
	json_array_foreach(json_object_get(answer, "jobs"), index, job)
	{
		const char *restore = json_text(job, "restore");

		if (restore == NULL || strcmp(restore, run->journal->document.plan.id) != 0)
			found = found ? found : json_incref(job);
	}
	json_decref(answer);
	return found;
}

static bool
wait_jobs_of(RestoreRun *run, const char *member, PgbrError *error)
{
	bool told = false;
	bool ok;
	RestoreWait wait;
	json_t *job;

	restore_wait_begin(&wait, run, JOBS_LIMIT_S, "the running jobs of member \"%s\" to end",
					   member);
	while ((job = find_running(run, member, error, &ok)) != NULL)
	{
		char path[128];
		json_t *next = NULL;
		JobView view;

		if (!job_view_read(job, &view, error))
		{
			json_decref(job);
			return false;
		}
		if (!told)
			restore_events_note(run->events, "member %s: %s %s is running; waiting for it to end",
								member, view.kind, view.id);
		told = true;
		restore_events_job(run->events, RESTORE_WAIT_JOBS, member, &view);
		snprintf(path, sizeof(path), PGBR_PATH_JOBS "/%s?wait=1", view.id);
		ok = restore_ask(run, member, path, &next, error) && restore_wait_check(&wait, error);
		json_decref(next);
		json_decref(job);
		if (!ok)
			return false;
	}
	if (ok && told)
		restore_wait_end(&wait);
	return ok;
}

bool
restore_do_wait_jobs(RestoreRun *run, PgbrError *error)
{
	const RestorePlan *plan = &run->journal->document.plan;

	for (int i = 0; i < plan->member_count; i++)
	{
		if (!plan->members[i].left_out && !wait_jobs_of(run, plan->members[i].name, error))
			return false;
	}
	return true;
}

/*
 * The restore that this one replaces has written to the data directories: there is no state to
 * come back to.
 */
static bool
nothing_to_save(RestoreRun *run)
{
	if (!run->journal->document.touched_before || run->journal->document.handed_over_before)
		return false;
	strcpy(run->skipped,
		   "the data directory is incomplete; the earlier restore has saved the state before it");
	return true;
}

bool
restore_do_undo_point(RestoreRun *run, PgbrError *error)
{
	const json_t *mark;
	json_t *arguments;
	char name[64];

	if (nothing_to_save(run))
		return true;
	if (run->journal->document.plan.broken_leader)
	{
		strcpy(run->skipped, "PostgreSQL on the leader is down; its WAL is archived instead");
		return true;
	}
	snprintf(name, sizeof(name), "pgbr_undo_%s", run->journal->document.plan.id);
	arguments = json_pack("{ss si}", "name", name, "archive_timeout", MARK_TIMEOUT_S);
	if (!restore_run_on_leader(run, RESTORE_UNDO_POINT, "node-mark", arguments, error))
	{
		if (!run->lost && error->code != PGBR_ERROR_ABORTED)
			restore_explain_moved(run, error);
		return false;
	}
	mark = restore_journal_result(run->journal, RESTORE_UNDO_POINT);
	if (mark)
		journal_document_put(&run->journal->document.mark, json_incref((json_t *) mark));
	return true;
}

/* In the pause Patroni may start a member because of what it remembers; the fence prevents that. */
static json_t *
stop_arguments(const RestoreMember *member, const RestorePlan *plan)
{
	json_t *arguments = json_pack("{si sb}", "timeout", STOP_TIMEOUT_S, "fence", true);

	(void) plan;
	/* sidecars of earlier versions do not know it */
	if (member->kept)
		json_object_set_new(arguments, "keep", json_true());
	return arguments;
}

static bool
stop_members(RestoreRun *run, RestoreStep step, RestoreIsOf *is_of, PgbrError *error)
{
	json_t *results = json_object();
	bool ok = restore_run_on(run, step, "node-stop", is_of, stop_arguments, true, results, error);

	restore_journal_put_result(run->journal, step, results);
	return ok;
}

bool
restore_do_stop_leader(RestoreRun *run, PgbrError *error)
{
	return stop_members(run, RESTORE_STOP_LEADER, restore_is_led, error) &&
		   restore_check_stopped(run, restore_is_led, error);
}

bool
restore_do_stop_replicas(RestoreRun *run, PgbrError *error)
{
	return stop_members(run, RESTORE_STOP_REPLICAS, restore_is_other, error) &&
		   restore_check_stopped(run, restore_is_other, error) &&
		   restore_await_stops_seen(run, error);
}

/* After a clean shutdown PostgreSQL itself hands over all segments with commits for archiving. */
bool
restore_do_archive(RestoreRun *run, PgbrError *error)
{
	bool clean = journal_document_stopped_clean(&run->journal->document);

	if (nothing_to_save(run))
		return true;
	return restore_run_on_leader(run, RESTORE_ARCHIVE, "node-archive",
								 json_pack("{sb}", "partial", !clean), error);
}

bool
restore_do_keep_old(RestoreRun *run, PgbrError *error)
{
	if (nothing_to_save(run))
		return true;
	return restore_run_on_leader(run, RESTORE_KEEP_OLD, "node-keep", json_object(), error);
}

static json_t *
restore_arguments(const RestorePlan *plan, const char *type, const char *target, bool exclusive,
				  uint32_t timeline)
{
	json_t *arguments = json_object();

	json_put_text(arguments, "set", plan->set);
	json_object_set_new(arguments, "repo", plan->repo > 0 ? json_integer(plan->repo) : json_null());
	json_put_text(arguments, "target_type", type);
	json_put_text(arguments, "target", target);
	json_object_set_new(arguments, "exclusive", json_boolean(exclusive));
	json_object_set_new(arguments, "fence", json_true());
	json_object_set_new(arguments, "target_timeline",
						timeline > 0 ? json_integer(timeline) : json_null());
	return arguments;
}

static json_t *
leader_arguments(const RestorePlan *plan)
{
	const RecoveryTarget *target = &plan->request.target;

	return restore_arguments(plan, recovery_type_name(target->type),
							 target->text[0] ? target->text : NULL, target->exclusive,
							 plan->target_timeline);
}

static json_t *
replica_arguments(const RestoreMember *member, const RestorePlan *plan)
{
	(void) member;
	return restore_arguments(plan, recovery_type_name(RECOVERY_STANDBY), NULL, false, 0);
}

/*
 * Wait until the files of a member are restored, or until that has begun: by the job that was
 * asked for before, or by a new one.
 */
static bool
restore_files(RestoreRun *run, RestoreStep step, const RestoreMember *member, bool until_begun,
			  json_t **job, PgbrError *error)
{
	const RestorePlan *plan = &run->journal->document.plan;

	return (*job || restore_job_start(run, step, member->name, "node-restore",
									  member->leader ? leader_arguments(plan)
													 : replica_arguments(member, plan),
									  job, error)) &&
		   restore_job_wait(run, step, member->name, job, until_begun, error);
}

/* The replicas' files are touched only after pgbackrest has accepted the target for the leader. */
bool
restore_do_start_restore(RestoreRun *run, PgbrError *error)
{
	json_t *job = NULL;
	bool ok = restore_files(run, RESTORE_START_RESTORE,
							restore_leader_of(&run->journal->document.plan), true, &job, error);

	json_decref(job);
	return ok;
}

bool
restore_do_start_replicas(RestoreRun *run, PgbrError *error)
{
	return restore_run_on(run, RESTORE_START_REPLICAS, "node-restore", restore_is_replica,
						  replica_arguments, false, NULL, error);
}

/* Jobs of an earlier step are found by their names, or are asked for again if they have failed. */
bool
restore_do_restore_leader(RestoreRun *run, PgbrError *error)
{
	const RestoreMember *leader = restore_leader_of(&run->journal->document.plan);
	json_t *job = NULL;
	bool ok = restore_job_find(run, RESTORE_START_RESTORE, leader->name, &job, error) &&
			  restore_files(run, RESTORE_START_RESTORE, leader, false, &job, error);

	if (ok)
		restore_journal_put_result(run->journal, RESTORE_RESTORE_LEADER,
								   json_deep_copy(json_object_get(job, "result")));
	json_decref(job);
	return ok;
}

bool
restore_do_restore_replicas(RestoreRun *run, PgbrError *error)
{
	const RestorePlan *plan = &run->journal->document.plan;
	/* they have not been started before the leader took writes */
	bool ok = !restore_plan_from_kept(plan) || restore_do_start_replicas(run, error);

	for (int i = 0; ok && i < plan->member_count; i++)
	{
		const RestoreMember *member = &plan->members[i];
		json_t *job = NULL;

		if (!restore_is_replica(run, member))
			continue;
		ok = restore_job_find(run, RESTORE_START_REPLICAS, member->name, &job, error) &&
			 restore_files(run, RESTORE_START_REPLICAS, member, false, &job, error);
		json_decref(job);
	}
	return ok;
}

bool
restore_do_unfence(RestoreRun *run, PgbrError *error)
{
	const RestorePlan *plan = &run->journal->document.plan;

	return restore_unfence(
		run, restore_is_replica,
		plan->request.replicas_only ? plan->old_timeline : restore_new_timeline(run), error);
}

static bool
recover_leader(RestoreRun *run, PgbrError *error)
{
	const RestorePlan *plan = &run->journal->document.plan;
	json_t *arguments = json_object();

	json_object_set_new(arguments, "target_timeline", json_integer(plan->target_timeline));
	json_object_set_new(arguments, "fence", json_true());
	/* a kept member has replayed nearly all of it */
	if (restore_plan_from_kept(plan))
		json_object_set_new(arguments, "keep", json_true());
	else if (plan->wal_segments > 0)
		json_object_set_new(arguments, "replay_bytes",
							json_integer(plan->wal_segments * plan->wal_segment_size));
	return restore_run_on_leader(run, RESTORE_RECOVER, "node-recover", arguments, error);
}

/*
 * The job that restored the leader must not be found again: both steps begin anew, also in the
 * journal.
 */
static bool
restore_leader_again(RestoreRun *run, PgbrError *error)
{
	RestoreJournal *journal = run->journal;

	restore_journal_set(journal, RESTORE_START_RESTORE, RESTORE_STEP_STARTED, NULL);
	restore_journal_set(journal, RESTORE_RESTORE_LEADER, RESTORE_STEP_STARTED, NULL);
	if (!restore_write(run, error) || !restore_do_start_restore(run, error) ||
		!restore_do_restore_leader(run, error))
		return false;
	restore_journal_set(journal, RESTORE_START_RESTORE, RESTORE_STEP_DONE, NULL);
	restore_journal_set(journal, RESTORE_RESTORE_LEADER, RESTORE_STEP_DONE, NULL);
	return true;
}

/* A sidecar that has lost its state folder does not know the target: restore the files again. */
bool
restore_do_recover(RestoreRun *run, PgbrError *error)
{
	const RestorePlan *plan = &run->journal->document.plan;

	if (recover_leader(run, error))
		return true;
	if (error->code != PGBR_ERROR_NOT_FOUND || restore_plan_from_kept(plan))
		return false;
	restore_events_note(run->events, "member %s: %s; restoring it again", plan->leader,
						error->message);
	return restore_leader_again(run, error) && recover_leader(run, error);
}

/* What Patroni would start the leader with; a failure leaves that unknown. */
static bool
verify_prepared(RestoreRun *run, const json_t *recovered, PgbrError *error)
{
	const ClusterMember *leader = restore_planned_leader(run);
	json_t *config = NULL;
	PgbrError ignored;
	bool ok;

	if (leader && json_number(recovered, "prepared", 0) > 0)
		(void) patroni_get_config(&run->cluster->patroni, leader->api_url, &config, &ignored);
	ok = restore_verify_prepared(recovered, config, error);
	json_decref(config);
	return ok;
}

bool
restore_do_verify(RestoreRun *run, PgbrError *error)
{
	const json_t *recovered = restore_journal_result(run->journal, RESTORE_RECOVER);
	const JournalDocument *document = &run->journal->document;
	const char *note;

	if (!restore_verify(&document->plan, recovered,
						document->target_mark ? document->target_mark : document->mark, error) ||
		!restore_verify_databases(&document->plan, recovered, run->journal->accept_invalid, &note,
								  error))
		return false;
	if (note)
		restore_events_note(run->events, "%s", note);
	return verify_prepared(run, recovered, error);
}

static bool
begins_on(const RestorePlan *plan, uint32_t timeline)
{
	uint32_t first;
	uint64_t segment;

	return wal_segment_parse(plan->first_segment, (uint64_t) plan->wal_segment_size, &first,
							 &segment) &&
		   first == timeline;
}

/*
 * Without the history no replica finds the new timeline, and the next restore would take the same
 * number. Without the first segment a replica takes that of the parent timeline instead. It has
 * what was written there after the timelines parted: PostgreSQL replays past the switch, and old
 * rows are back.
 */
bool
restore_do_history_archived(RestoreRun *run, PgbrError *error)
{
	const RestorePlan *plan = &run->journal->document.plan;
	uint32_t timeline =
		plan->request.replicas_only ? plan->old_timeline : restore_new_timeline(run);
	int64_t looked = clock_monotonic_ms();
	int64_t marked = looked;
	RestoreWait wait;

	/*
	 * without a switch on the way there is no parent's WAL, and the first segment may have expired
	 */
	if (plan->request.replicas_only && begins_on(plan, timeline))
		return true;
	restore_wait_begin(&wait, run, HISTORY_LIMIT_S,
					   "the history of timeline %u and its first WAL segment to be archived",
					   timeline);
	for (;;)
	{
		json_t *archive = NULL;
		bool found;

		if (!restore_ask(run, plan->leader, PGBR_PATH_ARCHIVE, &archive, error))
			return false;
		found = archive_has_timeline(archive, timeline, plan->wal_segment_size);
		json_decref(archive);
		if (!found && clock_monotonic_ms() - looked >= LOOK_MS)
		{
			if (!restore_keep_leading(run, error))
				return false;
			looked = clock_monotonic_ms();
		}
		/* Patroni may have removed the `.ready` files */
		if (!found && !plan->request.replicas_only && clock_monotonic_ms() - marked >= MARK_MS)
		{
			if (!restore_unfence_leader(run, true, error))
				return false;
			marked = clock_monotonic_ms();
		}
		if (found)
			break;
		if (!restore_wait_more(&wait, error))
			return false;
	}
	restore_wait_end(&wait);
	return true;
}
