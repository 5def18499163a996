/*
 * log.h
 *		One line an event on stderr, for a person or as JSON.
 *
 * The one place below the programs' main that writes anything. Each failure is logged once, by
 * whoever decides what happens next. Thread-safe: a line is one write. Control characters are
 * escaped, so that nothing from outside can forge a line. Secrets are never passed in.
 */
#ifndef PGBR_LOG_H
#define PGBR_LOG_H

#include "common/error.h"

#include <stdbool.h>

typedef enum LogLevel
{
	LOG_LEVEL_DEBUG,
	LOG_LEVEL_INFO,
	LOG_LEVEL_WARNING,
	LOG_LEVEL_ERROR,
} LogLevel;

/* Set once, before other threads exist. stanza is borrowed for the life of the process. */
extern void log_init(LogLevel least, bool json, const char *stanza);

/* The level of a text (debug, info, warning, error); false when there is none. */
extern bool log_level_parse(const char *text, LogLevel *level);

/* Log an event; job_id is NULL when it is about no job. */
extern void log_event(LogLevel level, const char *job_id, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Log an error with its detail and hint, on one line; what was being done comes first. */
extern void log_error(const char *job_id, const char *doing, const PgbrError *error);

#endif
