/*
 * moment.h
 *		A moment as text: the one reader of RFC 3339, and what PostgreSQL writes instead.
 *
 * Moments are microseconds since 1970-01-01 00:00 UTC. Pure and thread-safe.
 */
#ifndef PGBR_MOMENT_H
#define PGBR_MOMENT_H

#include <stdbool.h>
#include <stdint.h>

#define MOMENT_TEXT_SIZE 64

/*
 * Read YYYY-MM-DD, 'T' or a blank, HH:MM:SS, a fraction, and a zone: Z, UTC or an offset of +-HH,
 * +-HHMM or +-HH:MM, each with or without a blank before it. Years 1970 to 9999. Digits of the
 * fraction after the sixth are dropped, or refused when exact: they name another moment. On failure
 * *reason is a constant that says what is wrong, a sentence.
 */
extern bool moment_parse(const char *text, bool exact, int64_t *us, const char **reason);

/* "2026-11-24 11:41:32.000000+00"; at least MOMENT_TEXT_SIZE bytes. */
extern void moment_format(int64_t us, char *text);

#endif
