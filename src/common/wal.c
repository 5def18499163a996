/*
 * wal.c
 *		See wal.h.
 */
#include "common/wal.h"

#include "common/error.h"
#include "common/vocabulary.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PART 8 /* digits of each part of a name */

/* Bytes after which the second part of a segment's number restarts. */
#define BYTES_PER_LOG (UINT64_C(1) << 32)

static uint32_t
read_part(const char *text)
{
	char part[PART + 1] = "";

	memcpy(part, text, PART);
	return (uint32_t) strtoul(part, NULL, 16);
}

void
wal_segment_name(char *name, uint32_t timeline, uint64_t segment, uint64_t segment_size)
{
	uint64_t per_log = BYTES_PER_LOG / segment_size;

	snprintf(name, WAL_NAME_SIZE, "%08" PRIX32 "%08" PRIX32 "%08" PRIX32, timeline,
			 (uint32_t) (segment / per_log), (uint32_t) (segment % per_log));
}

bool
wal_segment_parse(const char *name, uint64_t segment_size, uint32_t *timeline, uint64_t *segment)
{
	uint64_t per_log;
	uint32_t rest;

	if (segment_size == 0 || !pgbr_is_wal_segment(name))
		return false;
	per_log = BYTES_PER_LOG / segment_size;
	rest = read_part(name + 2 * PART);
	*timeline = read_part(name);
	*segment = read_part(name + PART) * per_log + rest;
	return *timeline > 0 && rest < per_log;
}

bool
wal_segment_parse_start(const char *text, uint64_t segment_size, uint32_t *timeline,
						uint64_t *segment)
{
	char name[WAL_NAME_SIZE];

	pgbr_copy_text(name, sizeof(name), text);
	return wal_segment_parse(name, segment_size, timeline, segment);
}

void
wal_history_name(char *name, uint32_t timeline)
{
	snprintf(name, WAL_HISTORY_NAME_SIZE, "%08" PRIX32 ".history", timeline);
}

bool
wal_history_parse(const char *name, uint32_t *timeline)
{
	if (strspn(name, "0123456789ABCDEF") != PART || strcmp(name + PART, ".history") != 0)
		return false;
	*timeline = read_part(name);
	return *timeline > 1;
}
