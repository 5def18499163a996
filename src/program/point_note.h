/*
 * point_note.h
 *		A restore point as an annotation of a backup: how the repository keeps what a sidecar knows
 *		of it, so that its name outlives the sidecar's host. Pure.
 *
 * The key is "restore-point-TIMELINE-LSN", both in hexadecimal digits, so that keys sort from the
 * oldest on; the value is "TIME XID NAME", the time in ms since 1970. The backup is the last full
 * one that had ended before the point: of all backups from which the point can be reached it is the
 * last to expire.
 */
#ifndef PGBR_PROGRAM_POINT_NOTE_H
#define PGBR_PROGRAM_POINT_NOTE_H

#include <stdbool.h>
#include <stdint.h>

#define POINT_NOTE_PREFIX	  "restore-point-"
#define POINT_NOTE_KEY_SIZE	  40
#define POINT_NOTE_VALUE_SIZE 128

typedef struct PointNote
{
	char name[64];
	uint32_t timeline;
	uint64_t lsn;
	int64_t time_ms;
	uint64_t xid; /* the next transaction id then */
} PointNote;

/* Write it. key is of POINT_NOTE_KEY_SIZE, value of POINT_NOTE_VALUE_SIZE. */
extern void point_note_write(const PointNote *note, char *key, char *value);

/* Read it. False for what is none, or has a value outside its grammar. */
extern bool point_note_read(const char *key, const char *value, PointNote *note);

#endif
