/*
 * clock.h
 *		Moments as milliseconds since 1970-01-01 00:00 UTC, and as RFC 3339 text.
 *
 * Pure but for clock_now_ms and clock_monotonic_ms. Thread-safe.
 */
#ifndef PGBR_CLOCK_H
#define PGBR_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#define CLOCK_TEXT_SIZE 32

extern int64_t clock_now_ms(void);

/* Milliseconds since some fixed moment; never steps. For time-outs. */
extern int64_t clock_monotonic_ms(void);

/*
 * "2026-11-22T15:41:07.123Z" into text, of CLOCK_TEXT_SIZE bytes. Years 1970 to 9999: a moment
 * before or after them is written as their first or last one. The same of seconds since 1970.
 */
extern void clock_format(int64_t ms, char *text);
extern void clock_format_seconds(int64_t seconds, char *text);

/* Read RFC 3339 as moment_parse does; what is below a millisecond is dropped. */
extern bool clock_parse(const char *text, int64_t *ms);

#endif
