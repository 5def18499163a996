/*
 * peer_server.c
 *		See peer_server.h.
 */
#include "sidecar/runner/peer_server.h"

#include "common/strbuf.h"
#include "program/clock.h"
#include "program/log.h"
#include "program/process.h"
#include "sidecar/pgbackrest/pgbackrest.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* before a server that has ended is started again: doubling from the first to the second, in ms */
#define RESTART_FIRST_MS 1000
#define RESTART_MOST_MS	 60000
#define END_MS			 5000
#define LINE_MAX_KEPT	 2048

struct PeerServer
{
	pthread_t thread;
	const SidecarConfig *config;
	int stop_fd;
	pthread_mutex_t lock; /* guards process.pid */
	Process process;
};

/* True when the thread is to end; waits for that at most ms. */
static bool
is_stopping(const PeerServer *server, int ms)
{
	struct pollfd fd = {server->stop_fd, POLLIN, 0};

	return poll(&fd, 1, ms) > 0;
}

static void
log_output(const char *data, size_t length, StrBuf *line)
{
	for (size_t i = 0; i < length; i++)
	{
		if (data[i] != '\n')
		{
			if (data[i] && line->length < LINE_MAX_KEPT)
				strbuf_putc(line, data[i]);
			continue;
		}
		log_event(LOG_LEVEL_INFO, NULL, "pgbackrest server: %s", line->data);
		strbuf_clear(line);
	}
}

/* Pass on what it prints until it ends or the thread is to end. */
static void
follow(PeerServer *server)
{
	struct pollfd fds[2] = {{server->process.out, POLLIN, 0}, {server->stop_fd, POLLIN, 0}};
	char block[4096];
	ssize_t got = 1;
	StrBuf line;

	strbuf_init(&line);
	while (got > 0)
	{
		poll(fds, 2, -1);
		if (fds[1].revents)
			break;
		got = read(server->process.out, block, sizeof(block));
		if (got > 0)
			log_output(block, (size_t) got, &line);
		else if (got < 0 && (errno == EAGAIN || errno == EINTR))
			got = 1;
	}
	strbuf_done(&line);
}

static bool
start(PeerServer *server, PgbrError *error)
{
	Command command;
	char mark[4200];
	bool ok;

	snprintf(mark, sizeof(mark), "%s:server", server->config->state_dir);
	pgbackrest_server_command(server->config, &command);
	pthread_mutex_lock(&server->lock);
	ok = command.failed ? pgbr_error_set(error, PGBR_ERROR_INTERNAL, "out of memory")
						: process_start(&server->process, (const char *const *) command.argv, mark,
										true, error);
	pthread_mutex_unlock(&server->lock);
	command_done(&command);
	return ok;
}

static void
end(PeerServer *server)
{
	Process process = server->process;

	process_signal(&process, SIGTERM);
	/* from here on nobody may signal a process that may be another's */
	pthread_mutex_lock(&server->lock);
	server->process.pid = -1;
	pthread_mutex_unlock(&server->lock);
	process_end(&process, END_MS);
}

static void *
keep(void *argument)
{
	PeerServer *server = argument;
	int restart_ms = RESTART_FIRST_MS;

	while (!is_stopping(server, 0))
	{
		int64_t started = clock_monotonic_ms();
		PgbrError error;

		if (start(server, &error))
		{
			log_event(LOG_LEVEL_INFO, NULL, "pgbackrest server started, process %d",
					  (int) server->process.pid);
			follow(server);
			end(server);
		}
		else
			log_error(NULL, "could not start pgbackrest server", &error);
		if (is_stopping(server, 0))
			break;
		/* one that has served for a while starts over */
		if (clock_monotonic_ms() - started > RESTART_MOST_MS)
			restart_ms = RESTART_FIRST_MS;
		log_event(LOG_LEVEL_WARNING, NULL, "pgbackrest server ended; it is started again in %d s",
				  restart_ms / 1000);
		if (is_stopping(server, restart_ms))
			break;
		restart_ms = restart_ms * 2 < RESTART_MOST_MS ? restart_ms * 2 : RESTART_MOST_MS;
	}
	return NULL;
}

PeerServer *
peer_server_start(const SidecarConfig *config, PgbrError *error)
{
	PeerServer *server = calloc(1, sizeof(*server));

	if (server == NULL)
	{
		pgbr_error_set(error, PGBR_ERROR_INTERNAL, "out of memory");
		return NULL;
	}
	server->config = config;
	server->process.pid = -1;
	pthread_mutex_init(&server->lock, NULL);
	server->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (server->stop_fd < 0 || pthread_create(&server->thread, NULL, keep, server) != 0)
	{
		pgbr_error_set(error, PGBR_ERROR_INTERNAL, "could not start a thread: %m");
		free(server);
		return NULL;
	}
	return server;
}

void
peer_server_reload(PeerServer *server)
{
	if (server == NULL)
		return;
	pthread_mutex_lock(&server->lock);
	/* to the server alone: those it has forked serve one client each */
	if (server->process.pid > 0)
		kill(server->process.pid, SIGHUP);
	pthread_mutex_unlock(&server->lock);
}

void
peer_server_stop(PeerServer *server)
{
	if (server == NULL)
		return;
	(void) !write(server->stop_fd, &(uint64_t){1}, sizeof(uint64_t));
	pthread_join(server->thread, NULL);
	close(server->stop_fd);
	pthread_mutex_destroy(&server->lock);
	free(server);
}
