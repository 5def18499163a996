/*
 * left_branch.c
 *		See left_branch.h.
 *
 * A cluster writes on one timeline at a time, and a new timeline gets a higher number than all
 * before. So the order of numbers is the order in time. What is known is turned into markers: at
 * this place in WAL it was this time, or this transaction ID was the next. Backups, restore
 * points, the histories and the journals of restores give them. Each marker may tell that the
 * target is before or past the place at which a branch was left.
 */
#include "ctl/plan/left_branch.h"

#include "common/moment.h"
#include "common/wal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The steps of a restore are timed by the clock of the machine that ran it. */
#define CLOCK_SLACK_US (5 * SECOND_US)

/* Branches in a refusal or a note, at most. */
#define BRANCHES_SHOWN 4

/* A time in microseconds, or a transaction ID. */
typedef uint64_t Value;

typedef struct Marker
{
	uint32_t timeline;
	uint64_t lsn;  /* LSN_MAX: the end of the timeline */
	Value low;	   /* what is less was before this place */
	Value high;	   /* what is not less was past it */
	bool late;	   /* the place may be later than lsn, on the same timeline */
	bool own_only; /* high counts on this timeline only: see add_fork */
} Marker;

typedef struct Branch
{
	uint32_t timeline;
	uint64_t from;	 /* what it has from here on is not on the path, */
	uint64_t parted; /* nor what its ancestors have from here on */
	bool on_path;	 /* its beginning is on the path */
	bool certain;	 /* the target lies there; otherwise it may */
} Branch;

typedef struct Search
{
	const RestoreWork *work;
	bool by_time;
	Value target;
	Marker *markers;
	size_t marker_count;
	Branch branches[BRANCHES_SHOWN];
	int count;
	bool certain; /* one of them is */
} Search;

static void
add_marker(Search *search, Marker marker)
{
	if (marker.low != 0 || marker.high != 0)
		search->markers[search->marker_count++] = marker;
}

static uint32_t
timeline_of(const Search *search, const char *segment)
{
	uint32_t timeline = 0;
	uint64_t number;

	(void) wal_segment_parse(segment, search->work->facts->archive.segment_size, &timeline,
							 &number);
	return timeline;
}

/* pgbackrest gives whole seconds. When the snapshot was taken the backup had ended. */
static void
add_backup(Search *search, const FactBackup *backup)
{
	uint32_t first = timeline_of(search, backup->wal_start);
	uint32_t last = timeline_of(search, backup->wal_stop);

	if (search->by_time)
	{
		add_marker(search, (Marker){first, backup->lsn_start, (Value) backup->start * SECOND_US,
									(Value) (backup->start + 1) * SECOND_US, false, false});
		add_marker(search, (Marker){last, backup->lsn_stop, (Value) backup->stop * SECOND_US,
									(Value) (backup->stop + 1) * SECOND_US, false, false});
	}
	else
		add_marker(search, (Marker){last, backup->lsn_stop, backup->snapshot_xmax,
									backup->snapshot_xmax, true, false});
}

static void
add_point(Search *search, const FactPoint *point)
{
	Value time = (Value) point->time_us;

	if (search->by_time)
		add_marker(search, (Marker){point->timeline, point->lsn, time, time + 1000, false, false});
	else
		add_marker(search,
				   (Marker){point->timeline, point->lsn, point->xid, point->xid, false, false});
}

/* "before 2026-11-24 11:41:32.12345+00": the first commit that a restore left out; false for other
 * reasons of a switch. */
static bool
reason_time(const char *reason, int64_t *us)
{
	const char *ignored;

	return strncmp(reason, "before ", 7) == 0 && moment_parse(reason + 7, true, us, &ignored);
}

/* The journal of the restore that began this timeline there; NULL when there is none. */
static const FactRestore *
find_restore(const RestoreFacts *facts, uint32_t timeline, uint64_t lsn)
{
	for (size_t i = 0; i < facts->restore_count; i++)
	{
		if (facts->restores[i].timeline == timeline && facts->restores[i].fork_lsn == lsn)
			return &facts->restores[i];
	}
	return NULL;
}

/* What a restore leaves at the place where it began a timeline, on it and on its parent. The last
 * commit that it replayed may be of the parent's parent. */
static void
add_fork(Search *search, const TimelineHistory *history)
{
	const RestoreFacts *facts = search->work->facts;
	const FactRestore *restore;
	TimelinePath path;

	if (timeline_path_init(&path, &facts->archive, history->timeline) && path.count > 1)
	{
		const TimelinePart *parent = &path.parts[path.count - 2];
		int64_t time;

		restore = find_restore(facts, history->timeline, parent->end);
		if (search->by_time && reason_time(history->entries[history->count - 1].reason, &time))
			add_marker(search, (Marker){parent->timeline, parent->end, (Value) time, (Value) time,
										false, true});
		else if (search->by_time && restore && restore->past_us > 0)
			add_marker(search, (Marker){parent->timeline, parent->end, (Value) restore->last_us + 1,
										(Value) restore->past_us, false, true});
		if (search->by_time && restore && restore->begun_us > CLOCK_SLACK_US)
			add_marker(search,
					   (Marker){history->timeline, parent->end,
								(Value) (restore->begun_us - CLOCK_SLACK_US),
								(Value) (restore->begun_us + CLOCK_SLACK_US), false, false});
		if (!search->by_time && restore)
		{
			add_marker(search, (Marker){parent->timeline, parent->end, restore->next_xid,
										restore->next_xid, false, true});
			add_marker(search, (Marker){history->timeline, parent->end, restore->next_xid,
										restore->next_xid, false, false});
		}
	}
	timeline_path_done(&path);
}

/* A restore stopped the timeline on which the leader wrote before. */
static void
add_stop(Search *search, const FactRestore *restore)
{
	if (!search->by_time)
		add_marker(search, (Marker){restore->left, LSN_MAX, restore->stopped_xid,
									restore->stopped_xid, false, false});
	else if (restore->stopped_us > CLOCK_SLACK_US)
		add_marker(search,
				   (Marker){restore->left, LSN_MAX, (Value) (restore->stopped_us - CLOCK_SLACK_US),
							(Value) (restore->stopped_us + CLOCK_SLACK_US), false, false});
}

static bool
gather_markers(Search *search)
{
	const RestoreFacts *facts = search->work->facts;
	size_t most = facts->point_count + 2 * facts->backup_count + 2 * facts->archive.history_count +
				  facts->restore_count;

	search->markers = calloc(most + 1, sizeof(*search->markers));
	if (search->markers == NULL)
		return false;
	for (size_t i = 0; i < facts->point_count; i++)
		add_point(search, &facts->points[i]);
	for (size_t i = 0; i < facts->backup_count; i++)
		add_backup(search, &facts->backups[i]);
	for (size_t i = 0; i < facts->archive.history_count; i++)
		add_fork(search, &facts->archive.histories[i]);
	for (size_t i = 0; i < facts->restore_count; i++)
		add_stop(search, &facts->restores[i]);
	return true;
}

/* True when all WAL of the timelines before this one had been archived by the target time. */
static bool
is_past_lower(const Search *search, uint32_t timeline)
{
	const WalArchive *archive = &search->work->facts->archive;
	bool found = false;

	for (size_t i = 0; i < archive->range_count; i++)
	{
		const WalRange *range = &archive->ranges[i];

		if (range->timeline >= timeline || range->first > range->last)
			continue;
		if (range->last_time == 0 || search->target < (Value) (range->last_time + 1) * SECOND_US)
			return false;
		found = true;
	}
	return found;
}

/* What is known about a target and what a branch has from its own first LSN on. */
typedef struct Evidence
{
	bool before; /* the target is before it */
	bool after;	 /* past its beginning */
	bool alive;	 /* not past its end */
	bool ended;	 /* past its end */
} Evidence;

static void
take_marker(const Search *search, const Branch *branch, const TimelinePath *path,
			const Marker *marker, Evidence *evidence)
{
	bool is_there =
		marker->lsn >= branch->parted && timeline_path_has(path, marker->timeline, marker->lsn);

	if (search->target < marker->low)
	{
		evidence->alive |= is_there;
		evidence->before |= !marker->late && marker->lsn <= branch->from &&
							timeline_path_has(path, marker->timeline, marker->lsn);
		evidence->before |= search->by_time && marker->timeline < branch->timeline;
	}
	if (search->target >= marker->high)
	{
		evidence->after |= is_there;
		evidence->ended |= is_there && marker->lsn == LSN_MAX;
		evidence->ended |=
			search->by_time && !marker->own_only && marker->timeline > branch->timeline;
	}
}

/* When a file was written is known to the second. */
static void
take_archive(const Search *search, const Branch *branch, Evidence *evidence)
{
	uint64_t segment;
	int64_t time;

	if (!search->by_time ||
		!wal_archive_last(&search->work->facts->archive, branch->timeline, &segment, &time) ||
		time == 0)
		return;
	if (search->target < (Value) (time + 1) * SECOND_US)
		evidence->alive = true;
	else
		evidence->ended = true;
	evidence->after |= !branch->on_path && is_past_lower(search, branch->timeline);
}

/* Keep a branch on which the target lies or may lie. The certain ones come first. */
static void
keep_branch(Search *search, const Branch *branch)
{
	int at = search->count < BRANCHES_SHOWN ? search->count++ : BRANCHES_SHOWN - 1;

	search->certain |= branch->certain;
	for (; branch->certain && at > 0 && !search->branches[at - 1].certain; at--)
		search->branches[at] = search->branches[at - 1];
	search->branches[at] = *branch;
}

static void
judge(Search *search, Branch *branch, const TimelinePath *path)
{
	Evidence evidence = {false, false, false, false};

	for (size_t i = 0; i < search->marker_count; i++)
		take_marker(search, branch, path, &search->markers[i], &evidence);
	take_archive(search, branch, &evidence);
	branch->certain = evidence.after && evidence.alive;
	if (!evidence.before && !evidence.ended)
		keep_branch(search, branch);
}

/* Where the main path leaves the one of a branch. If the branch has left it, that is its own
 * beginning. */
static uint64_t
find_parting(const TimelinePath *main_path, const TimelinePath *path)
{
	for (size_t i = 0; i < path->count && i < main_path->count; i++)
	{
		const TimelinePart *part = &path->parts[i];
		const TimelinePart *other = &main_path->parts[i];

		if (part->timeline != other->timeline || part->end < other->end)
			break;
		if (other->end < part->end)
			return other->end;
	}
	return path->parts[path->count - 1].begin;
}

/*
 * Where a timeline parts from the path. False when it does not, or when it has no WAL past that
 * place. A restore that replayed all WAL of a timeline left nothing there.
 */
static bool
find_departure(const RestoreWork *work, const TimelinePath *path, Branch *branch)
{
	const WalArchive *archive = &work->facts->archive;
	const TimelinePath *main_path = &work->path;
	uint64_t segment;
	int64_t time;

	branch->from = path->parts[path->count - 1].begin;
	branch->parted = find_parting(main_path, path);
	for (size_t i = 0; i < main_path->count; i++)
	{
		const TimelinePart *part = &main_path->parts[i];
		const FactRestore *next;

		if (part->timeline != branch->timeline)
			continue;
		if (part->end == LSN_MAX)
			return false;
		next = find_restore(work->facts, part[1].timeline, part->end);
		if (next && next->to_the_end)
			return false;
		branch->on_path = true;
		branch->from = branch->parted = part->end;
	}
	return wal_archive_last(archive, branch->timeline, &segment, &time) &&
		   (segment + 1) * archive->segment_size > branch->from;
}

static void
look_at(Search *search, uint32_t timeline)
{
	Branch branch = {.timeline = timeline};
	TimelinePath path;

	if (timeline_path_init(&path, &search->work->facts->archive, timeline) &&
		find_departure(search->work, &path, &branch))
		judge(search, &branch, &path);
	timeline_path_done(&path);
}

static bool
search_branches(Search *search, const RestoreWork *work)
{
	const RecoveryTarget *target = &work->request->target;
	const WalArchive *archive = &work->facts->archive;

	*search = (Search){.work = work, .by_time = target->type == RECOVERY_TIME};
	search->target = search->by_time ? (Value) target->time_us : work->xid;
	if (!gather_markers(search))
		return false;
	/* timeline 1 has no history */
	look_at(search, 1);
	for (size_t i = 0; i < archive->history_count; i++)
		look_at(search, archive->histories[i].timeline);
	free(search->markers);
	search->markers = NULL;
	return true;
}

static void
offer(RestoreWork *work, const Search *search)
{
	const RecoveryTarget *target = &work->request->target;

	for (int i = 0; i < search->count; i++)
		restore_nearest(work, target->type, target->text, NULL, search->branches[i].timeline,
						search->branches[i].certain ? "as it was then" : "if it was there");
}

static bool
refuse_left(RestoreWork *work, const Search *search)
{
	const RecoveryTarget *target = &work->request->target;
	const Branch *branch = &search->branches[0];
	char lsn[RECOVERY_TEXT_SIZE];

	if (search->by_time)
		restore_refuse(work, "%s lies on timeline %" PRIu32 ", which the cluster has left",
					   target->text, branch->timeline);
	else
		restore_refuse(work,
					   "transaction %s was also assigned on timeline %" PRIu32
					   ", which the cluster has left",
					   target->text, branch->timeline);
	recovery_lsn_format(branch->from, lsn);
	pgbr_error_detail(&work->refusal->error,
					  "What was committed on timeline %" PRIu32
					  " after %s is not on the way to timeline %" PRIu32 ", which the leader has.",
					  branch->timeline, lsn, work->plan->target_timeline);
	pgbr_error_hint(&work->refusal->error, "Say which is meant with --target-timeline.");
	offer(work, search);
	restore_nearest(work, target->type, target->text, NULL, work->plan->target_timeline,
					"on the way to the leader's timeline");
	return false;
}

static void
say_possible(RestoreWork *work, const Search *search)
{
	const RecoveryTarget *target = &work->request->target;
	char names[BRANCHES_SHOWN * 16] = "";

	for (int i = 0; i < search->count; i++)
		snprintf(names + strlen(names), sizeof(names) - strlen(names), "%s%" PRIu32,
				 i > 0 ? ", " : "", search->branches[i].timeline);
	restore_unproven(work,
					 "That %s %s was not on a timeline that the cluster has left since: %s. "
					 "--target-timeline says which is meant.",
					 search->by_time ? "the time" : "transaction", target->text, names);
	if (work->facts->restores_error[0])
		restore_unproven(work, "When earlier restores left a timeline: %s.",
						 work->facts->restores_error);
}

bool
restore_check_branches(RestoreWork *work)
{
	Search search;

	/* an earlier try has found the target on this timeline */
	if (work->request->target.timeline != 0 || work->facts->timeline_followed != 0)
		return true;
	if (!search_branches(&search, work))
	{
		restore_refuse(work, "out of memory");
		return false;
	}
	if (search.certain)
		return refuse_left(work, &search);
	if (search.count > 0)
		say_possible(work, &search);
	return true;
}

void
restore_offer_branches(RestoreWork *work)
{
	Search search;

	if (work->request->target.timeline == 0 && search_branches(&search, work))
		offer(work, &search);
}
