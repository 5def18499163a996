/*
 * timeline_path.h
 *		The path through the timelines to a target, and whether the archive has all WAL of that
 *		path.
 *
 * Every failover and every restore begins a timeline that leaves its parent at some LSN. The path
 * of timeline N is what its history file says: its ancestors, each up to the LSN where the next one
 * left it, and N itself without an end. Recovery to N reads each segment from the newest timeline
 * of the path that has begun by then: a new timeline's first segment holds a copy of what its
 * parent had written into it. All functions are pure; arrays are borrowed unless said otherwise.
 */
#ifndef PGBR_CTL_FACTS_TIMELINE_PATH_H
#define PGBR_CTL_FACTS_TIMELINE_PATH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* No end is known. */
#define LSN_MAX UINT64_MAX

/* Segments that follow each other without a gap, by number: LSN divided by the size of a
 * segment. */
typedef struct WalRange
{
	uint32_t timeline;
	uint64_t first;
	uint64_t last;
	int64_t
		last_time; /* seconds since 1970: when the last one came into the repository; 0 unknown */
} WalRange;

/* A timeline was left at this LSN. */
typedef struct TimelineSwitch
{
	uint32_t timeline;
	uint64_t lsn;
	char reason[160]; /* "before 2026-11-24 11:41:32.12345+00" */
} TimelineSwitch;

typedef struct TimelineHistory
{
	uint32_t timeline;
	TimelineSwitch *entries; /* oldest first; the last is the parent */
	size_t count;
} TimelineHistory;

/* What the repositories hold, taken together: archive-get looks into all of them. */
typedef struct WalArchive
{
	WalRange *ranges;
	size_t range_count;
	TimelineHistory *histories;
	size_t history_count;
	uint64_t segment_size; /* bytes */
} WalArchive;

/* Free what the archive owns. */
extern void wal_archive_done(WalArchive *archive);

/* Add a copy; false when out of memory. A history that is there already is not added again. */
extern bool wal_archive_add_range(WalArchive *archive, const WalRange *range);
extern bool wal_archive_add_history(WalArchive *archive, uint32_t timeline,
									const TimelineSwitch *entries, size_t count);

/* Take a segment that turned out to be damaged away; false when out of memory. */
extern bool wal_archive_remove(WalArchive *archive, uint32_t timeline, uint64_t segment);

extern const TimelineHistory *wal_archive_history(const WalArchive *archive, uint32_t timeline);

/* The number and the time of the last segment on a timeline; false when there is none. */
extern bool
wal_archive_last(const WalArchive *archive, uint32_t timeline, uint64_t *segment, int64_t *time);

/* True when this very segment is there. */
extern bool wal_archive_has(const WalArchive *archive, uint32_t timeline, uint64_t segment);

typedef struct TimelinePart
{
	uint32_t timeline;
	uint64_t begin; /* its first LSN on this path */
	uint64_t end;	/* where the next part begins; LSN_MAX for the last */
} TimelinePart;

typedef struct TimelinePath
{
	TimelinePart *parts; /* oldest first; never empty after timeline_path_init */
	size_t count;
} TimelinePath;

/* The path of a timeline. False when its history is not in the archive, or makes no sense, or there
 * is no memory. Timeline 1 has none and needs none. PostgreSQL writes a history that goes back
 * after a recovery to a point before the last switches: the path ends there. Call
 * timeline_path_done in any case. */
extern bool timeline_path_init(TimelinePath *path, const WalArchive *archive, uint32_t timeline);
extern void timeline_path_done(TimelinePath *path);

/* True when the point of that timeline lies on the path, so recovery passes it. */
extern bool timeline_path_has(const TimelinePath *path, uint32_t timeline, uint64_t lsn);

/* The timeline from which recovery up to the LSN target reads this segment. */
extern uint32_t timeline_path_reads(const TimelinePath *path, uint64_t segment_size,
									uint64_t segment, uint64_t target);

/* The first segment from first to last that is missing on the way to target; false when none is. */
extern bool
timeline_path_missing(const TimelinePath *path, const WalArchive *archive, uint64_t first,
					  uint64_t last, uint64_t target, uint64_t *segment);

#endif
