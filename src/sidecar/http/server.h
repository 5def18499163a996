/*
 * server.h
 *		The sockets: libmicrohttpd, a thread a connection, with limits on everything a client can
 *		make us hold: connections in all and per address, header and body size, and the time a
 *		request takes to arrive.
 */
#ifndef PGBR_SIDECAR_HTTP_SERVER_H
#define PGBR_SIDECAR_HTTP_SERVER_H

#include "common/error.h"
#include "sidecar/config/config.h"
#include "sidecar/http/application.h"
#include "sidecar/http/auth.h"

typedef struct HttpServer HttpServer;

/* Listen, and have the application answer. What is passed in must outlive the server. NULL with
 * CONFIG (address in use, unusable certificate) on failure. */
extern HttpServer *
http_server_start(const SidecarConfig *config, const HttpApplication *application, Auth *auth,
				  PgbrError *error);

/* Close the port, let the requests that are being handled end, and free the server. */
extern void http_server_stop(HttpServer *server);

#endif
