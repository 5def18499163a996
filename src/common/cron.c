/*
 * cron.c
 *		See cron.h. First the parser, then the search for the next due moment.
 */
#include "common/cron.h"

#include <stdio.h>
#include <string.h>

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

#define BLANKS " \t\r\n"

enum
{
	MINUTE,
	HOUR,
	DAY,
	MONTH,
	WEEKDAY,
	FIELD_COUNT
};

static const char *const month_names[] = {"jan", "feb", "mar", "apr", "may", "jun", "jul",
										  "aug", "sep", "oct", "nov", "dec", NULL};
static const char *const weekday_names[] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat", NULL};

static const struct
{
	const char *name;
	int low;
	int high;				  /* what "N/step" runs to */
	int star_high;			  /* what "*" runs to: without Sunday's second number */
	const char *const *words; /* the first one means low */
	const char *hint;
} fields[FIELD_COUNT] = {
	[MINUTE] = {"minute", 0, 59, 59, NULL,
				"Minutes are 0 to 59, as in \"30\", \"0,30\", \"0-10\" or \"*/15\"."},
	[HOUR] = {"hour", 0, 23, 23, NULL,
			  "Hours are 0 to 23, as in \"3\", \"1,13\", \"8-18\" or \"*/6\"."},
	[DAY] = {"day-of-month", 1, 31, 31, NULL,
			 "Days of the month are 1 to 31, as in \"1\", \"1,15\", \"1-7\" or \"*/2\"."},
	[MONTH] = {"month", 1, 12, 12, month_names,
			   "Months are 1 to 12 or jan to dec, as in \"1\", \"jan,jul\", \"6-8\" or \"*/3\"."},
	[WEEKDAY] = {"day-of-week", 0, 7, 6, weekday_names,
				 "Days of the week are 0 to 7 or sun to sat, 0 and 7 being Sunday, as in \"0\", "
				 "\"mon,thu\" or \"mon-fri\"."},
};

static const struct
{
	const char *name;
	const char *text;
} aliases[] = {
	{"@hourly", "0 * * * *"},	{"@daily", "0 0 * * *"},   {"@midnight", "0 0 * * *"},
	{"@weekly", "0 0 * * 0"},	{"@monthly", "0 0 1 * *"}, {"@yearly", "0 0 1 1 *"},
	{"@annually", "0 0 1 1 *"},
};

/* Every bit from low to high. */
#define BITS(low, high) (~UINT64_C(0) >> (63 - (high)) & ~UINT64_C(0) << (low))

typedef struct Parser
{
	const char *text;
	const char *at;
	int field;
	uint64_t sets[FIELD_COUNT];
	bool wildcard_hour;
	size_t *position;
	PgbrError *error;
} Parser;

/* A piece of the text that is fit for a message: ASCII without control characters, and short. */
typedef struct Excerpt
{
	char text[68];
} Excerpt;

static Excerpt
excerpt(const char *text, size_t length)
{
	const size_t room = 60;
	Excerpt result;
	size_t i;

	for (i = 0; i < length && i < room; i++)
		result.text[i] = text[i] < ' ' || text[i] > '~' ? '?' : text[i];
	strcpy(result.text + i, length > room ? "..." : "");
	return result;
}

static bool
cron_fail(Parser *parser, const char *at, const char *message, const char *hint)
{
	size_t position = (size_t) (at - parser->text);

	if (parser->position)
		*parser->position = position;
	pgbr_error_set(parser->error, PGBR_ERROR_INVALID_VALUE, "invalid schedule \"%s\": %s",
				   excerpt(parser->text, strlen(parser->text)).text, message);
	if (parser->field < FIELD_COUNT)
		pgbr_error_detail(parser->error, "The error is at offset %zu, in the %s field.", position,
						  fields[parser->field].name);
	else
		pgbr_error_detail(parser->error, "The error is at offset %zu.", position);
	return pgbr_error_hint(parser->error, "%s", hint);
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static char
to_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char) (c - 'A' + 'a') : c;
}

/* True when length bytes spell word, in any case. The C library's comparison heeds the locale. */
static bool
is_word(const char *text, size_t length, const char *word)
{
	for (size_t i = 0; i < length; i++)
	{
		if (to_lower(text[i]) != word[i])
			return false;
	}
	return word[length] == '\0';
}

/* The bytes up to the end of a value, element or field. */
static size_t
token_length(const char *at)
{
	return strcspn(at, "-/," BLANKS);
}

static int
read_number(Parser *parser)
{
	int number = 0;

	for (; is_digit(*parser->at); parser->at++)
	{
		if (number < 100000)
			number = number * 10 + (*parser->at - '0');
	}
	return number;
}

static bool
read_name(Parser *parser, int *value)
{
	const char *const *words = fields[parser->field].words;
	size_t length = token_length(parser->at);

	for (int i = 0; words && words[i]; i++)
	{
		if (is_word(parser->at, length, words[i]))
		{
			*value = fields[parser->field].low + i;
			parser->at += length;
			return true;
		}
	}
	return false;
}

static bool
read_value(Parser *parser, int *value)
{
	const char *start = parser->at;
	size_t length = token_length(start);
	char message[120];

	if (length == 0)
		return cron_fail(parser, start, "a value is missing", fields[parser->field].hint);
	if (read_name(parser, value))
		return true;
	*value = read_number(parser);
	if (parser->at != start + length)
	{
		snprintf(message, sizeof(message), "\"%s\" is not a value of this field",
				 excerpt(start, length).text);
		return cron_fail(parser, start, message, fields[parser->field].hint);
	}
	if (*value < fields[parser->field].low || *value > fields[parser->field].high)
	{
		snprintf(message, sizeof(message), "%s is out of range", excerpt(start, length).text);
		return cron_fail(parser, start, message, fields[parser->field].hint);
	}
	return true;
}

/* The end of a range, which must not lie before its start. */
static bool
read_range_end(Parser *parser, const char *start, int low, int *high)
{
	int field = parser->field;
	char message[200];
	char hint[100];

	if (!read_value(parser, high))
		return false;
	if (field == WEEKDAY && *high == 0 && low > 0)
		*high = 7;
	if (low <= *high)
		return true;
	snprintf(message, sizeof(message), "the range %s runs backwards",
			 excerpt(start, (size_t) (parser->at - start)).text);
	snprintf(hint, sizeof(hint), "A range runs upwards: write it as a list, \"%d-%d,%d-%d\".", low,
			 fields[field].high, fields[field].high == 7 ? 1 : fields[field].low, *high);
	return cron_fail(parser, start, message, hint);
}

static bool
read_step(Parser *parser, int low, int high, int *step)
{
	const char *start = parser->at;
	size_t length = token_length(start);
	char message[120];
	char hint[120];

	*step = read_number(parser);
	if (length == 0 || parser->at != start + length || *step == 0)
		return cron_fail(parser, start, "a step is a whole number from 1",
						 "Write \"*/2\" for every second value.");
	if (*step <= high - low + 1)
		return true;
	snprintf(message, sizeof(message), "step %s is larger than its range",
			 excerpt(start, length).text);
	snprintf(hint, sizeof(hint), "The range %d-%d has %d values; for the first alone write \"%d\".",
			 low, high, high - low + 1, low);
	return cron_fail(parser, start, message, hint);
}

static bool
read_element(Parser *parser)
{
	const char *start = parser->at;
	int field = parser->field;
	bool is_star = *start == '*';
	int low = fields[field].low;
	int high = fields[field].star_high;
	int step = 1;

	if (is_star)
		parser->at++;
	else if (!read_value(parser, &low))
		return false;
	else
		high = low;
	if (!is_star && *parser->at == '-')
	{
		parser->at++;
		if (!read_range_end(parser, start, low, &high))
			return false;
	}
	else if (!is_star && *parser->at == '/')
		high = fields[field].high;
	if (*parser->at == '/')
	{
		parser->at++;
		if (!read_step(parser, low, high, &step))
			return false;
	}
	for (int value = low; value <= high; value += step)
		parser->sets[field] |= UINT64_C(1) << (field == WEEKDAY ? value % 7 : value);
	if (field == HOUR && low == 0 && high == 23)
		parser->wildcard_hour = true;
	return true;
}

static bool
read_field(Parser *parser)
{
	for (;;)
	{
		if (!read_element(parser))
			return false;
		if (*parser->at == '\0' || strchr(BLANKS, *parser->at))
			return true;
		if (*parser->at != ',')
		{
			char message[120];

			snprintf(message, sizeof(message), "unexpected \"%s\"",
					 excerpt(parser->at, strcspn(parser->at, "," BLANKS)).text);
			return cron_fail(parser, parser->at, message, fields[parser->field].hint);
		}
		parser->at++;
	}
}

/* Without weekdays that would make up for it, a day of the month must exist in a month. */
static bool
check_date(Parser *parser, const char *day_start)
{
	static const int month_days[] = {0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	parser->field = DAY;
	if (parser->sets[WEEKDAY] != BITS(0, 6))
		return true;
	for (int month = 1; month <= 12; month++)
	{
		if (parser->sets[MONTH] >> month & 1 && parser->sets[DAY] & BITS(1, month_days[month]))
			return true;
	}
	return cron_fail(parser, day_start, "no month that it names has such a day",
					 "February has at most 29 days; April, June, September and November have 30.");
}

static bool
read_fields(Parser *parser)
{
	const char *starts[FIELD_COUNT + 1];
	int count = 0;

	for (const char *at = parser->text + strspn(parser->text, BLANKS); *at;)
	{
		if (count <= FIELD_COUNT)
			starts[count] = at;
		count++;
		at += strcspn(at, BLANKS);
		at += strspn(at, BLANKS);
	}
	parser->field = FIELD_COUNT;
	if (count == 0)
		return cron_fail(parser, parser->text, "it is empty",
						 "Write minute, hour, day of month, month and day of week, as in "
						 "\"0 2 * * 0\".");
	if (count > FIELD_COUNT)
		return cron_fail(
			parser, starts[FIELD_COUNT], "it has more than five fields",
			"Schedules have no seconds and no years: write minute, hour, day of month, "
			"month and day of week, as in \"0 2 * * 0\".");
	if (count < FIELD_COUNT)
		return cron_fail(parser, parser->text + strlen(parser->text),
						 "it has fewer than five fields",
						 "Write minute, hour, day of month, month and day of week, as in "
						 "\"0 2 * * 0\".");
	for (int field = 0; field < FIELD_COUNT; field++)
	{
		parser->field = field;
		parser->at = starts[field];
		if (!read_field(parser))
			return false;
	}
	return check_date(parser, starts[DAY]);
}

static bool
read_alias(Parser *parser, const char *start)
{
	size_t length = strcspn(start, BLANKS);
	const char *rest = start + length + strspn(start + length, BLANKS);

	parser->field = FIELD_COUNT;
	if (*rest)
		return cron_fail(parser, rest, "nothing may follow a name with @",
						 "Write the name alone, or five fields.");
	if (is_word(start, length, "@reboot"))
		return cron_fail(parser, start, "@reboot is not a time",
						 "A missed backup is caught up by itself after a start.");
	for (size_t i = 0; i < LENGTH(aliases); i++)
	{
		if (is_word(start, length, aliases[i].name))
		{
			parser->text = aliases[i].text;
			return read_fields(parser);
		}
	}
	return cron_fail(parser, start, "unknown name with @",
					 "The names are @hourly, @daily, @midnight, @weekly, @monthly, @yearly and "
					 "@annually.");
}

bool
pgbr_cron_parse(const char *text, PgbrCron *cron, size_t *position, PgbrError *error)
{
	Parser parser = {.text = text, .position = position, .error = error};
	const char *start = text + strspn(text, BLANKS);

	if (*start == '@' ? !read_alias(&parser, start) : !read_fields(&parser))
		return false;
	*cron = (PgbrCron){
		.minutes = parser.sets[MINUTE],
		.hours = (uint32_t) parser.sets[HOUR],
		.days = (uint32_t) parser.sets[DAY],
		.months = (uint16_t) parser.sets[MONTH],
		.weekdays = (uint8_t) parser.sets[WEEKDAY],
		.wildcard_hour = parser.wildcard_hour || parser.sets[HOUR] == BITS(0, 23),
	};
	return true;
}

#define DAY_SECONDS INT64_C(86400)

/* More than eight years, the longest wait for a 29 February (from 2096 to 2104). */
#define HORIZON (9 * 366 * DAY_SECONDS)

/*
 * PostgreSQL takes zones up to 167 hours from UTC, so a clock never jumps farther than two weeks.
 */
#define MAX_OFFSET (7 * DAY_SECONDS)
#define MAX_JUMP   (2 * MAX_OFFSET)

/* Real zones change at most a dozen times a year; this bounds the work in one that is made up. */
#define MAX_CHANGES 1000

/* The year 9999, far from any overflow. */
#define MAX_MOMENT INT64_C(253402300800)

/* Month and day of month of a day counted from 1970-01-01, in the proleptic Gregorian calendar. The
 * year is taken to begin in March, which puts the leap day last. */
static void
civil_date(int64_t day, int *month, int *day_of_month)
{
	int64_t shifted = day + 719468; /* from 0000-03-01 */
	int64_t era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
	int day_of_era = (int) (shifted - era * 146097);
	int year_of_era =
		(day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	int day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	int month_from_march = (5 * day_of_year + 2) / 153;

	*month = month_from_march < 10 ? month_from_march + 3 : month_from_march - 9;
	*day_of_month = day_of_year - (153 * month_from_march + 2) / 5 + 1;
}

static bool
day_matches(const PgbrCron *cron, int64_t day)
{
	int month;
	int day_of_month;
	bool day_fits;
	bool weekday_fits;

	civil_date(day, &month, &day_of_month);
	if (!(cron->months >> month & 1))
		return false;
	day_fits = cron->days >> day_of_month & 1;
	weekday_fits = cron->weekdays >> (((day + 4) % 7 + 7) % 7) & 1; /* 1970-01-01 was a Thursday */
	if (cron->days != BITS(1, 31) && cron->weekdays != BITS(0, 6))
		return day_fits || weekday_fits;
	return day_fits && weekday_fits;
}

/* The first minute of the day, from one on, that matches. */
static bool
find_minute(const PgbrCron *cron, int from, int *found)
{
	for (int hour = from / 60; hour < 24; hour++)
	{
		uint64_t minutes = cron->minutes & BITS(hour == from / 60 ? from % 60 : 0, 59);

		if (cron->hours >> hour & 1 && minutes != 0)
		{
			*found = hour * 60 + __builtin_ctzll(minutes);
			return true;
		}
	}
	return false;
}

/* The first full minute of local time in [from, to) that matches. */
static bool
find_local(const PgbrCron *cron, int64_t from, int64_t to, int64_t *found)
{
	int64_t day = (from >= 0 ? from : from - (DAY_SECONDS - 1)) / DAY_SECONDS;
	int minute = (int) ((from - day * DAY_SECONDS + 59) / 60);

	for (; day * DAY_SECONDS < to; day++, minute = 0)
	{
		if (day_matches(cron, day) && find_minute(cron, minute, &minute))
		{
			*found = day * DAY_SECONDS + minute * 60;
			return *found < to;
		}
	}
	return false;
}

static int64_t
max(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/*
 * Walk the stretches of time in which the offset stays the same, beginning early enough to know how
 * far the local clock had come before (seen): below that, a local time comes a second time, and a
 * stretch that begins above it has been jumped into.
 */
bool
pgbr_cron_next(const PgbrCron *cron, const PgbrZone *zone, int64_t after, int64_t *next)
{
	int64_t start;
	int64_t seen = INT64_MIN;

	if (after < -MAX_MOMENT || after > MAX_MOMENT)
		return false;
	start = after - MAX_JUMP;
	for (int changes = 0; changes < MAX_CHANGES && start <= after + HORIZON; changes++)
	{
		int32_t offset;
		int64_t until;
		int64_t end;
		int64_t local;
		bool jumped;

		if (!zone->lookup(zone->data, start, &offset, &until) || until <= start ||
			offset < -MAX_OFFSET || offset > MAX_OFFSET)
			return false;
		end = until < after + HORIZON ? until : after + HORIZON + 1;
		jumped = seen != INT64_MIN && seen < start + offset;
		if (jumped && start > after && !cron->wildcard_hour &&
			find_local(cron, seen, start + offset, &local))
		{
			*next = start;
			return true;
		}
		local = max(start, after + 1) + offset;
		if (!cron->wildcard_hour)
			local = max(local, seen);
		if (find_local(cron, local, end + offset, &local))
		{
			*next = local - offset;
			return true;
		}
		seen = max(seen, end + offset);
		start = until;
	}
	return false;
}
