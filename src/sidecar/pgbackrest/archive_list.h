/*
 * archive_list.h
 *		What a listing of the archive contains: the ranges of WAL without gaps, by timeline, and
 *		the history files. Pure.
 *
 * The list owns its memory: archive_list_init, archive_list_done. Not thread-safe.
 */
#ifndef PGBR_SIDECAR_PGBACKREST_ARCHIVE_LIST_H
#define PGBR_SIDECAR_PGBACKREST_ARCHIVE_LIST_H

#include "common/error.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct ArchiveSegment
{
	uint32_t timeline;
	uint64_t number; /* of the segment, from the beginning of the timeline's LSNs */
	int64_t time;	 /* of its file, in seconds since 1970 */
	bool partial;	 /* the last of a timeline that was left, as far as it was written */
} ArchiveSegment;

typedef struct ArchiveList
{
	uint64_t segment_size; /* bytes */
	ArchiveSegment *segments;
	size_t count;
	size_t capacity;
	uint32_t *histories; /* timelines */
	size_t history_count;
} ArchiveList;

extern void archive_list_init(ArchiveList *list, uint64_t segment_size);
extern void archive_list_done(ArchiveList *list);

/* Read the output of `pgbackrest repo-ls --recurse --output=json`, member by member: as JSON values
 * it would take ten times the memory of the text. Skips files that are neither WAL nor history.
 * PROTOCOL when it is not such a listing, INTERNAL when out of memory. */
extern bool archive_list_read(ArchiveList *list, const char *text, size_t length, PgbrError *error);

/* Sort it, so that it can be shown; histories come with the highest timeline first. */
extern void archive_list_sort(ArchiveList *list);

/* Add "ranges", "duplicates" and "partial", as the API has them, of a sorted list. */
extern void archive_list_json(const ArchiveList *list, json_t *object);

/* Read a history file: the entries as the API has them. NULL when it has a line that is none. */
extern json_t *archive_history_json(const char *text);

#endif
