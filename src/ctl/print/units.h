/*
 * units.h
 *		Sizes, durations and moments as people read them.
 *
 * Each function writes at most size bytes into target and returns target, so that it can stand in
 * an argument list. Pure, but for the calendar of the C library.
 */
#ifndef PGBR_CTL_PRINT_UNITS_H
#define PGBR_CTL_PRINT_UNITS_H

#include <stddef.h>

/* Enough for every text made here. */
#define UNIT_TEXT 32

/* Bytes as pgbackrest's own info prints them: 912B, 29.2KB, 3GB. */
extern char *unit_size(char *target, size_t size, long long bytes);

/* Seconds as a clock does: 0:07, 12:45, 3:02:01. */
extern char *unit_duration(char *target, size_t size, long long seconds);

/* Seconds since 1970 as RFC 3339 in UTC. */
extern char *unit_time(char *target, size_t size, long long epoch);

#endif
