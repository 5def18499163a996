/*
 * server.c
 *		See server.h. Opens and closes the endpoints; what happens at them is in exchange.c.
 */
#include "sidecar/http/server.h"

#include "program/log.h"
#include "sidecar/http/connections.h"
#include "sidecar/http/exchange.h"
#include "sidecar/http/local_socket.h"
#include "sidecar/http/tls.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define ARRIVE_MS		  30000 /* from the connection, or the last answer, to the request's end */
#define SILENCE_S		  30
#define HEADER_MAX		  32768
#define STACK_SIZE		  (256 * 1024)
#define LISTEN_QUEUE	  128
#define OTHER_DESCRIPTORS 256 /* of the store, programs that are run, ... */
#define TLS_PRIORITIES	  "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"

/* One that is open, or is to be. */
typedef struct OpenEndpoint
{
	Endpoint endpoint;
	struct MHD_Daemon *daemon; /* NULL: not open */
} OpenEndpoint;

struct HttpServer
{
	OpenEndpoint endpoints[LISTENERS_MAX];
	LocalSocket socket;
	HostNames names;
	Connections *connections;
};

static void
log_library(void *argument, const char *format, va_list arguments)
{
	char text[512];

	(void) argument;
	vsnprintf(text, sizeof(text), format, arguments);
	text[strcspn(text, "\n")] = '\0';
	log_event(LOG_LEVEL_DEBUG, NULL, "libmicrohttpd: %s", text);
}

/* Where a daemon listens: at an address, or at our socket, which is made here. */
static bool
address_options(LocalSocket *local, const Listener *listener, struct MHD_OptionItem *options,
				PgbrError *error)
{
	options[1] = (struct MHD_OptionItem){MHD_OPTION_END, 0, NULL};
	if (!listener->is_socket)
		options[0] = (struct MHD_OptionItem){MHD_OPTION_SOCK_ADDR, 0, (void *) &listener->address};
	else if (local_socket_open(local, listener->listen, LISTEN_QUEUE, error))
		options[0] = (struct MHD_OptionItem){MHD_OPTION_LISTEN_SOCKET, local->fd, NULL};
	else
		return false;
	return true;
}

/* Of one endpoint, with those that are being hung up on: who comes is never left waiting for
 * them. */
static unsigned int
connections_most(const SidecarConfig *config)
{
	return 2 * (unsigned int) (config->max_connections + CONNECTIONS_RESERVE);
}

/* So that connections can't take the descriptors that programs are run with. */
static void
raise_descriptor_limit(const SidecarConfig *config)
{
	rlim_t wanted = (rlim_t) config->listener_count * connections_most(config) + OTHER_DESCRIPTORS;
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted)
		return;
	limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
	if (setrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur < wanted)
		log_event(LOG_LEVEL_WARNING, NULL, "%llu open files may be too few for %llu connections",
				  (unsigned long long) limit.rlim_cur, (unsigned long long) wanted);
}

static bool
open_endpoint(OpenEndpoint *open, LocalSocket *local, const SidecarConfig *config, PgbrError *error)
{
	Endpoint *endpoint = &open->endpoint;
	const Listener *listener = endpoint->listener;
	unsigned int flags = MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD |
						 MHD_USE_POLL | MHD_USE_ERROR_LOG | MHD_USE_ITC |
						 (endpoint->tls ? MHD_USE_TLS : 0) |
						 (listener->address.ss_family == AF_INET6 ? MHD_USE_IPv6 : 0);
	const struct MHD_OptionItem tls_options[] = {
		{MHD_OPTION_HTTPS_CERT_CALLBACK2, 0, (void *) tls_retrieve},
		{MHD_OPTION_HTTPS_PRIORITIES, 0, (void *) TLS_PRIORITIES},
		{MHD_OPTION_END, 0, NULL},
	};
	struct MHD_OptionItem address[2];

	if (!address_options(local, listener, address, error))
		return false;
	errno = 0;
	open->daemon = MHD_start_daemon(
		flags, 0, NULL, NULL, exchange_serve, endpoint, MHD_OPTION_EXTERNAL_LOGGER, log_library,
		NULL, MHD_OPTION_ARRAY, address, MHD_OPTION_NOTIFY_COMPLETED, exchange_completed, NULL,
		MHD_OPTION_NOTIFY_CONNECTION, exchange_connection_changed, endpoint,
		MHD_OPTION_UNESCAPE_CALLBACK, exchange_decode_url, NULL, MHD_OPTION_URI_LOG_CALLBACK,
		exchange_see_target, NULL, MHD_OPTION_CONNECTION_LIMIT, connections_most(config),
		MHD_OPTION_CONNECTION_TIMEOUT, (unsigned int) SILENCE_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		(size_t) HEADER_MAX, MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_THREAD_STACK_SIZE,
		(size_t) STACK_SIZE, MHD_OPTION_LISTEN_BACKLOG_SIZE, (unsigned int) LISTEN_QUEUE,
		MHD_OPTION_ARRAY, endpoint->tls ? tls_options : &tls_options[2], MHD_OPTION_END);
	if (open->daemon)
		return true;
	return pgbr_error_set(error, PGBR_ERROR_CONFIG, "could not listen on \"%s\": %s",
						  listener->listen, errno ? strerror(errno) : "unusable TLS settings");
}

/* All of them, or none. The socket's name goes first: who comes now is refused. */
static void
close_endpoints(HttpServer *server)
{
	local_socket_close(&server->socket);
	for (int i = 0; i < LISTENERS_MAX; i++)
	{
		if (server->endpoints[i].daemon)
			MHD_stop_daemon(server->endpoints[i].daemon);
	}
}

static bool
open_endpoints(HttpServer *server, const SidecarConfig *config, const HttpApplication *application,
			   Auth *auth, PgbrError *error)
{
	if (config->tls_cert_file && !tls_init(config, error))
		return false;
	/* our own last: when it answers, all are open */
	for (int i = config->listener_count - 1; i >= 0; i--)
	{
		const Listener *listener = &config->listeners[i];
		OpenEndpoint *open = &server->endpoints[i];

		open->endpoint = (Endpoint){.place = i,
									.listener = listener,
									.verify_clients = config->tls_client_ca_file != NULL,
									.application = application,
									.auth = auth,
									.names = &server->names,
									.connections = server->connections};
		/* callers whom nobody knows come from programs that speak no TLS, but for those that read
		 * metrics */
		open->endpoint.tls = config->tls_cert_file && !listener->is_socket &&
							 !(listener->open && listener->face != FACE_METRICS);
		if (!open_endpoint(open, &server->socket, config, error))
		{
			close_endpoints(server);
			return false;
		}
	}
	return true;
}

HttpServer *
http_server_start(const SidecarConfig *config, const HttpApplication *application, Auth *auth,
				  PgbrError *error)
{
	HttpServer *server = calloc(1, sizeof(*server));

	if (server == NULL)
	{
		pgbr_error_set(error, PGBR_ERROR_INTERNAL, "out of memory");
		return NULL;
	}
	server->socket = (LocalSocket){.fd = -1, .lock_fd = -1};
	server->names = (HostNames){config->allowed_hosts.values, config->allowed_hosts.count};
	raise_descriptor_limit(config);
	server->connections = connections_new(config->max_connections,
										  config->max_connections_per_address, ARRIVE_MS, error);
	if (server->connections && open_endpoints(server, config, application, auth, error))
		return server;
	connections_free(server->connections);
	free(server);
	return NULL;
}

void
http_server_stop(HttpServer *server)
{
	close_endpoints(server);
	connections_free(server->connections);
	free(server);
}
