/*
 * log.h
 *		One line an event on stderr, for a person or as JSON.
 *
 * The one place below the programs' main that writes anything. Each failure is logged once, by
 * whoever decides what happens next. Thread-safe: a line is one write. Control characters are
 * escaped, so that nothing from outside can forge a line. Secrets are never passed in.
 *
 * Who logs never waits for who reads. A line is written at once where that takes no time; when the
 * reader of stderr stalls, lines are kept for it, LOG_KEPT_MAX bytes of them, and those beyond are
 * dropped: their number is a line of its own, at the place where they are missing.
 */
#ifndef PGBR_LOG_H
#define PGBR_LOG_H

#include "common/error.h"

#include <stdbool.h>

#define LOG_KEPT_MAX  (1024 * 1024)
#define LOG_LIMIT	  20 /* lines of a kind that repeats, in LOG_LIMIT_MS */
#define LOG_LIMIT_MS  60000
#define LOG_KINDS_MAX 8

typedef enum LogLevel
{
	LOG_LEVEL_DEBUG,
	LOG_LEVEL_INFO,
	LOG_LEVEL_WARNING,
	LOG_LEVEL_ERROR,
} LogLevel;

/* Set once, before other threads exist. stanza is borrowed for the life of the process. */
extern void log_init(LogLevel least, bool json, const char *stanza);

/* Start the thread that writes what could not be written at once. Until then, and without it, who
 * logs waits. False when there can be no thread. */
extern bool log_start(void);

/* Let what is kept be written, for at most ms. */
extern void log_flush(int ms);

/* The level of a text (debug, info, warning, error); false when there is none. */
extern bool log_level_parse(const char *text, LogLevel *level);

/* Log an event; job_id is NULL when it is about no job. */
extern void log_event(LogLevel level, const char *job_id, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The same for events that anyone can cause as often as he likes: of each kind, which is a constant
 * that names them in the plural, LOG_LIMIT lines are written in a minute; at its end the number of
 * the others. There are at most LOG_KINDS_MAX kinds. */
extern void log_repeated(const char *kind, LogLevel level, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Log an error with its detail and hint, on one line; what was being done comes first. The second
 * is for errors that anyone can cause as often as he likes. */
extern void log_error(const char *job_id, const char *doing, const PgbrError *error);
extern void log_repeated_error(const char *kind, const char *doing, const PgbrError *error);

#endif
