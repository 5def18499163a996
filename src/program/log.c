/*
 * log.c
 *		See log.h. Rotation and shipping are the service manager's work.
 */
#include "program/log.h"

#include "common/strbuf.h"
#include "common/visible.h"
#include "program/clock.h"
#include "program/json.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *const level_names[] = {"debug", "info", "warning", "error"};

static LogLevel least_level = LOG_LEVEL_INFO;
static bool as_json;
static const char *log_stanza = "";

/* so that the lines are in the order of their times */
static pthread_mutex_t order = PTHREAD_MUTEX_INITIALIZER;

void
log_init(LogLevel least, bool json, const char *stanza)
{
	least_level = least;
	as_json = json;
	log_stanza = stanza;
}

bool
log_level_parse(const char *text, LogLevel *level)
{
	for (int i = 0; i <= LOG_LEVEL_ERROR; i++)
	{
		if (strcmp(level_names[i], text) == 0)
		{
			*level = (LogLevel) i;
			return true;
		}
	}
	return false;
}

static void
format_human(StrBuf *line, const char *now, LogLevel level, const char *job_id, const char *message)
{
	strbuf_printf(line, "%s %-7s [%s] ", now, level_names[level], log_stanza);
	if (job_id)
		strbuf_printf(line, "job %s: ", job_id);
	pgbr_put_visible(line, message, "");
}

static void
format_json(StrBuf *line, const char *now, LogLevel level, const char *job_id, const char *message)
{
	json_t *event = json_object();

	json_put_text(event, "time", now);
	json_put_text(event, "level", level_names[level]);
	json_put_text(event, "stanza", log_stanza);
	if (job_id)
		json_put_text(event, "job", job_id);
	json_put_text(event, "message", message);
	json_write(event, line);
	json_decref(event);
}

void
log_event(LogLevel level, const char *job_id, const char *format, ...)
{
	char now[CLOCK_TEXT_SIZE];
	StrBuf line;
	va_list arguments;
	char raw[3072];
	char text[3072];

	if (level < least_level)
		return;
	va_start(arguments, format);
	vsnprintf(raw, sizeof(raw), format, arguments);
	va_end(arguments);
	/* JSON takes nothing else */
	pgbr_copy_visible(text, sizeof(text), raw);
	strbuf_init(&line);
	pthread_mutex_lock(&order);
	clock_format(clock_now_ms(), now);
	(as_json ? format_json : format_human)(&line, now, level, job_id, text);
	strbuf_putc(&line, '\n');
	/* nobody is left to be told when stderr itself is gone */
	(void) !write(STDERR_FILENO, line.data, line.length);
	pthread_mutex_unlock(&order);
	strbuf_done(&line);
}

void
log_error(const char *job_id, const char *doing, const PgbrError *error)
{
	log_event(LOG_LEVEL_ERROR, job_id, "%s: %s%s%s%s%s", doing, error->message,
			  error->detail[0] ? "; " : "", error->detail, error->hint[0] ? "; hint: " : "",
			  error->hint);
}
