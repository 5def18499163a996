// links:
// runs: 200000
/*
 * cron_fuzz.c
 *		Any text as a schedule, in any zone: what must hold of an error and of the next due moments.
 *
 * The input is a schedule up to a NUL byte, then the moment to start from (8 bytes), then a zone:
 * pairs of seconds until the next change of the clock and offset after it (4 bytes each).
 */
#include "common/cron.h"
#include "fuzz.h"

typedef struct Zone
{
	int64_t start;
	const uint8_t *pairs;
	size_t count;
} Zone;

static uint32_t
number(const uint8_t *data)
{
	uint32_t value;

	memcpy(&value, data, sizeof(value));
	return value;
}

static bool
lookup(const void *data, int64_t moment, int32_t *offset, int64_t *until)
{
	const Zone *zone = data;
	int64_t change = zone->start;

	*offset = 0;
	for (size_t i = 0; i < zone->count; i++)
	{
		change += number(zone->pairs + i * 8) % 100000000;
		if (change > moment)
		{
			*until = change;
			return true;
		}
		*offset = (int32_t) number(zone->pairs + i * 8 + 4) % 200000;
	}
	*until = INT64_MAX;
	return true;
}

static void
check_error(const char *text, size_t position, const PgbrError *error)
{
	MUST(error->code == PGBR_ERROR_INVALID_VALUE);
	MUST(position <= strlen(text));
	MUST(error->hint[0] && error->detail[0]);
	for (const char *p = error->message; *p; p++)
		MUST(*p >= ' ' && *p <= '~');
}

/* Three due moments, each the first one after any moment before it. */
static void
check_next(const PgbrCron *cron, const PgbrZone *zone, int64_t after)
{
	for (int i = 0; i < 3; i++)
	{
		int64_t next;
		int64_t again;

		/* behind the year 9999 there is nothing to ask */
		if (!pgbr_cron_next(cron, zone, after, &next) || next > INT64_C(253402300800))
			return;
		MUST(next > after && next - after < INT64_C(10) * 366 * 86400);
		MUST(pgbr_cron_next(cron, zone, next - 1, &again) && again == next);
		MUST(pgbr_cron_next(cron, zone, after + (next - after) / 2, &again));
		MUST(again == next || (next - after) / 2 >= next - after);
		after = next;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t length = strnlen((const char *) data, size);
	char *text = malloc(length + 1);
	Zone zone = {0, data, 0};
	PgbrZone cron_zone = {lookup, &zone};
	PgbrError error = PGBR_ERROR_INIT;
	size_t position = 0;
	int64_t after = 0;
	PgbrCron cron;

	memcpy(text, data, length);
	text[length] = '\0';
	if (!pgbr_cron_parse(text, &cron, &position, &error))
		check_error(text, position, &error);
	else
	{
		if (size - length >= 9)
		{
			memcpy(&after, data + length + 1, sizeof(after));
			zone.pairs = data + length + 9;
			zone.count = (size - length - 9) / 8;
			/* the changes lie around the moment, or nowhere near: then the year is out of bounds */
			zone.start = after > INT64_MIN / 2 && after < INT64_MAX / 2 ? after - 10000000 : 0;
		}
		check_next(&cron, &cron_zone, after);
	}
	free(text);
	return 0;
}
