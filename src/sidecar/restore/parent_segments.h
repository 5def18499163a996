/*
 * parent_segments.h
 *		Lets a replica find the WAL of a prepared transaction around a switch of timelines. One
 *		thread at a time.
 *
 * A timeline's first segment is a copy of its parent's, and PostgreSQL takes that of the new
 * timeline from the archive. As long as it still replays the parent's part of it, it looks for the
 * record of a prepared transaction in the file of the parent's name, which it has not fetched. It
 * ends with "requested WAL segment ... has already been removed", at each start again.
 */
#ifndef PGBR_SIDECAR_RESTORE_PARENT_SEGMENTS_H
#define PGBR_SIDECAR_RESTORE_PARENT_SEGMENTS_H

#include "common/error.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * For each switch that the history of the timeline tells, link the parent's name of the segment to
 * the new timeline's, in pg_wal. Links and not copies: PostgreSQL removes a link with the old
 * segments and never recycles it, and a segment of the parent that it does fetch takes its place.
 * Each is marked as archived. What is there already stays. STORAGE.
 */
extern bool parent_segments_link(const char *data_directory, const char *history, uint32_t timeline,
								 int64_t wal_segment_size, PgbrError *error);

#endif
