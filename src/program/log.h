/*
 * log.h
 *		One line for each event on stderr, for a person or as JSON.
 *
 * The only place below main that writes anything. A failure is logged once, by the code that
 * decides what happens next. Thread-safe: a line is one write. Control characters are escaped, so
 * that nothing from outside can forge a line. Never pass secrets to it.
 *
 * Logging never waits for the reader. A line is written at once if that takes no time. While the
 * reader of stderr stalls, up to LOG_KEPT_MAX bytes of lines are kept and later ones are dropped; a
 * line in their place says how many.
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

/* Start the thread that writes the kept lines. Before that, and without the thread, logging waits
 * for the reader. False when no thread can be started. */
extern bool log_start(void);

/* Wait until the kept lines are written, at most ms. */
extern void log_flush(int ms);

/* The level of a text (debug, info, warning, error); false when there is none. */
extern bool log_level_parse(const char *text, LogLevel *level);

/* Log an event; job_id is NULL when it concerns no job. */
extern void log_event(LogLevel level, const char *job_id, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The same for events that clients can cause at will. kind is a constant that names such events in
 * the plural. Of each kind LOG_LIMIT lines a minute are written, and then the number of the others.
 * There are at most LOG_KINDS_MAX kinds. */
extern void log_repeated(const char *kind, LogLevel level, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Log an error with its detail and hint on one line, after the text that says what failed. The
 * second function is for errors that clients can cause at will. */
extern void log_error(const char *job_id, const char *doing, const PgbrError *error);
extern void log_repeated_error(const char *kind, const char *doing, const PgbrError *error);

#endif
