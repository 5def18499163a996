/*
 * connections.h
 *		Which connections may stay and which requests may be answered, so that no client keeps the
 *		others out. Thread-safe; one thread of its own hangs up on who is late.
 *
 * At each place (an address that is listened on) there may be so many connections in all, and so
 * many of one peer; and beyond each of these CONNECTIONS_RESERVE more. So many requests as there
 * may be connections are answered at a time; one more is refused, unless it is a probe, which the
 * reserve is for. A connection whose request is not being answered, or is a probe, holds nobody
 * off: with one too many, that which has been so longest has to go, of the same peer where it is
 * the peer that has too many.
 */
#ifndef PGBR_SIDECAR_HTTP_CONNECTIONS_H
#define PGBR_SIDECAR_HTTP_CONNECTIONS_H

#include "common/error.h"

#include <stdbool.h>
#include <stdint.h>

#define CONNECTIONS_RESERVE 8
#define PEER_SIZE			48

/* Embedded in its owner, who reads and writes none of it. */
typedef struct Connection
{
	struct Connection *next;
	struct Connection *previous;
	int fd;
	int place;
	char peer[PEER_SIZE]; /* who it is from; "" when nobody is told from another */
	int64_t late_at;	  /* by then its request must be in; 0: it counts, or leaves */
	bool counts;		  /* among the requests that are being answered */
	bool leaves;		  /* it was hung up on, and is gone as soon as its thread has seen it */
} Connection;

typedef struct Connections Connections;

/* Start the thread. A request must be in arrive_ms after its connection, or the last answer. NULL
 * with INTERNAL. */
extern Connections *connections_new(int most, int most_of_peer, int arrive_ms, PgbrError *error);

/* After the last connection was removed. */
extern void connections_free(Connections *connections);

/* Take a new connection; one that has to go for it is shut down. */
extern void connections_add(Connections *connections, Connection *connection, int fd, int place,
							const char *peer);

/* Before its descriptor is closed, so that nobody hangs up on another's. */
extern void connections_remove(Connections *connections, Connection *connection);

/* Its request is in. UNAVAILABLE: it is to be refused. */
extern bool
connections_begin(Connections *connections, Connection *connection, bool probe, PgbrError *error);

/* The answer is out: it waits for the next request. */
extern void connections_end(Connections *connections, Connection *connection);

#endif
