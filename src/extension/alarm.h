/*
 * alarm.h
 *		Sleep until a moment of the day, as exactly as the kernel can, without waking before.
 *
 * WaitLatch knows intervals only: to notice that the clock was set it would have to poll.
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

/* Return at the moment (seconds since 1970; PG_INT64_MAX: never), earlier when the clock or the
 * latch is set. Resets the latch. Ends the process with the postmaster. */
extern void alarm_sleep(Alarm *alarm, int64 moment);

#endif
