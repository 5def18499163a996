/*
 * alarm.h
 *		Sleep until a moment of the day, as exactly as the kernel can, without waking before.
 *
 * WaitLatch knows intervals only: a clock that is set meanwhile would have to be polled for.
 */
#ifndef PGBR_ALARM_H
#define PGBR_ALARM_H

#include "postgres.h"

#include "storage/latch.h"

typedef struct Alarm
{
	int timer;
	WaitEventSet *events;
} Alarm;

/* Once a process, for its whole life. */
extern void alarm_init(Alarm *alarm);

/* Return when the moment has come (seconds since 1970; PG_INT64_MAX: never), when the clock was set,
 * or when the latch was, which is reset. Ends the process with the postmaster. */
extern void alarm_sleep(Alarm *alarm, int64 moment);

#endif
