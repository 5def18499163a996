/*
 * timeline_path.c
 *		See timeline_path.h.
 */
#include "ctl/facts/timeline_path.h"

#include <stdlib.h>
#include <string.h>

void
wal_archive_done(WalArchive *archive)
{
	for (size_t i = 0; i < archive->history_count; i++)
		free(archive->histories[i].entries);
	free(archive->histories);
	free(archive->ranges);
	memset(archive, 0, sizeof(*archive));
}

bool
wal_archive_add_range(WalArchive *archive, const WalRange *range)
{
	WalRange *ranges =
		realloc(archive->ranges, (archive->range_count + 1) * sizeof(archive->ranges[0]));

	if (ranges == NULL)
		return false;
	archive->ranges = ranges;
	ranges[archive->range_count++] = *range;
	return true;
}

bool
wal_archive_remove(WalArchive *archive, uint32_t timeline, uint64_t segment)
{
	/* ranges added in this loop do not hold the segment */
	size_t count = archive->range_count;

	for (size_t i = 0; i < count; i++)
	{
		WalRange *range = &archive->ranges[i];
		WalRange after = *range;

		if (range->timeline != timeline || range->first > segment || range->last < segment)
			continue;
		after.first = segment + 1;
		if (range->first == segment)
			*range = after;
		else
		{
			range->last = segment - 1;
			if (after.first <= after.last && !wal_archive_add_range(archive, &after))
				return false;
		}
		/* a range that has become empty holds nothing: its first is past its last */
	}
	return true;
}

bool
wal_archive_add_history(WalArchive *archive, uint32_t timeline, const TimelineSwitch *entries,
						size_t count)
{
	TimelineHistory *histories;
	TimelineSwitch *copy;

	if (wal_archive_history(archive, timeline))
		return true;
	histories =
		realloc(archive->histories, (archive->history_count + 1) * sizeof(archive->histories[0]));
	if (histories == NULL)
		return false;
	archive->histories = histories;
	copy = calloc(count + 1, sizeof(*copy));
	if (copy == NULL)
		return false;
	memcpy(copy, entries, count * sizeof(*copy));
	histories[archive->history_count++] =
		(TimelineHistory){.timeline = timeline, .entries = copy, .count = count};
	return true;
}

const TimelineHistory *
wal_archive_history(const WalArchive *archive, uint32_t timeline)
{
	for (size_t i = 0; i < archive->history_count; i++)
	{
		if (archive->histories[i].timeline == timeline)
			return &archive->histories[i];
	}
	return NULL;
}

bool
wal_archive_last(const WalArchive *archive, uint32_t timeline, uint64_t *segment, int64_t *time)
{
	bool found = false;

	for (size_t i = 0; i < archive->range_count; i++)
	{
		const WalRange *range = &archive->ranges[i];

		if (range->timeline != timeline || range->first > range->last ||
			(found && range->last < *segment))
			continue;
		/* if two repositories have the same segment, the later time counts */
		if (!found || range->last > *segment || range->last_time > *time)
			*time = range->last_time;
		*segment = range->last;
		found = true;
	}
	return found;
}

/* The range with this segment that goes furthest; NULL when it is in none. */
static const WalRange *
find_range(const WalArchive *archive, uint32_t timeline, uint64_t segment)
{
	const WalRange *found = NULL;

	for (size_t i = 0; i < archive->range_count; i++)
	{
		const WalRange *range = &archive->ranges[i];

		if (range->timeline == timeline && range->first <= segment && segment <= range->last &&
			(found == NULL || range->last > found->last))
			found = range;
	}
	return found;
}

bool
wal_archive_has(const WalArchive *archive, uint32_t timeline, uint64_t segment)
{
	return find_range(archive, timeline, segment) != NULL;
}

/*
 * A recovery stopped before the last timeline switches of its path, so PostgreSQL wrote a history
 * that goes back. Only timelines that had begun by then were replayed.
 */
static void
cut(TimelinePath *path, uint64_t end)
{
	while (path->count > 1 && path->parts[path->count - 1].begin >= end)
		path->count--;
	path->parts[path->count - 1].end = end;
}

bool
timeline_path_init(TimelinePath *path, const WalArchive *archive, uint32_t timeline)
{
	const TimelineHistory *history = wal_archive_history(archive, timeline);
	uint64_t begin = 0;

	memset(path, 0, sizeof(*path));
	if (timeline == 0 || (history == NULL && timeline > 1))
		return false;
	path->parts = calloc((history ? history->count : 0) + 1, sizeof(path->parts[0]));
	if (path->parts == NULL)
		return false;
	for (size_t i = 0; history && i < history->count; i++)
	{
		const TimelineSwitch *entry = &history->entries[i];

		if (entry->timeline >= timeline ||
			(i > 0 && entry->timeline <= history->entries[i - 1].timeline))
			return false;
		if (entry->lsn < begin)
			cut(path, entry->lsn);
		else
			path->parts[path->count++] = (TimelinePart){entry->timeline, begin, entry->lsn};
		begin = entry->lsn;
	}
	path->parts[path->count++] = (TimelinePart){timeline, begin, LSN_MAX};
	return true;
}

void
timeline_path_done(TimelinePath *path)
{
	free(path->parts);
	memset(path, 0, sizeof(*path));
}

bool
timeline_path_has(const TimelinePath *path, uint32_t timeline, uint64_t lsn)
{
	for (size_t i = 0; i < path->count; i++)
	{
		if (path->parts[i].timeline == timeline)
			return lsn >= path->parts[i].begin && lsn <= path->parts[i].end;
	}
	return false;
}

/* The newest part that has begun in this segment or before, and not past the target. */
static const TimelinePart *
find_reader(const TimelinePath *path, uint64_t segment_size, uint64_t segment, uint64_t target)
{
	size_t i = path->count - 1;

	while (i > 0 &&
		   (path->parts[i].begin / segment_size > segment || path->parts[i].begin >= target))
		i--;
	return &path->parts[i];
}

uint32_t
timeline_path_reads(const TimelinePath *path, uint64_t segment_size, uint64_t segment,
					uint64_t target)
{
	return find_reader(path, segment_size, segment, target)->timeline;
}

/*
 * Where the segment can be read. A part that begins past the target in the same segment does as
 * well, since its copy holds all up to there: after a failover the old timeline's segment is often
 * in the archive as .partial only.
 */
static const WalRange *
find_source(const TimelinePath *path, const WalArchive *archive, uint64_t segment, uint64_t target)
{
	const TimelinePart *part = find_reader(path, archive->segment_size, segment, target);
	const TimelinePart *end = path->parts + path->count;
	const WalRange *range = NULL;

	for (; range == NULL && part < end && part->begin / archive->segment_size <= segment; part++)
		range = find_range(archive, part->timeline, segment);
	return range;
}

bool
timeline_path_missing(const TimelinePath *path, const WalArchive *archive, uint64_t first,
					  uint64_t last, uint64_t target, uint64_t *segment)
{
	uint64_t at = first;

	while (at <= last)
	{
		const WalRange *range = find_source(path, archive, at, target);
		uint64_t next;

		if (range == NULL)
		{
			*segment = at;
			return true;
		}
		/* up to where the range ends, or where another timeline takes over */
		next = range->last + 1;
		for (size_t i = 0; i < path->count; i++)
		{
			uint64_t begin = path->parts[i].begin / archive->segment_size;

			if (begin > at && begin < next)
				next = begin;
		}
		at = next;
	}
	return false;
}
