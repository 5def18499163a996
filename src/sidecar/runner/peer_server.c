/*
 * peer_server.c
 *		See peer_server.h.
 */
#include "sidecar/runner/peer_server.h"

#include "program/child.h"
#include "program/clock.h"
#include "program/log.h"
#include "sidecar/pgbackrest/command_line.h"
#include "sidecar/pgbackrest/pgbackrest.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* before a server that has ended is started again: doubling from the first to the second, in ms */
#define RESTART_FIRST_MS 1000
#define RESTART_MOST_MS	 60000
#define END_MS			 5000

struct PeerServer
{
	pthread_t thread;
	const SidecarConfig *config;
	int stop_fd;
	Child child;
	pthread_mutex_t lock; /* guards what follows */
	pid_t pid;			  /* of the child while it may be signalled, or -1 */
};

/* True when the thread is to end; waits for that at most ms. */
static bool
is_stopping(const PeerServer *server, int ms)
{
	struct pollfd fd = {server->stop_fd, POLLIN, 0};

	return poll(&fd, 1, ms) > 0;
}

static void
log_output(void *argument, char *line)
{
	(void) argument;
	log_event(LOG_LEVEL_INFO, NULL, "pgbackrest server: %s", line);
}

static void
set_pid(PeerServer *server, pid_t pid)
{
	pthread_mutex_lock(&server->lock);
	server->pid = pid;
	pthread_mutex_unlock(&server->lock);
}

static bool
start(PeerServer *server, PgbrError *error)
{
	Command command;
	char mark[4200];
	bool ok;

	snprintf(mark, sizeof(mark), "%s:server", server->config->state_dir);
	pgbackrest_server_command(server->config, &command);
	ok = command.failed ? pgbr_error_set(error, PGBR_ERROR_INTERNAL, "out of memory")
						: child_start(&server->child, (const char *const *) command.argv, mark,
									  log_output, NULL, error);
	command_done(&command);
	if (ok)
		set_pid(server, server->child.process.pid);
	return ok;
}

/*
 * Pass on what it prints until it ends or the thread is to end; then end it and what it has forked.
 */
static void
follow(PeerServer *server)
{
	while (child_watch(&server->child, server->stop_fd, -1) == CHILD_NOTHING)
		;
	process_signal(&server->child.process, SIGTERM);
	/* from here on nobody may signal a process that may be another's */
	set_pid(server, -1);
	child_end(&server->child, END_MS);
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
					  (int) server->child.process.pid);
			follow(server);
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
	server->pid = -1;
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
	if (server->pid > 0)
		kill(server->pid, SIGHUP);
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
