/*
 * connections.c
 *		See connections.h.
 *
 * libmicrohttpd's own time-out is about silence: a client that sends a byte now and then is never
 * silent. So each connection also has a moment by which its request must have arrived. Its own
 * limits turn away whoever comes last, which is the probe.
 */
#include "sidecar/http/connections.h"

#include "program/clock.h"
#include "program/condition.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

struct Connections
{
	int most;
	int most_of_peer;
	int arrive_ms;
	pthread_t watchman;
	pthread_mutex_t lock; /* guards all below, and every connection */
	pthread_cond_t changed;
	bool stopping;
	Connection *first;
};

/* How many there are at a place, and what could go first. */
typedef struct Count
{
	int open;
	int counting;
	Connection *oldest; /* of those that do not count, or NULL */
} Count;

static void
hang_up(Connection *connection)
{
	shutdown(connection->fd, SHUT_RDWR);
	connection->leaves = true;
	connection->late_at = 0;
}

/* Hang up on who is late; give the moment when the next will be, or 0. */
static int64_t
hang_up_late(Connections *connections)
{
	int64_t now = clock_monotonic_ms();
	int64_t next = 0;

	for (Connection *one = connections->first; one; one = one->next)
	{
		if (one->late_at == 0)
			continue;
		if (one->late_at <= now)
			hang_up(one);
		else if (next == 0 || one->late_at < next)
			next = one->late_at;
	}
	return next;
}

static void *
watch(void *argument)
{
	Connections *connections = argument;

	pthread_mutex_lock(&connections->lock);
	while (!connections->stopping)
	{
		int64_t next = hang_up_late(connections);

		if (next)
			condition_wait_until(&connections->changed, &connections->lock, next);
		else
			pthread_cond_wait(&connections->changed, &connections->lock);
	}
	pthread_mutex_unlock(&connections->lock);
	return NULL;
}

Connections *
connections_new(int most, int most_of_peer, int arrive_ms, PgbrError *error)
{
	Connections *connections = calloc(1, sizeof(*connections));

	if (connections == NULL)
	{
		pgbr_error_set(error, PGBR_ERROR_INTERNAL, "out of memory");
		return NULL;
	}
	connections->most = most;
	connections->most_of_peer = most_of_peer;
	connections->arrive_ms = arrive_ms;
	pthread_mutex_init(&connections->lock, NULL);
	condition_init(&connections->changed);
	if (pthread_create(&connections->watchman, NULL, watch, connections) == 0)
		return connections;
	pthread_cond_destroy(&connections->changed);
	pthread_mutex_destroy(&connections->lock);
	free(connections);
	pgbr_error_set(error, PGBR_ERROR_INTERNAL, "could not start a thread");
	return NULL;
}

void
connections_free(Connections *connections)
{
	if (connections == NULL)
		return;
	pthread_mutex_lock(&connections->lock);
	connections->stopping = true;
	pthread_cond_signal(&connections->changed);
	pthread_mutex_unlock(&connections->lock);
	pthread_join(connections->watchman, NULL);
	pthread_cond_destroy(&connections->changed);
	pthread_mutex_destroy(&connections->lock);
	free(connections);
}

/* Those at a place; of one peer, or of all when it is NULL. */
static Count
count_at(const Connections *connections, int place, const char *peer)
{
	Count count = {0};

	for (Connection *one = connections->first; one; one = one->next)
	{
		if (one->place != place || one->leaves || (peer && strcmp(one->peer, peer) != 0))
			continue;
		count.open++;
		count.counting += one->counts;
		if (one->late_at && (count.oldest == NULL || one->late_at <= count.oldest->late_at))
			count.oldest = one;
	}
	return count;
}

/* The connection that has to go when one more comes; NULL: there is room. Those that count are
 * fewer than all, so there is one. */
static Connection *
find_surplus(const Connections *connections, int place, const char *peer)
{
	Count count = count_at(connections, place, peer);

	if (count.open >= connections->most_of_peer + CONNECTIONS_RESERVE)
		return count.oldest;
	count = count_at(connections, place, NULL);
	return count.open >= connections->most + CONNECTIONS_RESERVE ? count.oldest : NULL;
}

/* It waits for a request from now on. */
static void
wait_for_request(Connections *connections, Connection *connection)
{
	connection->late_at = clock_monotonic_ms() + connections->arrive_ms;
	/* the watchman sleeps without a limit while nobody can be late */
	pthread_cond_signal(&connections->changed);
}

void
connections_add(Connections *connections, Connection *connection, int fd, int place,
				const char *peer)
{
	Connection *surplus;

	*connection = (Connection){.fd = fd, .place = place};
	pgbr_copy_text(connection->peer, sizeof(connection->peer), peer);
	pthread_mutex_lock(&connections->lock);
	surplus = find_surplus(connections, place, connection->peer);
	if (surplus)
		hang_up(surplus);
	connection->next = connections->first;
	if (connection->next)
		connection->next->previous = connection;
	connections->first = connection;
	wait_for_request(connections, connection);
	pthread_mutex_unlock(&connections->lock);
}

void
connections_remove(Connections *connections, Connection *connection)
{
	pthread_mutex_lock(&connections->lock);
	if (connection->previous)
		connection->previous->next = connection->next;
	else
		connections->first = connection->next;
	if (connection->next)
		connection->next->previous = connection->previous;
	pthread_mutex_unlock(&connections->lock);
}

bool
connections_begin(Connections *connections, Connection *connection, bool probe, PgbrError *error)
{
	bool ok;

	pthread_mutex_lock(&connections->lock);
	ok = probe || (count_at(connections, connection->place, NULL).counting < connections->most &&
				   count_at(connections, connection->place, connection->peer).counting <
					   connections->most_of_peer);
	connection->counts = ok && !probe;
	if (connection->counts)
		connection->late_at = 0;
	pthread_mutex_unlock(&connections->lock);
	return ok || pgbr_error_set(error, PGBR_ERROR_UNAVAILABLE,
								"too many requests are being answered at this address");
}

void
connections_end(Connections *connections, Connection *connection)
{
	pthread_mutex_lock(&connections->lock);
	connection->counts = false;
	if (!connection->leaves)
		wait_for_request(connections, connection);
	pthread_mutex_unlock(&connections->lock);
}
