/*
 * zone_file.h
 *		Time zones for the unit tests: UTC, and what the system's zone files hold.
 *
 * Reads the table of changes of a TZif file (RFC 8536), 64-bit part. Beyond the last change in the
 * table, which is 2037 in Debian's files, it keeps the last offset: the tests stay before that.
 */
#ifndef PGBR_TEST_ZONE_FILE_H
#define PGBR_TEST_ZONE_FILE_H

#include "common/cron.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct ZoneFile
{
	int count;
	int64_t changes[512];
	int32_t offsets[513]; /* offsets[i] holds before changes[i] */
} ZoneFile;

static inline uint64_t
zone_file_number(const unsigned char *data, int size)
{
	uint64_t number = 0;

	for (int i = 0; i < size; i++)
		number = number << 8 | data[i];
	return number;
}

static inline void
zone_file_read(const char *name, ZoneFile *zone)
{
	static unsigned char data[65536];
	char path[200];
	size_t length;
	FILE *file;
	const unsigned char *p = data;
	const unsigned char *types;
	const unsigned char *infos;
	size_t skip;

	snprintf(path, sizeof(path), "/usr/share/zoneinfo/%s", name);
	file = fopen(path, "r");
	length = file ? fread(data, 1, sizeof(data), file) : 0;
	if (length < 44 || memcmp(data, "TZif", 4) != 0 || data[4] < '2')
	{
		fprintf(stderr, "no zone file \"%s\"\n", path);
		abort();
	}
	fclose(file);
	/* isutcnt, isstdcnt, leapcnt, timecnt, typecnt, charcnt, from byte 20 on */
	skip = zone_file_number(p + 20, 4) + zone_file_number(p + 24, 4) +
		   zone_file_number(p + 28, 4) * 8 + zone_file_number(p + 32, 4) * 5 +
		   zone_file_number(p + 36, 4) * 6 + zone_file_number(p + 40, 4);
	p += 44 + skip;
	zone->count = (int) zone_file_number(p + 32, 4);
	if (zone->count > 512)
		abort();
	p += 44;
	types = p + zone->count * 8;
	infos = types + zone->count;
	zone->offsets[0] = (int32_t) zone_file_number(infos, 4);
	for (int i = 0; i < zone->count; i++)
	{
		zone->changes[i] = (int64_t) zone_file_number(p + i * 8, 8);
		zone->offsets[i + 1] = (int32_t) zone_file_number(infos + types[i] * 6, 4);
	}
}

static inline bool
zone_file_lookup(const void *data, int64_t moment, int32_t *offset, int64_t *until)
{
	const ZoneFile *zone = data;
	int i = 0;

	while (i < zone->count && zone->changes[i] <= moment)
		i++;
	*offset = zone->offsets[i];
	*until = i < zone->count ? zone->changes[i] : INT64_MAX;
	return true;
}

static inline bool
zone_utc_lookup(const void *data, int64_t moment, int32_t *offset, int64_t *until)
{
	(void) data;
	(void) moment;
	*offset = 0;
	*until = INT64_MAX;
	return true;
}

static const PgbrZone zone_utc = {zone_utc_lookup, NULL};

/* Seconds since 1970 of "2026-03-29 01:30" or "2026-03-29 01:30:05", taken as UTC. */
static inline int64_t
moment(const char *text)
{
	struct tm tm = {0};

	if (sscanf(text, "%d-%d-%d %d:%d:%d", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &tm.tm_hour,
			   &tm.tm_min, &tm.tm_sec) < 5)
		abort();
	tm.tm_year -= 1900;
	tm.tm_mon--;
	return timegm(&tm);
}

#endif
