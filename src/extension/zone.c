/*
 * zone.c
 *		See zone.h.
 */
#include "postgres.h"

#include "extension/zone.h"

pg_tz *
zone_find(const char *name)
{
	pg_tz *tz;

	if (name == NULL || name[0] == '\0')
		return session_timezone;
	tz = pg_tzset(name);
	/* as for TimeZone itself: days of 86400 s must hold */
	return tz && pg_tz_acceptable(tz) ? tz : NULL;
}

static bool
lookup(const void *data, int64_t moment, int32_t *offset, int64_t *until)
{
	const pg_tz *tz = data;
	pg_time_t at = (pg_time_t) moment;
	long before;
	long after;
	int before_is_dst;
	int after_is_dst;
	pg_time_t boundary;

	switch (
		pg_next_dst_boundary(&at, &before, &before_is_dst, &boundary, &after, &after_is_dst, tz))
	{
		case 0:
			*offset = (int32_t) before;
			*until = PG_INT64_MAX;
			return true;
		case 1:
			*offset = (int32_t) before;
			*until = boundary;
			return true;
		default:
			return false;
	}
}

PgbrZone
zone_of(pg_tz *tz)
{
	return (PgbrZone){lookup, tz};
}
