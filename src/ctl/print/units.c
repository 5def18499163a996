/*
 * units.c
 *		See units.h.
 */
#include "ctl/print/units.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

char *
unit_size(char *target, size_t size, long long bytes)
{
	static const char *const units[] = {"B", "KB", "MB", "GB", "TB", "PB"};
	double value = (double) bytes;
	size_t unit = 0;

	/* 1023.95 and more would be printed as 1024.0 of the smaller unit */
	while (value >= (unit == 0 ? 1024 : 1023.95) && unit + 1 < sizeof(units) / sizeof(units[0]))
	{
		value /= 1024;
		unit++;
	}
	snprintf(target, size, "%.1f", value);
	if (strcmp(target + strlen(target) - 2, ".0") == 0)
		target[strlen(target) - 2] = '\0';
	snprintf(target + strlen(target), size - strlen(target), "%s", units[unit]);
	return target;
}

char *
unit_duration(char *target, size_t size, long long seconds)
{
	if (seconds < 3600)
		snprintf(target, size, "%lld:%02lld", seconds / 60, seconds % 60);
	else
		snprintf(target, size, "%lld:%02lld:%02lld", seconds / 3600, seconds / 60 % 60,
				 seconds % 60);
	return target;
}

char *
unit_time(char *target, size_t size, long long epoch)
{
	time_t moment = (time_t) epoch;
	struct tm utc;

	if (gmtime_r(&moment, &utc) == NULL || strftime(target, size, "%Y-%m-%dT%H:%M:%SZ", &utc) == 0)
		snprintf(target, size, "%lld", epoch);
	return target;
}
