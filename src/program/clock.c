/*
 * clock.c
 *		See clock.h.
 */
#include "program/clock.h"

#include <stdio.h>
#include <string.h>
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

/* Exactly count digits at *text, which moves on; false when there are fewer. */
static bool
take_digits(const char **text, int count, int *value)
{
	*value = 0;
	for (; count > 0; count--, (*text)++)
	{
		if (**text < '0' || **text > '9')
			return false;
		*value = *value * 10 + (**text - '0');
	}
	return true;
}

static bool
take_char(const char **text, const char *choices)
{
	if (**text == '\0' || strchr(choices, **text) == NULL)
		return false;
	(*text)++;
	return true;
}

static bool
take_zone(const char **text, int *offset_minutes)
{
	int hours;
	int minutes = 0;
	bool east = **text == '+';

	if (take_char(text, "Zz"))
	{
		*offset_minutes = 0;
		return true;
	}
	if (!take_char(text, "+-") || !take_digits(text, 2, &hours))
		return false;
	if (**text != '\0')
	{
		take_char(text, ":");
		if (!take_digits(text, 2, &minutes))
			return false;
	}
	*offset_minutes = (hours * 60 + minutes) * (east ? 1 : -1);
	return hours < 24 && minutes < 60;
}

bool
clock_parse(const char *text, int64_t *ms)
{
	struct tm tm = {0};
	struct tm checked;
	int offset_minutes;
	int fraction = 0;
	time_t seconds;

	if (!take_digits(&text, 4, &tm.tm_year) || !take_char(&text, "-") ||
		!take_digits(&text, 2, &tm.tm_mon) || !take_char(&text, "-") ||
		!take_digits(&text, 2, &tm.tm_mday) || !take_char(&text, "Tt ") ||
		!take_digits(&text, 2, &tm.tm_hour) || !take_char(&text, ":") ||
		!take_digits(&text, 2, &tm.tm_min) || !take_char(&text, ":") ||
		!take_digits(&text, 2, &tm.tm_sec))
		return false;
	if (take_char(&text, "."))
	{
		int scale = 100;

		if (*text < '0' || *text > '9')
			return false;
		for (; *text >= '0' && *text <= '9'; text++, scale /= 10)
			fraction += (*text - '0') * scale;
	}
	if (!take_zone(&text, &offset_minutes) || *text != '\0')
		return false;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	checked = tm;
	seconds = timegm(&checked);
	/* timegm carries over what is out of range: a date that exists comes back as it was */
	if (checked.tm_year != tm.tm_year || checked.tm_mon != tm.tm_mon ||
		checked.tm_mday != tm.tm_mday || checked.tm_hour != tm.tm_hour ||
		checked.tm_min != tm.tm_min || checked.tm_sec != tm.tm_sec)
		return false;
	*ms = ((int64_t) seconds - (int64_t) offset_minutes * 60) * 1000 + fraction;
	return is_in_range(*ms);
}
