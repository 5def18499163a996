/*
 * cron.h
 *		A schedule in cron's five fields: parse it, and find the next moment at which it is due in a
 *		time zone.
 *
 * Pure: no clock, no environment, no locale, no memory to free; safe in any thread. Moments are
 * seconds since 1970-01-01 00:00:00 UTC. The zone is handed in (PgbrZone), so that the extension
 * uses the server's own zone data and nothing here depends on the TZ of a process.
 *
 * The dialect
 *	minute hour day-of-month month day-of-week, separated by blanks
 *	0-59   0-23 1-31         1-12  0-7 (0 and 7 are Sunday)
 *
 *	- each field is a list of elements: "*", "N", "N-M", each of them with or without "/step"
 *	- "N/step" means "N-max/step": "30 0/1 * * *" is every hour at :30
 *	- months and weekdays have names, three letters in any case: jan-dec, sun-sat
 *	- a range runs upwards; only Sunday may end one of weekdays (fri-sun, 5-0)
 *	- a step is at least 1 and at most the number of values in its range
 *	- a day field is restricted when it leaves out at least one day. When both are, a day that
 *	  matches either is due; else it must match both. So any step but 1 in day-of-month restricts
 *	  it, as in croniter; vixie cron would go by the asterisk.
 *	- @hourly, @daily, @midnight, @weekly, @monthly, @yearly and @annually, in any case
 *	- six fields, a date that never comes (31 February) and @reboot are refused
 *
 * Daylight saving
 *	An hour field is a wildcard when one of its elements spans the whole day, whatever its step
 *	("*", "*" "/2", "0/2", "0-23"), or when it names all 24 hours. Such a schedule is due whenever a
 *	local clock shows a time that matches: a skipped hour has no run and a repeated hour runs again,
 *	so the runs follow the hours that pass. Any other schedule means fixed local times. One that
 *	does not exist because the clock jumps over it is due once, at the moment of the jump; one that
 *	comes twice is due the first time only.
 */
#ifndef PGBR_CRON_H
#define PGBR_CRON_H

#include "common/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Plain values: may be copied and dropped. Bit n of a set stands for the value n. */
typedef struct PgbrCron
{
	uint64_t minutes;
	uint32_t hours;
	uint32_t days;
	uint16_t months;
	uint8_t weekdays;	/* 0 to 6, Sunday is 0 */
	bool wildcard_hour; /* follows the hours that pass, see above */
} PgbrCron;

/*
 * A time zone. lookup gives the offset that is in force at a moment, in seconds east of UTC, and
 * the first later moment at which that may change, INT64_MAX when there is none; it may name
 * moments at which nothing changes. False when it can't tell. Must be pure.
 */
typedef struct PgbrZone
{
	bool (*lookup)(const void *data, int64_t moment, int32_t *offset, int64_t *until);
	const void *data;
} PgbrZone;

/*
 * Parse a schedule. False: INVALID_VALUE with a hint; *position, unless NULL, is the offset in
 * bytes of what is wrong, which the detail names too. The message quotes at most the beginning of
 * text.
 */
extern bool pgbr_cron_parse(const char *text, PgbrCron *cron, size_t *position, PgbrError *error);

/*
 * The first due moment later than after. False when there is none within nine years, which is
 * longer than any two 29 February lie apart, or when the zone can't tell. Takes microseconds; a
 * millisecond in the worst case.
 */
extern bool
pgbr_cron_next(const PgbrCron *cron, const PgbrZone *zone, int64_t after, int64_t *next);

#endif
