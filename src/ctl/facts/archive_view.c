/*
 * archive_view.c
 *		See archive_view.h.
 */
#include "ctl/facts/archive_view.h"

#include "common/recovery_target.h"
#include "common/wal.h"
#include "ctl/facts/timeline_path.h"
#include "program/json.h"

#include <string.h>

/* Where the timeline left its parent; false when its history is not in this repository. */
static bool
find_beginning(const json_t *repository, uint32_t timeline, uint64_t *lsn)
{
	json_t *history;
	size_t index;

	json_array_foreach(json_object_get(repository, "histories"), index, history)
	{
		const json_t *entries = json_object_get(history, "entries");
		const json_t *last = json_array_get(entries, json_array_size(entries) - 1);
		const char *text = json_text(last, "lsn");

		if (json_number(history, "timeline", 0) == timeline)
			return text && recovery_lsn_parse(text, lsn);
	}
	return false;
}

static bool
has_segment(const json_t *repository, const char *name)
{
	json_t *range;
	size_t index;

	json_array_foreach(json_object_get(repository, "ranges"), index, range)
	{
		const char *first = json_text(range, "first");
		const char *last = json_text(range, "last");

		/* names of one timeline are in the order of its WAL */
		if (first && last && strncmp(name, first, 8) == 0 && strcmp(name, first) >= 0 &&
			strcmp(name, last) <= 0)
			return true;
	}
	return false;
}

bool
archive_has_timeline(const json_t *archive, uint32_t timeline, long long segment_size)
{
	json_t *repository;
	size_t index;

	json_array_foreach(json_object_get(archive, "repositories"), index, repository)
	{
		char name[WAL_NAME_SIZE];
		uint64_t lsn;

		if (!find_beginning(repository, timeline, &lsn))
			continue;
		wal_segment_name(name, timeline, lsn / (uint64_t) segment_size, (uint64_t) segment_size);
		if (has_segment(repository, name))
			return true;
	}
	return false;
}

bool
archive_is_whole(const json_t *archive, PgbrError *error)
{
	json_t *repository;
	size_t index;

	json_array_foreach(json_object_get(archive, "repositories"), index, repository)
	{
		const char *problem = json_text(repository, "error");

		if (problem)
			return pgbr_error_set(error, PGBR_ERROR_UNAVAILABLE, "repository %lld: %s",
								  json_number(repository, "repo", 0), problem);
	}
	return true;
}
