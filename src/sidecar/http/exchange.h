/*
 * exchange.h
 *		A request from the first line of its header to its answer: the callbacks that libmicrohttpd
 *		makes for each connection, in the thread of that connection.
 */
#ifndef PGBR_SIDECAR_HTTP_EXCHANGE_H
#define PGBR_SIDECAR_HTTP_EXCHANGE_H

#include "sidecar/config/host_names.h"
#include "sidecar/http/application.h"
#include "sidecar/http/auth.h"
#include "sidecar/http/connections.h"

#include <microhttpd.h>

/* An address that is listened on, and what its requests are answered with. All is borrowed. */
typedef struct Endpoint
{
	int place; /* its number, for connections.h */
	const Listener *listener;
	bool tls;
	bool verify_clients; /* a certificate tells who asks */
	const HttpApplication *application;
	Auth *auth;
	const HostNames *names;
	Connections *connections;
} Endpoint;

/* Callbacks, of which argument is an Endpoint: for a new connection and its end, for each part of a
 * request, and for its end. */
extern void exchange_connection_changed(void *argument, struct MHD_Connection *connection,
										void **context, enum MHD_ConnectionNotificationCode code);
extern enum MHD_Result exchange_serve(void *argument, struct MHD_Connection *connection,
									  const char *url, const char *method, const char *version,
									  const char *data, size_t *length, void **context);
extern void exchange_completed(void *argument, struct MHD_Connection *connection, void **context,
							   enum MHD_RequestTerminationCode code);

/* The request line is there, undecoded: keeps where its target is. NULL. */
extern void *
exchange_see_target(void *argument, const char *target, struct MHD_Connection *connection);

/* Decode %XX in place; the new length. */
extern size_t exchange_decode_url(void *argument, struct MHD_Connection *connection, char *text);

#endif
