/*
 * point_note.c
 *		See point_note.h.
 */
#include "program/point_note.h"

#include "common/vocabulary.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TIME_MOST 253402300800000 /* the year 10000 */

void
point_note_write(const PointNote *note, char *key, char *value)
{
	snprintf(key, POINT_NOTE_KEY_SIZE, POINT_NOTE_PREFIX "%08X-%016llX", note->timeline,
			 (unsigned long long) note->lsn);
	snprintf(value, POINT_NOTE_VALUE_SIZE, "%lld %llu %s", (long long) note->time_ms,
			 (unsigned long long) note->xid, note->name);
}

/* A number that fills the text up to an end, which is skipped. */
static bool
take_number(const char **text, int base, char end, uint64_t *number)
{
	static const char digits[] = "0123456789ABCDEF";
	char *after;

	if (**text == '\0' || memchr(digits, **text, (size_t) base) == NULL)
		return false;
	errno = 0;
	*number = strtoull(*text, &after, base);
	if (errno || *after != end)
		return false;
	*text = after + (end != '\0');
	return true;
}

bool
point_note_read(const char *key, const char *value, PointNote *note)
{
	static const char prefix[] = POINT_NOTE_PREFIX;
	uint64_t timeline;
	uint64_t time;

	if (strncmp(key, prefix, sizeof(prefix) - 1) != 0)
		return false;
	key += sizeof(prefix) - 1;
	if (!take_number(&key, 16, '-', &timeline) || !take_number(&key, 16, '\0', &note->lsn) ||
		!take_number(&value, 10, ' ', &time) || !take_number(&value, 10, ' ', &note->xid) ||
		timeline == 0 || timeline > UINT32_MAX || note->lsn == 0 || time >= TIME_MOST ||
		!pgbr_is_restore_point_name(value))
		return false;
	note->timeline = (uint32_t) timeline;
	note->time_ms = (int64_t) time;
	strcpy(note->name, value);
	return true;
}
