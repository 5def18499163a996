/*
 * peer_server.h
 *		Keeps `pgbackrest server` running: pgbackrest's own TLS server, by which the pgbackrest of
 *		another member reads this one's files for a backup from a standby, without SSH.
 *
 * What it serves, to whom and with which certificates is in pgbackrest.conf (tls-server-*).
 */
#ifndef PGBR_SIDECAR_RUNNER_PEER_SERVER_H
#define PGBR_SIDECAR_RUNNER_PEER_SERVER_H

#include "common/error.h"
#include "sidecar/config/config.h"

typedef struct PeerServer PeerServer;

/* Start the thread that starts the server, and starts it again when it ends. NULL on failure. */
extern PeerServer *peer_server_start(const SidecarConfig *config, PgbrError *error);

/* Have the server read its certificates anew. Thread-safe. */
extern void peer_server_reload(PeerServer *server); /* NULL is fine */

/* End the server and the thread. */
extern void peer_server_stop(PeerServer *server); /* NULL is fine */

#endif
