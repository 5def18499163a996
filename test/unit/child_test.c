// links:
/*
 * child_test.c
 *		A program that is watched: its lines, its end however its output stays open, and its stop.
 */
#include "program/child.h"
#include "program/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define LONG_MS 20000 /* longer than any of these tests may take */

static void
take_line(void *argument, char *line)
{
	StrBuf *lines = argument;

	strbuf_puts(lines, line);
	strbuf_putc(lines, '|');
}

static void
start(Child *child, const char *script, StrBuf *lines)
{
	const char *argv[] = {"sh", "-c", script, NULL};
	PgbrError error;

	strbuf_init(lines);
	if (!child_start(child, argv, "test:child", take_line, lines, &error))
		fail_msg("%s", error.message);
}

/* Watch it to its end, and end it. */
static int
follow(Child *child)
{
	int64_t deadline = clock_monotonic_ms() + LONG_MS;
	ChildEvent event = CHILD_NOTHING;

	while (event == CHILD_NOTHING && clock_monotonic_ms() < deadline)
		event = child_watch(child, -1, LONG_MS);
	assert_int_equal(event, CHILD_ENDED);
	return child_end(child, 0);
}

static void
test_lines(void **state)
{
	StrBuf lines;
	Child child;
	int status;

	(void) state;
	start(&child, "echo one; echo two >&2; printf 'a\\001b'; exit 3", &lines);
	status = follow(&child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 3);
	assert_string_equal(lines.data, "one|two|a\\x01b|");
	strbuf_done(&lines);
}

static bool
has_pidfd(void)
{
	int fd = pidfd_open(getpid(), 0);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

/* Its end is seen though what it has started keeps its output open, with and without a pidfd. */
static void
test_end(void **state)
{
	(void) state;
	for (int round = 0; round < 2; round++)
	{
		int64_t begin = clock_monotonic_ms();
		StrBuf lines;
		Child child;

		start(&child, "sleep 60 & echo started", &lines);
		/* under valgrind there is no pidfd, and both rounds go without */
		assert_int_equal(child.ended_fd >= 0, has_pidfd());
		if (round == 1 && child.ended_fd >= 0)
		{
			close(child.ended_fd);
			child.ended_fd = -1;
		}
		assert_int_equal(WEXITSTATUS(follow(&child)), 0);
		assert_string_equal(lines.data, "started|");
		assert_true(clock_monotonic_ms() - begin < LONG_MS);
		strbuf_done(&lines);
	}
}

static void
test_waits(void **state)
{
	int stop[2];
	int64_t begin;
	StrBuf lines;
	Child child;

	(void) state;
	assert_int_equal(pipe(stop), 0);
	start(&child, "exec sleep 60", &lines);
	begin = clock_monotonic_ms();
	assert_int_equal(child_watch(&child, stop[0], 50), CHILD_NOTHING);
	assert_true(clock_monotonic_ms() - begin >= 50);
	assert_int_equal(write(stop[1], "x", 1), 1);
	assert_int_equal(child_watch(&child, stop[0], -1), CHILD_STOP);
	child_stop(&child, LONG_MS);
	assert_int_equal(WTERMSIG(child_end(&child, 0)), 15);
	assert_true(clock_monotonic_ms() - begin < LONG_MS);
	close(stop[0]);
	close(stop[1]);
	strbuf_done(&lines);
}

/* It may print more than a pipe holds before it ends, and one that does not end is killed. */
static void
test_stop(void **state)
{
	StrBuf lines;
	Child child;

	(void) state;
	start(&child,
		  "trap 'i=0; while [ $i -lt 30000 ]; do echo line; i=$((i+1)); done; exit 7' TERM; "
		  "echo ready; while :; do read x </dev/null; done",
		  &lines);
	assert_int_equal(child_watch(&child, -1, LONG_MS), CHILD_NOTHING);
	child_stop(&child, LONG_MS);
	assert_int_equal(WEXITSTATUS(child_end(&child, 0)), 7);
	assert_int_equal(lines.length, strlen("ready|") + 30000 * strlen("line|"));
	strbuf_done(&lines);

	start(&child, "trap '' TERM; echo ready; while :; do read x </dev/null; done", &lines);
	assert_int_equal(child_watch(&child, -1, LONG_MS), CHILD_NOTHING);
	child_stop(&child, 50);
	assert_int_equal(WTERMSIG(child_end(&child, 0)), 9);
	strbuf_done(&lines);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_end),
		cmocka_unit_test(test_waits),
		cmocka_unit_test(test_stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
