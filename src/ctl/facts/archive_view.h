/*
 * archive_view.h
 *		Single questions about the archive as the sidecar describes it (Archive in
 *		docs/reference/openapi.yaml). The planner reads the whole of it through restore_facts. Pure.
 */
#ifndef PGBR_CTL_FACTS_ARCHIVE_VIEW_H
#define PGBR_CTL_FACTS_ARCHIVE_VIEW_H

#include "common/error.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* Seconds to wait for the answer: listing the archive of a large repository takes longer than other
 * answers. */
#define ARCHIVE_WAIT_S 120

/* Whether some repository has the history of a timeline and the segment with which it begins, that
 * of the switch. The size of a segment in bytes. */
extern bool archive_has_timeline(const json_t *archive, uint32_t timeline, long long segment_size);

/* Whether all repositories could be read; UNAVAILABLE with the one that could not. */
extern bool archive_is_whole(const json_t *archive, PgbrError *error);

#endif
