/*
 * clock_preload.c
 *		A clock of its own for the servers of a test: preloaded into postgres, it shifts the time of
 *		day by what a file says, so that a test need not wait for a minute, a night or a failover to
 *		come. See PgbrClock.pm, which writes the file.
 *
 * Shifted is CLOCK_REALTIME, however it is asked for, and a timer on it, which also goes off when
 * the file changes, as a real one does when the clock is set (TFD_TIMER_CANCEL_ON_SET). It shows
 * that as a readable descriptor; reading it gives no count of expirations, but fails.
 *
 * Not shifted: CLOCK_MONOTONIC and with it all time-outs; programs that a server starts, such as
 * its archive_command; and the postmaster, whose start Patroni compares with what the kernel says
 * of it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define SECOND INT64_C(1000000000)

/* What the file holds. It is written while it is read, so it says all twice. */
typedef struct Shift
{
	volatile int64_t microseconds;
	volatile int64_t complement;
} Shift;

/* What a timer is to its owner is an epoll descriptor, readable when one of these is. */
typedef struct Timer
{
	int epoll;
	int timer;
	int changes; /* of the file */
} Timer;

static const Shift *shift;
static pid_t postmaster;
static Timer timer = {-1, -1, -1};

__attribute__((constructor)) static void
begin(void)
{
	const char *path = getenv("PGBR_CLOCK");
	int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	void *map = mmap(NULL, sizeof(Shift), PROT_READ, MAP_SHARED, file, 0);

	if (map == MAP_FAILED)
	{
		perror("clock_preload: PGBR_CLOCK");
		_exit(1);
	}
	close(file);
	shift = map;
	postmaster = getpid();
	unsetenv("LD_PRELOAD");
}

/* Nanoseconds to add to the real time. */
static int64_t
ahead(void)
{
	int64_t microseconds;

	if (shift == NULL || getpid() == postmaster)
		return 0;
	do
		microseconds = shift->microseconds;
	while (shift->complement != ~microseconds);
	return microseconds * 1000;
}

static struct timespec
moved(struct timespec moment, int64_t nanoseconds)
{
	nanoseconds += moment.tv_sec * SECOND + moment.tv_nsec;
	return (struct timespec){nanoseconds / SECOND, nanoseconds % SECOND};
}

int
clock_gettime(clockid_t id, struct timespec *now)
{
	if (syscall(SYS_clock_gettime, id, now) != 0)
		return -1;
	if (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)
		*now = moved(*now, ahead());
	return 0;
}

int
gettimeofday(struct timeval *restrict now, void *restrict zone)
{
	struct timespec precise;

	(void) zone;
	(void) clock_gettime(CLOCK_REALTIME, &precise);
	*now = (struct timeval){precise.tv_sec, precise.tv_nsec / 1000};
	return 0;
}

time_t
time(time_t *copy)
{
	struct timespec now;

	(void) clock_gettime(CLOCK_REALTIME, &now);
	if (copy)
		*copy = now.tv_sec;
	return now.tv_sec;
}

static int
watch(int epoll, int descriptor)
{
	struct epoll_event event = {.events = EPOLLIN};

	return epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event);
}

/* One timer a process is enough for postgres. */
int
timerfd_create(clockid_t id, int flags)
{
	int descriptor = (int) syscall(SYS_timerfd_create, id, flags);

	if (id != CLOCK_REALTIME || descriptor < 0)
		return descriptor;
	if (timer.epoll >= 0)
	{
		close(descriptor);
		errno = EMFILE;
		return -1;
	}
	timer.timer = descriptor;
	timer.changes = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	timer.epoll = epoll_create1(EPOLL_CLOEXEC);
	if (inotify_add_watch(timer.changes, getenv("PGBR_CLOCK"), IN_MODIFY) < 0 ||
		watch(timer.epoll, timer.timer) != 0 || watch(timer.epoll, timer.changes) != 0)
		return -1;
	return timer.epoll;
}

int
timerfd_settime(int descriptor, int flags, const struct itimerspec *when, struct itimerspec *before)
{
	struct itimerspec real = *when;
	char changes[4096];

	if (descriptor == timer.epoll)
	{
		descriptor = timer.timer;
		while (read(timer.changes, changes, sizeof(changes)) > 0)
			;
		if ((flags & TFD_TIMER_ABSTIME) && (when->it_value.tv_sec || when->it_value.tv_nsec))
			real.it_value = moved(when->it_value, -ahead());
	}
	return (int) syscall(SYS_timerfd_settime, descriptor, flags, &real, before);
}
