/*
 * alarm.c
 *		See alarm.h. By a timer on the real clock that also goes off when that is set.
 */
#include "postgres.h"

#include "extension/alarm.h"
#include "extension/compat.h"
#include "miscadmin.h"
#include "pgstat.h"

#include <sys/timerfd.h>
#include <unistd.h>

void
alarm_init(Alarm *alarm)
{
	alarm->timer = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);
	if (alarm->timer < 0)
		elog(ERROR, "could not create a timer: %m");
	alarm->events = create_wait_event_set(3);
	AddWaitEventToSet(alarm->events, WL_LATCH_SET, PGINVALID_SOCKET, MyLatch, NULL);
	AddWaitEventToSet(alarm->events, WL_EXIT_ON_PM_DEATH, PGINVALID_SOCKET, NULL, NULL);
	AddWaitEventToSet(alarm->events, WL_SOCKET_READABLE, alarm->timer, NULL, NULL);
}

void
alarm_sleep(Alarm *alarm, int64 moment)
{
	struct itimerspec when = {{0, 0}, {moment == PG_INT64_MAX ? 0 : (time_t) moment, 0}};
	WaitEvent event;
	uint64 ticks;

	if (timerfd_settime(alarm->timer, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &when, NULL) !=
		0)
		elog(ERROR, "could not set a timer: %m");
	(void) WaitEventSetWait(alarm->events, -1, &event, 1, PG_WAIT_EXTENSION);
	/* says ECANCELED when the clock was set, which is as good */
	(void) !read(alarm->timer, &ticks, sizeof(ticks));
	ResetLatch(MyLatch);
}
