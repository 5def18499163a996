/*
 * clock.c
 *		See clock.h.
 */
#include "program/clock.h"

#include "common/moment.h"

#include <stdio.h>
#include <time.h>

static int64_t
read_clock(clockid_t id)
{
	struct timespec now;

	clock_gettime(id, &now);
	return (int64_t) now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t
clock_now_ms(void)
{
	return read_clock(CLOCK_REALTIME);
}

int64_t
clock_monotonic_ms(void)
{
	return read_clock(CLOCK_MONOTONIC);
}

/* The last millisecond of the year 9999. */
#define LAST_MS INT64_C(253402300799999)

static bool
is_in_range(int64_t ms)
{
	return ms >= 0 && ms <= LAST_MS;
}

void
clock_format(int64_t ms, char *text)
{
	time_t seconds;
	struct tm tm;
	size_t length;

	if (!is_in_range(ms))
		ms = ms < 0 ? 0 : LAST_MS;
	seconds = (time_t) (ms / 1000);
	gmtime_r(&seconds, &tm);
	length = strftime(text, CLOCK_TEXT_SIZE, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text + length, CLOCK_TEXT_SIZE - length, ".%03dZ", (int) (ms % 1000));
}

void
clock_format_seconds(int64_t seconds, char *text)
{
	if (seconds > LAST_MS / 1000)
		clock_format(LAST_MS, text);
	else
		clock_format(seconds < 0 ? 0 : seconds * 1000, text);
}

bool
clock_parse(const char *text, int64_t *ms)
{
	const char *ignored;
	int64_t us;

	if (!moment_parse(text, false, &us, &ignored))
		return false;
	*ms = us / 1000;
	return true;
}
