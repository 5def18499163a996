/*
 * zone.h
 *		The server's time zones, as common/cron wants them.
 */
#ifndef PGBR_ZONE_H
#define PGBR_ZONE_H

#include "common/cron.h"
#include "pgtime.h"

/* The zone of a name such as Europe/Berlin; the session's TimeZone when the name is empty or
 * NULL; NULL for an unknown name. Lives as long as the process. */
extern pg_tz *zone_find(const char *name);

/* A view of a zone for pgbr_cron_next. */
extern PgbrZone zone_of(pg_tz *tz);

#endif
