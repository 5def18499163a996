/*
 * pgbackrest_log.h
 *		The lines of pgbackrest's log: pure.
 *
 * A line is "YYYY-MM-DD HH:MM:SS.mmm P00   INFO: text", without the time before the log is set up,
 * and without both on standard error. Lines that belong to it are indented. Up to pgbackrest 2.52
 * what is said before the log is set up stands on standard error; from 2.53 on on standard output,
 * in front of an answer and whatever the options say.
 */
#ifndef PGBR_PROGRAM_PGBACKREST_LOG_H
#define PGBR_PROGRAM_PGBACKREST_LOG_H

#include <stddef.h>

/* The level of the line that begins the text, a constant such as "WARN", and where its words begin;
 * NULL: it is none of a log, or belongs to one before. */
extern const char *pgbackrest_log_level(const char *text, size_t length, size_t *words);

/* How many bytes at the beginning of a text are lines of a log. */
extern size_t pgbackrest_log_length(const char *text, size_t length);

#endif
