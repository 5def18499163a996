/*
 * target.c
 *		Where the target of a restore lies: on which timeline, and whether it is there at all.
 */
#include "ctl/plan/target.h"

#include "common/moment.h"
#include "ctl/plan/left_branch.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Names in a refusal, at most. */
#define NAMES_SHOWN 4

static const RecoveryTarget *
target_of(const RestoreWork *work)
{
	return &work->request->target;
}

static bool
timeline_known(const RestoreWork *work, uint32_t timeline)
{
	uint64_t segment;
	int64_t time;

	return timeline == work->leader->timeline ||
		   wal_archive_history(&work->facts->archive, timeline) ||
		   wal_archive_last(&work->facts->archive, timeline, &segment, &time);
}

/* The steps of an edit distance, with letters of either case the same. */
static int
distance(const char *a, const char *b)
{
	int row[RECOVERY_TEXT_SIZE + 1];
	int length = (int) strnlen(b, RECOVERY_TEXT_SIZE);

	for (int j = 0; j <= length; j++)
		row[j] = j;
	for (int i = 1; a[i - 1]; i++)
	{
		int diagonal = row[0];

		row[0] = i;
		for (int j = 1; j <= length; j++)
		{
			int cost = diagonal + ((a[i - 1] | 0x20) != (b[j - 1] | 0x20));

			diagonal = row[j];
			if (row[j] + 1 < cost)
				cost = row[j] + 1;
			if (row[j - 1] + 1 < cost)
				cost = row[j - 1] + 1;
			row[j] = cost;
		}
	}
	return row[length];
}

static bool
refuse_unknown_name(RestoreWork *work)
{
	const RestoreFacts *facts = work->facts;
	const char *name = target_of(work)->text;
	int limit = (int) strlen(name) / 2 + 1;
	char text[256];

	restore_refuse(work, "there is no restore point \"%s\"", name);
	pgbr_error_hint(&work->refusal->error,
					"Only those made with pgbr_restore_point() are known. For any other give its "
					"LSN or time: --type=lsn or --type=time.");
	for (int at = 0; at <= limit; at++)
	{
		for (size_t i = 0; i < facts->point_count; i++)
		{
			const FactPoint *point = &facts->points[i];

			if (distance(name, point->name) != at || work->refusal->nearest_count >= NAMES_SHOWN)
				continue;
			restore_describe_point(point, text, sizeof(text));
			restore_nearest(work, RECOVERY_NAME, point->name, NULL, point->timeline, "%s", text);
		}
	}
	return false;
}

/* The name is ambiguous: recovery would stop at the first restore point of that name. */
static bool
refuse_ambiguous_name(RestoreWork *work)
{
	const RestoreFacts *facts = work->facts;
	const char *name = target_of(work)->text;

	restore_refuse(work, "there is more than one restore point \"%s\"", name);
	pgbr_error_hint(
		&work->refusal->error,
		"Choose one by its LSN with --type=lsn, or by its timeline with --target-timeline.");
	for (size_t i = 0; i < facts->point_count; i++)
	{
		const FactPoint *point = &facts->points[i];

		if (strcmp(point->name, name) != 0)
			continue;
		restore_nearest_point(work, point);
	}
	return false;
}

/* True when recovery to the end of that timeline passes the point. */
static bool
is_on_path_of(const RestoreWork *work, uint32_t timeline, const FactPoint *point)
{
	TimelinePath path;
	bool on_path = timeline_path_init(&path, &work->facts->archive, timeline) &&
				   timeline_path_has(&path, point->timeline, point->lsn);

	timeline_path_done(&path);
	return on_path;
}

static bool
choose_point(RestoreWork *work)
{
	const RestoreFacts *facts = work->facts;
	uint32_t timeline = target_of(work)->timeline;
	const FactPoint *found = NULL;
	int exact = 0; /* on the timeline that was given, which is the best answer to "which" */
	int others = 0;
	int same = 0;

	for (size_t i = 0; i < facts->point_count; i++)
	{
		const FactPoint *point = &facts->points[i];

		if (strcmp(point->name, target_of(work)->text) != 0)
			continue;
		same++;
		if (timeline != 0 && !is_on_path_of(work, timeline, point))
			continue;
		if (found == NULL || point->timeline == timeline)
			found = point;
		if (point->timeline == timeline)
			exact++;
		else
			others++;
	}
	work->point = found;
	if (found == NULL && same == 0)
		return refuse_unknown_name(work);
	if (found == NULL)
	{
		refuse_ambiguous_name(work);
		pgbr_error_set(&work->refusal->error, PGBR_ERROR_CONFLICT,
					   "there is no restore point \"%s\" on the way to timeline %" PRIu32,
					   target_of(work)->text, timeline);
		return false;
	}
	if (exact > 1 || (exact == 0 && others > 1))
		return refuse_ambiguous_name(work);
	return true;
}

static bool
refuse_unknown_timeline(RestoreWork *work, uint32_t timeline)
{
	const WalArchive *archive = &work->facts->archive;

	restore_refuse(work, "timeline %" PRIu32 " is not known", timeline);
	if (timeline == work->leader->timeline)
	{
		pgbr_error_detail(&work->refusal->error,
						  "It is the leader's, but its history is not in the repository.");
		return pgbr_error_hint(&work->refusal->error,
							   "Right after a failover it may still be in the archiver's queue: "
							   "try again. If it does not arrive, check archiving.");
	}
	pgbr_error_detail(&work->refusal->error,
					  "The repository holds neither its history nor WAL of it.");
	restore_nearest(work, RECOVERY_DEFAULT, NULL, NULL, work->leader->timeline,
					"the timeline of the leader");
	for (size_t i = archive->history_count; i > 0; i--)
	{
		const TimelineHistory *history = &archive->histories[i - 1];

		if (history->timeline != work->leader->timeline)
			restore_nearest(work, RECOVERY_DEFAULT, NULL, NULL, history->timeline,
							"another timeline with a history");
	}
	return false;
}

/* The WAL of an abandoned timeline ends with its last segment. */
static void
find_end(RestoreWork *work, uint32_t timeline)
{
	const TimelinePart *last = &work->path.parts[work->path.count - 1];
	uint64_t segment;

	if (work->on_current && work->leader->running)
	{
		work->end_lsn = work->leader->lsn;
		return;
	}
	work->end_lsn = last->begin;
	if (wal_archive_last(&work->facts->archive, timeline, &segment, &work->end_time) &&
		(segment + 1) * work->facts->archive.segment_size > last->begin)
		work->end_lsn = (segment + 1) * work->facts->archive.segment_size;
	/* a leader that is down has WAL at least up to its last checkpoint */
	if (work->on_current && work->leader->lsn > work->end_lsn)
		work->end_lsn = work->leader->lsn;
	if (work->on_current)
		work->end_time = 0;
}

/*
 * Users mostly give IDs without an epoch and mean the newest transaction of that number. For an
 * abandoned timeline the leader's counter says nothing.
 */
static bool
choose_xid(RestoreWork *work)
{
	uint64_t next = work->leader->next_xid;
	uint64_t xid = target_of(work)->xid;

	work->xid = xid;
	if (!work->on_current || next == 0)
	{
		restore_unproven(work, "That transaction %" PRIu64 " was assigned on timeline %" PRIu32 ".",
						 xid, work->plan->target_timeline);
		if (next != 0 && xid <= UINT32_MAX)
			work->xid = (next & ~(uint64_t) UINT32_MAX) | xid;
		return true;
	}
	if (xid <= UINT32_MAX)
	{
		uint64_t epoch = next >> 32;

		work->xid = epoch << 32 | xid;
		if (work->xid >= next && epoch > 0)
			work->xid = (epoch - 1) << 32 | xid;
	}
	if (work->xid >= next)
	{
		char text[RECOVERY_TEXT_SIZE];

		restore_refuse(work, "transaction %" PRIu64 " was never assigned", xid);
		pgbr_error_detail(&work->refusal->error, "The next one is %" PRIu64 ".", next);
		snprintf(text, sizeof(text), "%" PRIu64, next - 1);
		restore_offer_branches(work);
		restore_nearest(work, RECOVERY_XID, text, NULL, 0, "the last that was assigned");
		restore_nearest(work, RECOVERY_DEFAULT, NULL, NULL, 0, "all that was committed");
		return false;
	}
	restore_unproven(work,
					 "That transaction %" PRIu64
					 " is not a subtransaction, and has ended: recovery knows the ends of "
					 "whole transactions only.",
					 xid);
	return true;
}

bool
restore_choose_timeline(RestoreWork *work)
{
	const RecoveryTarget *target = target_of(work);
	uint32_t timeline = target->timeline;

	work->plan->old_timeline = work->leader->timeline;
	if (target->type == RECOVERY_NAME)
	{
		if (!choose_point(work))
			return false;
		/* a restore point has its own timeline, but may also lie on the leader's path */
		if (timeline == 0 && !is_on_path_of(work, work->leader->timeline, work->point))
			timeline = work->point->timeline;
	}
	if (timeline == 0 && target->type != RECOVERY_DEFAULT)
		timeline = work->facts->timeline_followed;
	if (timeline == 0)
		timeline = work->leader->timeline;
	work->plan->target_timeline = timeline;
	work->on_current = timeline == work->leader->timeline;
	if (!timeline_known(work, timeline) ||
		!timeline_path_init(&work->path, &work->facts->archive, timeline))
		return refuse_unknown_timeline(work, timeline);
	find_end(work, timeline);
	if (!work->on_current)
		restore_warn(work,
					 "Timeline %" PRIu32 " is followed, not the leader's timeline %" PRIu32
					 ": what was committed after they parted is not in the result.",
					 timeline, work->leader->timeline);
	return target->type != RECOVERY_XID || choose_xid(work);
}

static bool
check_time(RestoreWork *work)
{
	const RecoveryTarget *target = target_of(work);
	int64_t now_ms = work->leader->time_ms ? work->leader->time_ms : work->facts->now_ms;
	char text[RECOVERY_TEXT_SIZE];

	if (target->time_us > now_ms * 1000)
	{
		restore_refuse(work, "the target %s is in the future", target->text);
		moment_format(now_ms * 1000, text);
		pgbr_error_detail(&work->refusal->error, "It is %s on member \"%s\".", text,
						  work->leader->name);
		restore_nearest(work, RECOVERY_DEFAULT, NULL, NULL, 0, "all that was committed");
		return false;
	}
	/* when a file was written is known to the second */
	if (!work->on_current && work->end_time != 0 &&
		target->time_us >= (work->end_time + 1) * SECOND_US)
	{
		restore_refuse(work, "timeline %" PRIu32 " ended before %s", work->plan->target_timeline,
					   target->text);
		moment_format(work->end_time * SECOND_US, text);
		pgbr_error_detail(&work->refusal->error, "Its last WAL was archived at %s.", text);
		restore_nearest(work, RECOVERY_DEFAULT, NULL, NULL, work->plan->target_timeline,
						"the end of timeline %" PRIu32, work->plan->target_timeline);
		restore_nearest(work, RECOVERY_TIME, target->text, NULL, work->leader->timeline,
						"that time on the leader's timeline");
		return false;
	}
	if (!restore_check_branches(work))
		return false;
	if (!work->on_current || work->plan->broken_leader)
		restore_unproven(work,
						 "That a transaction was committed after %s: recovery stops only when it "
						 "meets one. If there is none, it fails, and nothing is lost.",
						 target->text);
	return true;
}

/* The WAL of this timeline reaches at least to here. */
static uint64_t
known_end(const RestoreWork *work, uint32_t timeline)
{
	const RestoreFacts *facts = work->facts;
	uint64_t end = work->path.parts[work->path.count - 1].begin;

	for (size_t i = 0; i < facts->point_count; i++)
	{
		if (facts->points[i].timeline == timeline && facts->points[i].lsn > end)
			end = facts->points[i].lsn;
	}
	for (size_t i = 0; i < facts->archive.history_count; i++)
	{
		const TimelineHistory *history = &facts->archive.histories[i];

		for (size_t j = 0; j < history->count; j++)
		{
			if (history->entries[j].timeline == timeline && history->entries[j].lsn > end)
				end = history->entries[j].lsn;
		}
	}
	return end;
}

/* The last segment of a timeline that was left may be filled up with zeroes after its WAL. */
static void
check_padding(RestoreWork *work)
{
	uint64_t lsn = target_of(work)->lsn;
	uint32_t timeline = work->plan->target_timeline;

	if (work->on_current || lsn / work->facts->archive.segment_size + 1 !=
								work->end_lsn / work->facts->archive.segment_size)
		return;
	if (lsn >= known_end(work, timeline))
		restore_unproven(work,
						 "That the WAL of timeline %" PRIu32
						 " reaches %s: its last segment may end before. If it does, recovery "
						 "fails, and nothing is lost.",
						 timeline, target_of(work)->text);
}

static bool
check_lsn(RestoreWork *work)
{
	const RecoveryTarget *target = target_of(work);
	const WalArchive *archive = &work->facts->archive;
	char text[RECOVERY_TEXT_SIZE];

	if (work->on_current && work->plan->broken_leader && target->lsn > work->end_lsn)
	{
		restore_unproven(work, "That the WAL of member \"%s\" reaches %s.", work->leader->name,
						 target->text);
		return true;
	}
	if (work->on_current ? target->lsn > work->end_lsn : target->lsn >= work->end_lsn)
	{
		restore_refuse(work, "the target %s is past the end of timeline %" PRIu32, target->text,
					   work->plan->target_timeline);
		recovery_lsn_format(work->end_lsn, text);
		pgbr_error_detail(&work->refusal->error, "It ends at %s.", text);
		restore_nearest(work, RECOVERY_DEFAULT, NULL, NULL, work->plan->target_timeline,
						"the end of timeline %" PRIu32, work->plan->target_timeline);
		return false;
	}
	check_padding(work);
	if (target->timeline != 0)
		return true;
	/* the same LSN may also exist on a timeline that the path left at a smaller LSN */
	for (size_t i = 0; i + 1 < work->path.count; i++)
	{
		const TimelinePart *part = &work->path.parts[i];
		uint64_t segment;
		int64_t time;

		if (target->lsn > part->end && wal_archive_last(archive, part->timeline, &segment, &time) &&
			(segment + 1) * archive->segment_size > target->lsn)
			restore_warn(
				work,
				"%s is there on timeline %" PRIu32
				", too, which was left before it; for that one give --target-timeline=%" PRIu32 ".",
				target->text, part->timeline, part->timeline);
	}
	return true;
}

bool
restore_check_target(RestoreWork *work)
{
	switch (target_of(work)->type)
	{
		case RECOVERY_TIME:
			return check_time(work);
		case RECOVERY_LSN:
			return check_lsn(work);
		case RECOVERY_XID:
			return restore_check_branches(work);
		default:
			return true;
	}
}
