/*
 * log.c
 *		See log.h. Rotation and shipping are the service manager's work.
 */
#include "program/log.h"

#include "common/strbuf.h"
#include "common/visible.h"
#include "program/clock.h"
#include "program/condition.h"
#include "program/json.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEXT_SIZE  3072
#define STACK_SIZE (256 * 1024)

/* Events of one kind, in the minute that began with the first of them. */
typedef struct Repeated
{
	const char *kind;
	int64_t ends_at; /* monotonic; 0: no minute has begun */
	int written;
	long left_out;
	LogLevel level;
} Repeated;

static const char *const level_names[] = {"debug", "info", "warning", "error"};

static LogLevel least_level = LOG_LEVEL_INFO;
static bool as_json;
static const char *log_stanza = "";

/* guards all below, and so the lines are in the order of their times */
static pthread_mutex_t order = PTHREAD_MUTEX_INITIALIZER;
static bool has_thread;
static bool at_once; /* what stderr is tells whether it takes a line without waiting */
static pthread_cond_t changed;
static StrBuf kept;	 /* lines for the thread to write */
static bool writing; /* the thread is at it */
static long dropped; /* lines that there was no room for, after what is kept */
static Repeated repeated[LOG_KINDS_MAX];

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

static void
format_line(StrBuf *line, LogLevel level, const char *job_id, const char *text)
{
	char now[CLOCK_TEXT_SIZE];

	clock_format(clock_now_ms(), now);
	(as_json ? format_json : format_human)(line, now, level, job_id, text);
	strbuf_putc(line, '\n');
}

/* Whole lines, as many as are written in one piece. */
static size_t
length_of_piece(const char *text, size_t length)
{
	const char *end = length > PIPE_BUF ? memrchr(text, '\n', PIPE_BUF) : text + length - 1;

	if (end == NULL)
		end = memchr(text, '\n', length);
	return end ? (size_t) (end - text) + 1 : length;
}

/* Wait as long as it takes. */
static void
write_all(const char *text, size_t length)
{
	while (length > 0)
	{
		ssize_t written = write(STDERR_FILENO, text, length_of_piece(text, length));

		if (written < 0 && errno == EAGAIN)
			poll(&(struct pollfd){STDERR_FILENO, POLLOUT, 0}, 1, -1);
		else if (written < 0 && errno != EINTR)
			return; /* nobody is left to be told when stderr itself is gone */
		else if (written > 0)
		{
			text += written;
			length -= (size_t) written;
		}
	}
}

/*
 * How much of a line was written without waiting. A pipe that can be written to takes PIPE_BUF
 * bytes, and a socket more.
 */
static size_t
write_at_once(const StrBuf *line)
{
	struct pollfd fd = {STDERR_FILENO, POLLOUT, 0};
	ssize_t written;

	if (!at_once || kept.length > 0 || writing || line->length > PIPE_BUF || poll(&fd, 1, 0) != 1)
		return 0;
	written = write(STDERR_FILENO, line->data, line->length);
	if (written < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : line->length;
	return (size_t) written;
}

/* Say where lines are missing. */
static void
keep_number_of_dropped(void)
{
	char text[128];

	snprintf(text, sizeof(text), "dropped %ld log lines, since nobody read them", dropped);
	dropped = 0;
	format_line(&kept, LOG_LEVEL_WARNING, NULL, text);
}

/* The lock is held. */
static void
log_put_line(LogLevel level, const char *job_id, const char *text)
{
	StrBuf line;
	size_t written;

	strbuf_init(&line);
	format_line(&line, level, job_id, text);
	if (!has_thread)
		write_all(line.data, line.length);
	else if ((written = write_at_once(&line)) < line.length)
	{
		if (kept.length + line.length > LOG_KEPT_MAX)
			dropped++;
		else
		{
			if (dropped > 0)
				keep_number_of_dropped();
			strbuf_append(&kept, line.data + written, line.length - written);
			pthread_cond_broadcast(&changed);
		}
	}
	strbuf_done(&line);
}

/* End the minutes that are over, or all; give the moment when the next one will be, or 0. */
static int64_t
end_minutes(bool all)
{
	int64_t now = clock_monotonic_ms();
	int64_t next = 0;
	char text[256];

	for (Repeated *one = repeated; one < repeated + LOG_KINDS_MAX; one++)
	{
		if (one->ends_at == 0)
			continue;
		if (!all && one->ends_at > now)
		{
			next = next == 0 || one->ends_at < next ? one->ends_at : next;
			continue;
		}
		snprintf(text, sizeof(text), "%s: %ld more that were not logged", one->kind, one->left_out);
		if (one->left_out > 0)
			log_put_line(one->level, NULL, text);
		one->ends_at = 0;
	}
	return next;
}

static void *
write_kept(void *argument)
{
	(void) argument;
	pthread_mutex_lock(&order);
	for (;;)
	{
		int64_t next = end_minutes(false);
		StrBuf now;

		if (kept.length == 0 && dropped > 0)
			keep_number_of_dropped();
		if (kept.length == 0)
		{
			if (next)
				condition_wait_until(&changed, &order, next);
			else
				pthread_cond_wait(&changed, &order);
			continue;
		}
		now = kept;
		strbuf_init(&kept);
		writing = true;
		pthread_mutex_unlock(&order);
		write_all(now.data, now.length);
		strbuf_done(&now);
		pthread_mutex_lock(&order);
		writing = false;
		pthread_cond_broadcast(&changed);
	}
	return NULL;
}

bool
log_start(void)
{
	pthread_attr_t attributes;
	pthread_t thread;
	struct stat status;

	condition_init(&changed);
	strbuf_init(&kept);
	/* a terminal can be stopped while it says that it can be written to */
	at_once = fstat(STDERR_FILENO, &status) == 0 &&
			  (S_ISFIFO(status.st_mode) || S_ISSOCK(status.st_mode) || S_ISREG(status.st_mode));
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, STACK_SIZE);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	has_thread = pthread_create(&thread, &attributes, write_kept, NULL) == 0;
	pthread_attr_destroy(&attributes);
	return has_thread;
}

void
log_flush(int ms)
{
	int64_t until = clock_monotonic_ms() + ms;

	if (!has_thread)
		return;
	pthread_mutex_lock(&order);
	end_minutes(true);
	while (kept.length > 0 || writing || dropped > 0)
	{
		if (!condition_wait_until(&changed, &order, until))
			break;
	}
	pthread_mutex_unlock(&order);
}

static void
format_text(char text[TEXT_SIZE], const char *format, va_list arguments)
{
	char raw[TEXT_SIZE];

	vsnprintf(raw, sizeof(raw), format, arguments);
	/* JSON takes nothing else */
	pgbr_copy_visible(text, TEXT_SIZE, raw);
}

void
log_event(LogLevel level, const char *job_id, const char *format, ...)
{
	va_list arguments;
	char text[TEXT_SIZE];

	if (level < least_level)
		return;
	va_start(arguments, format);
	format_text(text, format, arguments);
	va_end(arguments);
	pthread_mutex_lock(&order);
	log_put_line(level, job_id, text);
	pthread_mutex_unlock(&order);
}

/* Whether one more of its kind is written. */
static bool
takes_one_more(const char *kind, LogLevel level)
{
	for (Repeated *one = repeated; one < repeated + LOG_KINDS_MAX; one++)
	{
		if (one->kind && strcmp(one->kind, kind) != 0)
			continue;
		if (one->ends_at && one->ends_at <= clock_monotonic_ms())
			end_minutes(false);
		if (one->ends_at == 0)
		{
			*one = (Repeated){kind, clock_monotonic_ms() + LOG_LIMIT_MS, 0, 0, level};
			/* the thread sleeps until the first minute ends */
			if (has_thread)
				pthread_cond_broadcast(&changed);
		}
		if (one->written < LOG_LIMIT)
			return ++one->written;
		one->left_out++;
		return false;
	}
	return true;
}

void
log_repeated(const char *kind, LogLevel level, const char *format, ...)
{
	va_list arguments;
	char text[TEXT_SIZE];

	if (level < least_level)
		return;
	va_start(arguments, format);
	format_text(text, format, arguments);
	va_end(arguments);
	pthread_mutex_lock(&order);
	if (takes_one_more(kind, level))
		log_put_line(level, NULL, text);
	pthread_mutex_unlock(&order);
}

#define ERROR_FORMAT "%s: %s%s%s%s%s"
#define ERROR_TEXTS(doing, error)                                       \
	doing, error->message, error->detail[0] ? "; " : "", error->detail, \
		error->hint[0] ? "; hint: " : "", error->hint

void
log_error(const char *job_id, const char *doing, const PgbrError *error)
{
	log_event(LOG_LEVEL_ERROR, job_id, ERROR_FORMAT, ERROR_TEXTS(doing, error));
}

void
log_repeated_error(const char *kind, const char *doing, const PgbrError *error)
{
	log_repeated(kind, LOG_LEVEL_ERROR, ERROR_FORMAT, ERROR_TEXTS(doing, error));
}
