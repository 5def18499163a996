/*
 * wal.h
 *		Names of WAL segments and of timeline histories, and the order of segments.
 *
 * A segment's number is its position divided by the size of a segment, on any timeline. A name
 * consists of the timeline and of the number in two parts; the second restarts every 4 GB. So a
 * name can be read only if the size is known, in bytes; each cluster has its own. All functions are
 * pure and thread-safe. The extension uses the macros of the server instead.
 */
#ifndef PGBR_WAL_H
#define PGBR_WAL_H

#include <stdbool.h>
#include <stdint.h>

/* "000000010000000000000005" and its NUL */
#define WAL_NAME_SIZE 25

/* "0000000A.history" and its NUL */
#define WAL_HISTORY_NAME_SIZE 17

/* Write a segment's name, WAL_NAME_SIZE bytes. */
extern void
wal_segment_name(char *name, uint32_t timeline, uint64_t segment, uint64_t segment_size);

/* Read a segment's name. False for any other text, for a name that no segment of this size has, and
 * for a size of 0; *timeline and *segment are then undefined. */
extern bool
wal_segment_parse(const char *name, uint64_t segment_size, uint32_t *timeline, uint64_t *segment);

/* The same for the first 24 characters, whatever follows: ".partial", "-<checksum>.gz". */
extern bool wal_segment_parse_start(const char *text, uint64_t segment_size, uint32_t *timeline,
									uint64_t *segment);

/* Write the name of a timeline's history file, WAL_HISTORY_NAME_SIZE bytes. */
extern void wal_history_name(char *name, uint32_t timeline);

/* Read the name of a history file. False for any other text, and for timelines 0 and 1, which have
 * no history. */
extern bool wal_history_parse(const char *name, uint32_t *timeline);

#endif
