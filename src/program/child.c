/*
 * child.c
 *		See child.h.
 */
#include "program/child.h"

#include "common/visible.h"
#include "program/clock.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define LINE_MAX_KEPT 8192 /* bytes of a line; the rest is dropped */
#define BLOCK_SIZE	  16384
#define PIPE_BLOCKS	  5 /* more than a pipe holds */
/* how often to check whether it has ended if there is no pidfd: a child of its own may keep its
 * output open */
#define CHECK_MS 20

bool
child_start(Child *child, const char *const *argv, const char *mark,
			void (*take_line)(void *argument, char *line), void *argument, PgbrError *error)
{
	*child = (Child){.open = true, .take_line = take_line, .argument = argument};
	if (!process_start(&child->process, argv, mark, true, error))
		return false;
	child->ended_fd = pidfd_open(child->process.pid, 0);
	strbuf_init(&child->line);
	return true;
}

static void
child_take_line(Child *child)
{
	pgbr_make_visible(&child->line);
	child->take_line(child->argument, child->line.data);
	strbuf_clear(&child->line);
}

/* Read one block. True while the stream is open. */
static bool
take_output(Child *child)
{
	char block[BLOCK_SIZE];
	ssize_t got = read(child->process.out, block, sizeof(block));

	for (ssize_t i = 0; i < got; i++)
	{
		if (block[i] == '\n')
			child_take_line(child);
		else if (block[i] != '\0' && child->line.length < LINE_MAX_KEPT)
			strbuf_putc(&child->line, block[i]);
	}
	return got > 0 || (got < 0 && (errno == EAGAIN || errno == EINTR));
}

static bool
has_ended(const Child *child)
{
	siginfo_t info = {0};

	return waitid(P_PID, (id_t) child->process.pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
		   info.si_pid != 0;
}

/* Wait for one of three descriptors, at most until the deadline. */
static void
wait_for(const Child *child, struct pollfd *fds, int64_t deadline)
{
	int64_t left = deadline - clock_monotonic_ms();

	if (child->ended_fd < 0 && left > CHECK_MS)
		left = CHECK_MS;
	poll(fds, 3, left > INT_MAX ? -1 : left > 0 ? (int) left : 0);
}

ChildEvent
child_watch(Child *child, int stop_fd, int ms)
{
	int64_t deadline = ms < 0 ? INT64_MAX : clock_monotonic_ms() + ms;

	do
	{
		struct pollfd fds[3] = {{child->open ? child->process.out : -1, POLLIN, 0},
								{stop_fd, POLLIN, 0},
								{child->ended_fd, POLLIN, 0}};

		if (has_ended(child))
			return CHILD_ENDED;
		wait_for(child, fds, deadline);
		if (fds[1].revents)
			return CHILD_STOP;
		if (fds[0].revents)
		{
			child->open = take_output(child);
			return CHILD_NOTHING;
		}
	} while (clock_monotonic_ms() < deadline);
	return CHILD_NOTHING;
}

void
child_stop(Child *child, int ms)
{
	int64_t deadline = clock_monotonic_ms() + ms;
	int64_t left = ms;

	process_signal(&child->process, SIGTERM);
	while (left > 0 && child_watch(child, -1, (int) left) != CHILD_ENDED)
		left = deadline - clock_monotonic_ms();
}

void
child_drain(Child *child)
{
	for (int i = 0; i < PIPE_BLOCKS && child->open; i++)
	{
		struct pollfd fd = {child->process.out, POLLIN, 0};

		if (poll(&fd, 1, 0) <= 0)
			break;
		child->open = take_output(child);
	}
}

int
child_end(Child *child, int grace_ms)
{
	int status;

	/* what others print after its end is not waited for */
	child_drain(child);
	if (child->line.length > 0)
		child_take_line(child);
	status = process_end(&child->process, grace_ms);
	if (child->ended_fd >= 0)
		close(child->ended_fd);
	strbuf_done(&child->line);
	return status;
}
