/*
 * moment.c
 *		See moment.h.
 */
#include "common/moment.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define SECOND_US 1000000

/* PostgreSQL knows no zone further from UTC than this. */
#define MAX_OFFSET_HOURS 15

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Exactly count digits at *text, which moves on; false when there are fewer. */
static bool
take_digits(const char **text, int count, int *value)
{
	*value = 0;
	for (; count > 0; count--, (*text)++)
	{
		if (!is_digit(**text))
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

/* At least one digit. More than six are refused when exact, and else dropped. */
static bool
take_fraction(const char **text, bool exact, int *us)
{
	int scale = SECOND_US / 10;

	*us = 0;
	if (!is_digit(**text))
		return false;
	for (; is_digit(**text); (*text)++, scale /= 10)
	{
		if (scale == 0 && exact)
			return false;
		*us += (**text - '0') * scale;
	}
	return true;
}

/* What is left of the text must be a zone. */
static bool
take_zone(const char *text, int *offset_minutes)
{
	int hours;
	int minutes = 0;
	int sign;

	if (strcmp(text, "Z") == 0 || strcmp(text, "z") == 0 || strcmp(text, "UTC") == 0)
	{
		*offset_minutes = 0;
		return true;
	}
	sign = *text == '-' ? -1 : 1;
	if (!take_char(&text, "+-") || !take_digits(&text, 2, &hours))
		return false;
	if (*text != '\0')
	{
		take_char(&text, ":");
		if (!take_digits(&text, 2, &minutes))
			return false;
	}
	*offset_minutes = (hours * 60 + minutes) * sign;
	return *text == '\0' && hours <= MAX_OFFSET_HOURS && minutes < 60;
}

/* True when the calendar has this moment: timegm carries over what is out of range. */
static bool
to_seconds(const struct tm *tm, int64_t *seconds)
{
	struct tm checked = *tm;

	*seconds = timegm(&checked);
	return checked.tm_year == tm->tm_year && checked.tm_mon == tm->tm_mon &&
		   checked.tm_mday == tm->tm_mday && checked.tm_hour == tm->tm_hour &&
		   checked.tm_min == tm->tm_min && checked.tm_sec == tm->tm_sec;
}

bool
moment_parse(const char *text, bool exact, int64_t *us, const char **reason)
{
	struct tm tm = {0};
	int64_t seconds;
	int offset_minutes;
	int fraction = 0;

	*reason = "It has the form YYYY-MM-DD HH:MM:SS+ZZ, as in 2024-10-23 14:11:04+00.";
	if (!take_digits(&text, 4, &tm.tm_year) || !take_char(&text, "-") ||
		!take_digits(&text, 2, &tm.tm_mon) || !take_char(&text, "-") ||
		!take_digits(&text, 2, &tm.tm_mday) || !take_char(&text, "Tt ") ||
		!take_digits(&text, 2, &tm.tm_hour) || !take_char(&text, ":") ||
		!take_digits(&text, 2, &tm.tm_min) || !take_char(&text, ":") ||
		!take_digits(&text, 2, &tm.tm_sec))
		return false;
	if (take_char(&text, ".") && !take_fraction(&text, exact, &fraction))
	{
		if (is_digit(*text))
			*reason = "It has more than six digits of a second: PostgreSQL keeps microseconds.";
		return false;
	}
	take_char(&text, " ");
	if (*text == '\0')
	{
		*reason = "It has no time zone, and could mean several moments: add Z or an offset, as in "
				  "2024-10-23 14:11:04+00.";
		return false;
	}
	if (!take_zone(text, &offset_minutes))
	{
		*reason = "Its time zone is not one of Z, UTC, or an offset as +02, +0200 or +02:00; names "
				  "of zones mean different offsets in different places.";
		return false;
	}
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	if (!to_seconds(&tm, &seconds))
	{
		*reason = "There is no such moment in the calendar.";
		return false;
	}
	seconds -= (int64_t) offset_minutes * 60;
	*us = seconds * SECOND_US + fraction;
	*reason = "The years 1970 to 9999 can be given.";
	return seconds >= 0 && seconds < INT64_C(253402300800);
}

void
moment_format(int64_t us, char *text)
{
	time_t seconds = (time_t) (us / SECOND_US);
	struct tm tm;
	size_t length;

	gmtime_r(&seconds, &tm);
	length = strftime(text, MOMENT_TEXT_SIZE, "%Y-%m-%d %H:%M:%S", &tm);
	snprintf(text + length, MOMENT_TEXT_SIZE - length, ".%06d+00", (int) (us % SECOND_US));
}
