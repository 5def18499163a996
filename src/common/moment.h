/*
 * moment.h
 *		A moment as text: the only reader of RFC 3339, and PostgreSQL's way to write it.
 *
 * Moments are microseconds since 1970-01-01 00:00 UTC. Pure and thread-safe.
 */
#ifndef PGBR_MOMENT_H
#define PGBR_MOMENT_H

#include <stdbool.h>
#include <stdint.h>

#define MOMENT_TEXT_SIZE 64

/*
 * Read YYYY-MM-DD, 'T' or a blank, HH:MM:SS, an optional fraction, and a zone: Z, UTC or an offset
 * of +-HH, +-HHMM or +-HH:MM, with or without a blank before it. Years 1970 to 9999. If exact, a
 * fraction of more than six digits is refused, since the moment would be another one; else the rest
 * is dropped. On failure *reason is a constant, a sentence that says what is wrong.
 */
extern bool moment_parse(const char *text, bool exact, int64_t *us, const char **reason);

/* "2026-11-24 11:41:32.000000+00"; at least MOMENT_TEXT_SIZE bytes. */
extern void moment_format(int64_t us, char *text);

#endif
