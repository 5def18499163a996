/*
 * schedule.h
 *		The schedules in force: from the settings, or where those are empty from the values file.
 */
#ifndef PGBR_SCHEDULE_H
#define PGBR_SCHEDULE_H

#include "common/schedule_plan.h"
#include "pgtime.h"

typedef struct ScheduleEntry
{
	const char *text;	/* "" when this type is not scheduled */
	const char *source; /* "setting", "values file" or "" */
	PgbrCron cron;		/* when is_valid */
	bool is_valid;
	const char *error; /* why it is not, or why a newer text was refused; or NULL */
} ScheduleEntry;

typedef struct ScheduleSettings
{
	ScheduleEntry types[PGBR_BACKUP_TYPE_COUNT]; /* by PgbrBackupType */
	pg_tz *zone;								 /* never NULL */
	const char *zone_name;
	bool backup_from_standby;
	const char *error; /* what is wrong with the values file or the time zone, or NULL */
} ScheduleSettings;

/* Read them; everything is palloc'd in the current context. An entry that is wrong says why; the
 * others are in force. */
extern void schedule_read(ScheduleSettings *settings);

/* Why nothing runs the schedules at this server, and what to do; NULL when a scheduler runs them.
 * palloc'd or constant. */
extern const char *schedule_idle_reason(void);

/* Log what is wrong in them. */
extern void schedule_report(const ScheduleSettings *settings);

#endif
