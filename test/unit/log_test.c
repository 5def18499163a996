// links:
/*
 * log_test.c
 *		That no line is lost while somebody reads, that nobody who logs waits when nobody does, and
 *		that the number of what is left out is told.
 */
#include "common/strbuf.h"
#include "program/clock.h"
#include "program/log.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define WRITERS	   4
#define FEW_LINES  1000	 /* more than a pipe holds, less than what is kept */
#define MANY_LINES 12000 /* more than both */

/* A pipe in place of stderr, and what was read from it. */
typedef struct Reader
{
	int old;
	int fd;
	StrBuf text;
} Reader;

static void
reader_init(Reader *reader)
{
	int fds[2];

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	reader->old = dup(STDERR_FILENO);
	dup2(fds[1], STDERR_FILENO);
	close(fds[1]);
	reader->fd = fds[0];
	strbuf_init(&reader->text);
}

/* Read until there is this text, at most so long. */
static bool
reader_wait(Reader *reader, const char *text, int ms)
{
	int64_t until = clock_monotonic_ms() + ms;
	size_t from = 0;

	while (strstr(reader->text.data + from, text) == NULL)
	{
		char block[65536];
		struct pollfd fd = {reader->fd, POLLIN, 0};
		ssize_t got;

		if (poll(&fd, 1, (int) (until - clock_monotonic_ms())) <= 0)
			return false;
		from = reader->text.length > strlen(text) ? reader->text.length - strlen(text) : 0;
		got = read(reader->fd, block, sizeof(block));
		strbuf_append(&reader->text, block, (size_t) got);
	}
	return true;
}

static void
reader_done(Reader *reader)
{
	dup2(reader->old, STDERR_FILENO);
	close(reader->old);
	close(reader->fd);
	strbuf_done(&reader->text);
}

static int
count(const char *text, const char *word)
{
	int found = 0;

	for (const char *at = strstr(text, word); at; at = strstr(at + 1, word))
		found++;
	return found;
}

typedef struct Writer
{
	pthread_t thread;
	int number;
	int lines;
} Writer;

static void *
write_lines(void *argument)
{
	const Writer *writer = argument;

	for (int i = 0; i < writer->lines; i++)
		log_event(LOG_LEVEL_INFO, NULL, "writer %d line %d.", writer->number, i);
	return NULL;
}

/* All writers at once. */
static void
start_writers(Writer *writers, int lines)
{
	for (int i = 0; i < WRITERS; i++)
	{
		writers[i].number = i;
		writers[i].lines = lines;
		pthread_create(&writers[i].thread, NULL, write_lines, &writers[i]);
	}
}

static void
join_writers(Writer *writers)
{
	for (int i = 0; i < WRITERS; i++)
		pthread_join(writers[i].thread, NULL);
}

static void
test_nothing_lost(void **state)
{
	Reader reader;
	Writer writers[WRITERS];
	char last[64];

	(void) state;
	reader_init(&reader);
	start_writers(writers, FEW_LINES);
	for (int i = 0; i < WRITERS; i++)
	{
		snprintf(last, sizeof(last), "writer %d line %d.", i, FEW_LINES - 1);
		assert_true(reader_wait(&reader, last, 30000));
	}
	join_writers(writers);
	assert_int_equal(count(reader.text.data, "\n"), WRITERS * FEW_LINES);
	assert_null(strstr(reader.text.data, "dropped"));
	/* each writer's lines are in their order */
	for (int i = 0; i < WRITERS; i++)
	{
		const char *at = reader.text.data;

		for (int line = 0; line < FEW_LINES; line++)
		{
			snprintf(last, sizeof(last), "writer %d line %d.", i, line);
			at = strstr(at, last);
			assert_non_null(at);
		}
	}
	reader_done(&reader);
}

static void
test_stalled(void **state)
{
	Reader reader;
	Writer writers[WRITERS];
	int64_t start = clock_monotonic_ms();
	long dropped;
	const char *notice;

	(void) state;
	reader_init(&reader);
	start_writers(writers, MANY_LINES);
	join_writers(writers);
	/* none of it waited, and so it is with a stop */
	assert_true(clock_monotonic_ms() - start < 10000);
	start = clock_monotonic_ms();
	log_flush(100);
	assert_in_range(clock_monotonic_ms() - start, 100, 5000);
	/* the number comes without another event, and nothing but that is missing */
	assert_true(reader_wait(&reader, "since nobody read them\n", 10000));
	notice = strstr(reader.text.data, "dropped ");
	dropped = strtol(notice + strlen("dropped "), NULL, 10);
	assert_true(dropped > 0);
	assert_int_equal(count(reader.text.data, ".\n") + dropped, WRITERS * MANY_LINES);
	log_event(LOG_LEVEL_INFO, NULL, "all flows again");
	assert_true(reader_wait(&reader, "all flows again\n", 10000));
	assert_int_equal(count(reader.text.data, "dropped"), 1);
	reader_done(&reader);
}

/* What is longer than what a pipe takes at once comes whole, and in its place. */
static void
test_long_line(void **state)
{
	Reader reader;
	char text[3000];

	(void) state;
	memset(text, '"', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	reader_init(&reader);
	log_init(LOG_LEVEL_INFO, true, "main");
	log_event(LOG_LEVEL_INFO, NULL, "%s", text);
	log_event(LOG_LEVEL_INFO, NULL, "after it");
	log_init(LOG_LEVEL_INFO, false, "main");
	assert_true(reader_wait(&reader, "after it\"", 10000));
	assert_int_equal(count(reader.text.data, "\\\""), sizeof(text) - 1);
	assert_int_equal(count(reader.text.data, "\n"), 2);
	reader_done(&reader);
}

static void
test_repeated(void **state)
{
	Reader reader;

	(void) state;
	reader_init(&reader);
	for (int i = 0; i < LOG_LIMIT + 30; i++)
	{
		log_repeated("refusals", LOG_LEVEL_WARNING, "refused %d.", i);
		log_repeated("questions", LOG_LEVEL_DEBUG, "below the level");
	}
	log_repeated("others", LOG_LEVEL_WARNING, "of another kind.");
	log_event(LOG_LEVEL_WARNING, NULL, "refused otherwise.");
	log_flush(10000);
	assert_true(reader_wait(&reader, "refusals: 30 more that were not logged\n", 10000));
	assert_int_equal(count(reader.text.data, "refused "), LOG_LIMIT + 1);
	assert_int_equal(count(reader.text.data, "of another kind"), 1);
	assert_int_equal(count(reader.text.data, "more that"), 1);
	/* a new minute */
	log_repeated("refusals", LOG_LEVEL_WARNING, "the next one");
	assert_true(reader_wait(&reader, "the next one\n", 10000));
	reader_done(&reader);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_lost),
		cmocka_unit_test(test_stalled),
		cmocka_unit_test(test_long_line),
		cmocka_unit_test(test_repeated),
	};
	Reader reader;

	log_init(LOG_LEVEL_INFO, false, "main");
	/* what stderr is, is looked at once */
	reader_init(&reader);
	if (!log_start())
		return EXIT_FAILURE;
	reader_done(&reader);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
