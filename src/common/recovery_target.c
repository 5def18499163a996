/*
 * recovery_target.c
 *		See recovery_target.h.
 */
#include "common/recovery_target.h"

#include "common/vocabulary.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SECOND_US 1000000

/* PostgreSQL knows no zone further from UTC than this. */
#define MAX_OFFSET_HOURS 15

/* Transaction ids below this have a meaning of their own. */
#define FIRST_NORMAL_XID 3

static const struct
{
	const char *word;
	bool wants_target;
	bool may_exclude;
} types[] = {
#define X(name, text, wants_target, may_exclude) {text, wants_target, may_exclude},
	PGBR_RECOVERY_TYPES(X)
#undef X
};

const char *
recovery_type_name(RecoveryType type)
{
	return types[type].word;
}

bool
recovery_type_parse(const char *word, RecoveryType *type)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
	{
		if (strcmp(types[i].word, word) == 0)
		{
			*type = (RecoveryType) i;
			return true;
		}
	}
	return false;
}

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

/* 1 to 6 digits; more could not be kept, and would name another moment */
static bool
take_fraction(const char **text, int *us)
{
	int scale = SECOND_US / 10;

	*us = 0;
	if (!is_digit(**text))
		return false;
	for (; is_digit(**text); (*text)++, scale /= 10)
	{
		if (scale == 0)
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
recovery_time_parse(const char *text, int64_t *us, const char **reason)
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
	if (take_char(&text, ".") && !take_fraction(&text, &fraction))
		return false;
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
recovery_time_format(int64_t us, char *text)
{
	time_t seconds = (time_t) (us / SECOND_US);
	struct tm tm;
	size_t length;

	gmtime_r(&seconds, &tm);
	length = strftime(text, RECOVERY_TEXT_SIZE, "%Y-%m-%d %H:%M:%S", &tm);
	snprintf(text + length, RECOVERY_TEXT_SIZE - length, ".%06d+00", (int) (us % SECOND_US));
}

bool
recovery_lsn_parse(const char *text, uint64_t *lsn)
{
	char *low;
	uint64_t high;

	if (!pgbr_is_lsn(text))
		return false;
	high = strtoull(text, &low, 16);
	*lsn = high << 32 | strtoull(low + 1, NULL, 16);
	return true;
}

void
recovery_lsn_format(uint64_t lsn, char *text)
{
	snprintf(text, RECOVERY_TEXT_SIZE, "%" PRIX32 "/%" PRIX32, (uint32_t) (lsn >> 32),
			 (uint32_t) lsn);
}

bool
recovery_number_parse(const char *text, uint64_t *number)
{
	*number = 0;
	if (*text == '\0')
		return false;
	for (; *text; text++)
	{
		if (!is_digit(*text) || *number > (UINT64_MAX - (uint64_t) (*text - '0')) / 10)
			return false;
		*number = *number * 10 + (uint64_t) (*text - '0');
	}
	return true;
}

static bool
refuse(PgbrError *error, const char *value, const char *option, const char *why)
{
	pgbr_error_set(error, PGBR_ERROR_INVALID_VALUE, "invalid value \"%s\" for %s", value, option);
	return pgbr_error_detail(error, "%s", why);
}

static bool
take_target(RecoveryTarget *target, const char *text, PgbrError *error)
{
	const char *reason;

	switch (target->type)
	{
		case RECOVERY_TIME:
			if (!recovery_time_parse(text, &target->time_us, &reason))
				return refuse(error, text, "--target", reason);
			recovery_time_format(target->time_us, target->text);
			return true;
		case RECOVERY_LSN:
			if (!recovery_lsn_parse(text, &target->lsn) || target->lsn == 0)
				return refuse(error, text, "--target", "An LSN has the form 0/5000028.");
			recovery_lsn_format(target->lsn, target->text);
			return true;
		case RECOVERY_XID:
			if (!recovery_number_parse(text, &target->xid) ||
				(uint32_t) target->xid < FIRST_NORMAL_XID)
				return refuse(error, text, "--target",
							  "A transaction id is a whole number from 3 on, as "
							  "pg_current_xact_id() gives it.");
			snprintf(target->text, sizeof(target->text), "%" PRIu64, target->xid);
			return true;
		default:
			if (!pgbr_is_restore_point_name(text))
				return refuse(error, text, "--target",
							  "The name of a restore point has 1 to 63 bytes, without quotes, "
							  "backslash, control characters, and without a blank at its ends.");
			strcpy(target->text, text);
			return true;
	}
}

static bool
take_type(RecoveryTarget *target, const char *type, const char *text, PgbrError *error)
{
	if (type == NULL)
	{
		if (text == NULL)
			return true;
		pgbr_error_set(error, PGBR_ERROR_INVALID_VALUE, "--target needs --type");
		return pgbr_error_hint(error, "Use one of time, lsn, name, xid.");
	}
	if (!recovery_type_parse(type, &target->type))
	{
		pgbr_error_set(error, PGBR_ERROR_INVALID_VALUE, "invalid value \"%s\" for --type", type);
		return pgbr_error_hint(error, "Use one of " PGBR_RECOVERY_TYPE_WORDS ".");
	}
	if (types[target->type].wants_target && text == NULL)
		return pgbr_error_set(error, PGBR_ERROR_INVALID_VALUE, "--type=%s needs --target", type);
	if (!types[target->type].wants_target && text)
		return pgbr_error_set(error, PGBR_ERROR_INVALID_VALUE, "--type=%s takes no --target", type);
	return true;
}

bool
recovery_target_parse(RecoveryTarget *target, const char *type, const char *text, bool exclusive,
					  const char *set, const char *timeline, PgbrError *error)
{
	uint64_t number = 0;

	memset(target, 0, sizeof(*target));
	type = type && *type ? type : NULL;
	text = text && *text ? text : NULL;
	if (!take_type(target, type, text, error) || (text && !take_target(target, text, error)))
		return false;
	if (exclusive && !types[target->type].may_exclude)
	{
		pgbr_error_set(error, PGBR_ERROR_INVALID_VALUE, "--target-exclusive can't be given here");
		return pgbr_error_hint(error, "It goes with --type=time, --type=lsn and --type=xid.");
	}
	target->exclusive = exclusive;
	if (set && *set)
	{
		if (!pgbr_is_backup_label(set))
			return refuse(error, set, "--set",
						  "A backup's label has the form 20241023-141104F or "
						  "20241023-141104F_20241024-141104I.");
		strcpy(target->set, set);
	}
	if (timeline && *timeline)
	{
		if (!recovery_number_parse(timeline, &number) || number == 0 || number > UINT32_MAX)
			return refuse(error, timeline, "--target-timeline",
						  "It is a timeline's decimal number. Without it the timeline of the "
						  "leader is followed, and the name of a restore point knows its own.");
		target->timeline = (uint32_t) number;
	}
	return true;
}

bool
recovery_target_equal(const RecoveryTarget *a, const RecoveryTarget *b)
{
	return a->type == b->type && strcmp(a->text, b->text) == 0 && a->exclusive == b->exclusive &&
		   strcmp(a->set, b->set) == 0 && a->timeline == b->timeline;
}
