/*
 * way_back.c
 *		See way_back.h.
 *
 * An undo is a restore to the end of the timeline that the leader is on. So the way back is proven
 * by the same rules as a target: the latest usable backup on the path of that timeline, and all WAL
 * from there on. Of several backups the latest is enough: what it lacks, an older one lacks, too.
 */
#include "ctl/plan/way_back.h"

#include "common/wal.h"
#include "ctl/plan/backup_set.h"
#include "ctl/plan/target.h"
#include "ctl/plan/wal_proof.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The last segment of the way back is missing: an undo would end too early. */
static bool
lacks_end(const RestoreWork *work, uint64_t to_lsn, char *segment)
{
	const WalArchive *archive = &work->facts->archive;
	uint64_t missing;

	if (to_lsn == 0 || work->on_current ||
		!timeline_path_missing(&work->path, archive, (to_lsn - 1) / archive->segment_size,
							   (to_lsn - 1) / archive->segment_size, to_lsn, &missing))
		return false;
	wal_segment_name(segment,
					 timeline_path_reads(&work->path, archive->segment_size, missing, to_lsn),
					 missing, archive->segment_size);
	return true;
}

/* A sentence's part, from a refusal: its first sentence and the detail. */
static void
take_reason(const PgbrError *error, WayBack *way)
{
	char text[RESTORE_NOTE_SIZE * 2];
	size_t length;

	snprintf(text, sizeof(text), "%.380s%s%.380s", error->message, error->detail[0] ? ". " : "",
			 error->detail);
	/* the sentence that shows it has its own full stop */
	length = strlen(text);
	if (length > 0 && text[length - 1] == '.')
		text[length - 1] = '\0';
	pgbr_copy_text(way->reason, sizeof(way->reason), text);
}

/* The leader runs on a timeline that the archiver has yet to make known. */
static bool
awaits_history(const RestoreWork *work)
{
	uint32_t timeline = work->plan->target_timeline;

	return work->on_current && work->leader->running && !work->plan->broken_leader &&
		   timeline > 1 && wal_archive_history(&work->facts->archive, timeline) == NULL;
}

static void
find(RestoreWork *work, uint64_t to_lsn, WayBack *way)
{
	char segment[WAL_NAME_SIZE];

	memset(way, 0, sizeof(*way));
	if (!restore_choose_timeline(work))
	{
		take_reason(&work->refusal->error, way);
		way->awaited = awaits_history(work);
	}
	else if (!restore_choose_set(work) || !restore_prove_wal(work))
		take_reason(&work->refusal->error, way);
	else if (lacks_end(work, to_lsn, segment))
		snprintf(way->reason, sizeof(way->reason), "WAL segment %s is not in the repository",
				 segment);
	else
	{
		strcpy(way->set, work->set->label);
		way->repo = work->set->repo;
		strcpy(way->first_segment, work->plan->first_segment);
	}
	timeline_path_done(&work->path);
}

static void
find_for(const RestoreFacts *facts, const FactMember *leader, uint32_t timeline, uint64_t to_lsn,
		 bool broken_leader, WayBack *way)
{
	RestoreRequest request = {.target = {.type = RECOVERY_DEFAULT, .timeline = timeline},
							  .undo = true};
	RestorePlan *plan = calloc(1, sizeof(*plan));
	RestoreRefusal *refusal = calloc(1, sizeof(*refusal));
	RestoreWork work = {
		.request = &request, .facts = facts, .plan = plan, .refusal = refusal, .leader = leader};

	if (plan && refusal)
	{
		plan->broken_leader = broken_leader;
		find(&work, to_lsn, way);
	}
	else
	{
		memset(way, 0, sizeof(*way));
		strcpy(way->reason, "out of memory");
	}
	free(plan);
	free(refusal);
}

void
way_back_find(const RestoreFacts *facts, uint32_t timeline, uint64_t to_lsn, WayBack *way)
{
	const FactMember *leader = restore_facts_member(facts, facts->leader);

	if (leader && leader->timeline > 0 && facts->archive.segment_size > 0)
		find_for(facts, leader, timeline, to_lsn, false, way);
	else
	{
		memset(way, 0, sizeof(*way));
		strcpy(way->reason, "the timeline of the leader is not known");
	}
}

void
restore_prove_way_back(RestoreWork *work)
{
	if (work->request->replicas_only)
		return;
	find_for(work->facts, work->leader, work->leader->timeline, 0, work->plan->broken_leader,
			 &work->plan->way_back);
	work->plan->way_back.days = work->request->way_back_days;
	if (work->plan->way_back.set[0])
		return;
	if (work->plan->broken_leader)
		restore_unproven(work,
						 "That undo will be possible: %s. The leader is down, so the restore goes "
						 "on all the same.",
						 work->plan->way_back.reason);
	else if (work->plan->way_back.awaited)
		restore_unproven(work,
						 "That undo will be possible: %s. The restore looks again once its undo "
						 "point is archived, before it stops anything.",
						 work->plan->way_back.reason);
}

bool
restore_check_undo_point(RestoreWork *work)
{
	char segment[WAL_NAME_SIZE];
	char lsn[RECOVERY_TEXT_SIZE];

	if (!work->request->undo || !lacks_end(work, work->facts->undo_lsn, segment))
		return true;
	restore_refuse(work, "WAL segment %s is not in the repository", segment);
	recovery_lsn_format(work->facts->undo_lsn, lsn);
	return pgbr_error_detail(
		&work->refusal->error,
		"It holds the point to which this undo returns, %s on timeline %" PRIu32
		"; recovery would end before it.",
		lsn, work->plan->target_timeline);
}

bool
way_back_refuse(const RestorePlan *plan, RestoreRefusal *refusal)
{
	memset(refusal, 0, sizeof(*refusal));
	pgbr_error_set(&refusal->error, PGBR_ERROR_CONFLICT,
				   "there would be no way back: undo could not return to the end of timeline "
				   "%" PRIu32,
				   plan->old_timeline);
	pgbr_error_detail(&refusal->error, "The reason: %s.", plan->way_back.reason);
	return pgbr_error_hint(
		&refusal->error,
		"A full backup now makes a way back. Or give --no-way-back: what was committed after the "
		"target is lost then for good.");
}

/* The backup, and those that it is based on, are there. */
static bool
has_chain(const RestoreFacts *facts, int repo, const char *label, PgbrError *error)
{
	const char *wanted = label;

	/* at most one step per backup, so a cycle ends, too */
	for (size_t steps = 0; wanted[0] && steps <= facts->backup_count; steps++)
	{
		const FactBackup *found = NULL;

		for (size_t i = 0; i < facts->backup_count; i++)
		{
			if (facts->backups[i].repo == repo && strcmp(facts->backups[i].label, wanted) == 0)
				found = &facts->backups[i];
		}
		if (found == NULL)
		{
			pgbr_error_set(error, PGBR_ERROR_CONFLICT, "backup %s is no longer in repository %d",
						   wanted, repo);
			return pgbr_error_detail(error, "It was there when the plan was made, for backup %s.",
									 label);
		}
		wanted = found->prior;
	}
	return true;
}

/* All WAL from one segment to another is there, on the way to a timeline. */
static bool
has_wal(const RestoreFacts *facts, uint32_t timeline, const char *first, uint64_t last,
		uint64_t bound, PgbrError *error)
{
	const WalArchive *archive = &facts->archive;
	TimelinePath path;
	uint32_t ignored;
	uint64_t begin;
	uint64_t missing;
	char name[WAL_NAME_SIZE];
	bool ok = false;

	if (!timeline_path_init(&path, archive, timeline))
		pgbr_error_set(error, PGBR_ERROR_CONFLICT,
					   "the history of timeline %" PRIu32 " is no longer in the repository",
					   timeline);
	else if (wal_segment_parse(first, archive->segment_size, &ignored, &begin) &&
			 timeline_path_missing(&path, archive, begin, last, bound, &missing))
	{
		wal_segment_name(name, timeline_path_reads(&path, archive->segment_size, missing, bound),
						 missing, archive->segment_size);
		pgbr_error_set(error, PGBR_ERROR_CONFLICT, "WAL segment %s is not in the repository", name);
	}
	else
		ok = true;
	timeline_path_done(&path);
	return ok;
}

bool
way_back_find_late(RestorePlan *plan, RestoreFacts *facts, uint64_t to_lsn, PgbrError *error)
{
	WayBack *known = &plan->way_back;
	const FactDatabase *newest = NULL;
	RestoreRefusal refusal;
	FactMember *leader;
	WayBack way;

	if (known->set[0] || known->days == 0 || plan->request.replicas_only || plan->broken_leader)
		return true;
	leader = restore_facts_add_member(facts, plan->leader);
	if (leader == NULL)
		return true;
	strcpy(facts->leader, plan->leader);
	leader->timeline = plan->old_timeline;
	leader->lsn = to_lsn;
	leader->unarchived = 0;
	/* the preflight has seen that the newest one is this cluster */
	for (size_t i = 0; i < facts->database_count; i++)
	{
		if (newest == NULL || facts->databases[i].id > newest->id)
			newest = &facts->databases[i];
	}
	if (newest)
		strcpy(facts->system_identifier, newest->system_identifier);
	way_back_find(facts, plan->old_timeline, to_lsn, &way);
	way.days = known->days;
	*known = way;
	if (!restore_plan_lacks_way_back(plan))
		return true;
	way_back_refuse(plan, &refusal);
	*error = refusal.error;
	return false;
}

static bool
target_holds(const RestorePlan *plan, const RestoreFacts *facts, PgbrError *error)
{
	uint64_t size = facts->archive.segment_size;
	uint32_t ignored;
	uint64_t last;

	if (plan->request.replicas_only || plan->last_segment[0] == '\0' ||
		!wal_segment_parse(plan->last_segment, size, &ignored, &last))
		return true;
	/* the last ones may still wait, for a leader that is down: they are saved from its disk */
	if (plan->broken_leader)
		return true;
	return has_wal(facts, plan->target_timeline, plan->first_segment, last,
				   plan->wal_bound ? plan->wal_bound : (last + 1) * size, error);
}

static bool
way_back_holds(const RestorePlan *plan, const RestoreFacts *facts, uint64_t to_lsn,
			   PgbrError *error)
{
	const WayBack *way = &plan->way_back;

	/* a leader that is down is not kept down for the sake of the way back */
	if (way->set[0] == '\0' || plan->broken_leader ||
		(has_chain(facts, way->repo, way->set, error) &&
		 (to_lsn == 0 || has_wal(facts, plan->old_timeline, way->first_segment,
								 (to_lsn - 1) / facts->archive.segment_size, to_lsn, error))))
		return true;
	return pgbr_error_detail(error, "The way back needs it: undo would not be possible.");
}

bool
restore_plan_still_holds(const RestorePlan *plan, const RestoreFacts *facts, uint64_t to_lsn,
						 PgbrError *error)
{
	if (has_chain(facts, plan->repo, plan->set, error) && target_holds(plan, facts, error) &&
		way_back_holds(plan, facts, to_lsn, error))
		return true;
	return pgbr_error_hint(error, "Nothing was stopped. Run the same command again: it makes a new "
								  "plan of what is there.");
}
