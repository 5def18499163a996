/*
 * listener.h
 *		Where the sidecar listens, and which listener profile (Face) it serves there. Pure,
 *		except that it looks up the address of a host name.
 */
#ifndef PGBR_SIDECAR_CONFIG_LISTENER_H
#define PGBR_SIDECAR_CONFIG_LISTENER_H

#include "common/error.h"

#include "common/sidecar_url.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <sys/socket.h>

/* The profiles: an address serves the routes of its profile and no others. Name, option, and an
 * example for hints. */
#define PGBR_FACES(X)                                                    \
	X(API, "listen", "127.0.0.1:8430")                                   \
	X(METRICS, "metrics-listen", "127.0.0.1:9854")                       \
	/* what clients of other programs call: docs/reference/clients.md */ \
	X(COMPAT, "compat-listen", "127.0.0.1:3000")                         \
	X(DAEMON, "daemon-listen", "127.0.0.1:8080")                         \
	X(DAEMON_LIST, "daemon-list-listen", "127.0.0.1:8081")               \
	X(DAEMON_BACKUP, "daemon-backup-listen", "127.0.0.1:9000")

typedef enum Face
{
#define X(name, option, example) FACE_##name,
	PGBR_FACES(X)
#undef X
	FACE_COUNT,
} Face;

#define LISTENER_TEXT_SIZE 272

typedef struct Listener
{
	Face face;
	char listen[LISTENER_TEXT_SIZE]; /* HOST:PORT, or the path of our socket */
	bool is_socket;
	struct sockaddr_storage address; /* of HOST:PORT */
	socklen_t address_length;
	bool open; /* to anyone who reaches it, over plain HTTP: as its option says */
} Listener;

/* The option that turns a profile on, without its dashes. */
extern const char *face_option(Face face);

/* Fill a listener of a profile from its option's value. CONFIG. */
extern bool listener_init(Listener *listener, Face face, const char *listen, PgbrError *error);

/* Fill the listener of our own socket, which serves the API. CONFIG. */
extern bool listener_init_socket(Listener *listener, const char *path, PgbrError *error);

/* True when nobody but this host can reach it. */
extern bool listener_is_loopback(const Listener *listener);

#endif
