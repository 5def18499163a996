/*
 * server.c
 *		See server.h. Knows libmicrohttpd, and nothing of what the routes do.
 */
#include "sidecar/http/server.h"

#include "program/log.h"
#include "sidecar/http/connections.h"
#include "sidecar/http/guard.h"
#include "sidecar/http/send.h"
#include "sidecar/http/local_socket.h"
#include "sidecar/api/routes.h"
#include "sidecar/http/tls.h"
#include "sidecar/http/tls_client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define ARRIVE_MS		  30000 /* from the connection, or the last answer, to the end of the request */
#define SILENCE_S		  30
#define DRAINED_MAX		  (16 * 1024 * 1024) /* of a body that is refused */
#define HEADER_MAX		  32768
#define STACK_SIZE		  (256 * 1024)
#define LISTEN_QUEUE	  128
#define OTHER_DESCRIPTORS 256						  /* of the store, programs that are run, ... */
#define PARSES_IN_PLACE	  (MHD_VERSION <= 0x00097500) /* later ones refuse on their own */
#define TLS_PRIORITIES	  "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"

typedef struct Client
{
	Connection connection;
	int fd;
	Caller caller; /* whom the connection alone tells */
} Client;

/* One address, with the face that is shown there. */
typedef struct Door
{
	HttpServer *server;
	const Listener *listener;
	struct MHD_Daemon *daemon; /* NULL: not open */
	bool tls;
} Door;

struct HttpServer
{
	Door doors[LISTENERS_MAX];
	LocalSocket socket;
	Sidecar *sidecar;
	Auth *auth;
	bool verify_clients;
	HttpNames names;
	Connections *connections;
};

/* A request that is arriving, and its answer. */
typedef struct Exchange
{
	const Door *door;
	Client *client;
	HttpRequest request;
	HttpHeaders headers;
	bool old; /* HTTP/1.0 */
	StrBuf body;
	bool too_large;
	HttpResponse *refusal; /* what is answered whatever the body is, or NULL */
	PgbrError uncertified; /* why no certificate counts */
} Exchange;

/* Whom the limits count as one: an address; at our socket those who may do everything, and all others. */
static void
name_peer(const Door *door, const Client *client, struct MHD_Connection *connection, char *peer)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);

	peer[0] = '\0';
	if (door->listener->is_socket)
		strcpy(peer, client->caller.scope == SCOPE_RESTORE ? "ours" : "others");
	else if (info && info->client_addr->sa_family == AF_INET)
		inet_ntop(AF_INET, &((const struct sockaddr_in *) info->client_addr)->sin_addr, peer,
				  PEER_SIZE);
	else if (info && info->client_addr->sa_family == AF_INET6)
		inet_ntop(AF_INET6, &((const struct sockaddr_in6 *) info->client_addr)->sin6_addr, peer,
				  PEER_SIZE);
}

static void
connection_changed(void *argument, struct MHD_Connection *connection, void **context,
				   enum MHD_ConnectionNotificationCode code)
{
	const Door *door = argument;
	HttpServer *server = door->server;
	Client *client = *context;
	char peer[PEER_SIZE];

	if (code == MHD_CONNECTION_NOTIFY_STARTED)
	{
		client = calloc(1, sizeof(*client));
		*context = client;
		if (client == NULL)
			return;
		client->fd =
			MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
		client->caller = door->listener->is_socket ? auth_peer(server->auth, client->fd)
												   : auth_stranger(server->auth, door->listener);
		name_peer(door, client, connection, peer);
		connections_add(server->connections, &client->connection, client->fd,
						(int) (door - server->doors), peer);
	}
	else if (client)
	{
		connections_remove(server->connections, &client->connection);
		free(client);
	}
}

static bool
is_gone(void *argument)
{
	/* not a look at what can be read: TLS says good-bye before it hangs up */
	struct pollfd fd = {((Client *) argument)->fd, POLLRDHUP, 0};

	return poll(&fd, 1, 0) > 0;
}

/* Decode %XX in place. %00 stays as it is: it would cut the text short, and no grammar takes '%'. */
static size_t
decode_url(void *argument, struct MHD_Connection *connection, char *text)
{
	char *to = text;

	(void) argument;
	(void) connection;
	for (char *from = text; *from;)
	{
		unsigned int value;

		if (from[0] == '%' && strspn(from + 1, "0123456789abcdefABCDEF") >= 2 &&
			sscanf(from + 1, "%2x", &value) == 1 && value != 0)
		{
			*to++ = (char) value;
			from += 3;
		}
		else
			*to++ = *from++;
	}
	*to = '\0';
	return (size_t) (to - text);
}

static enum MHD_Result
add_query(void *argument, enum MHD_ValueKind kind, const char *key, const char *value)
{
	HttpRequest *request = argument;

	(void) kind;
	if (request->query_count == HTTP_MAX_QUERY)
		request->query_overflow = true;
	else
		request->query[request->query_count++] = (HttpQuery){key, value ? value : ""};
	return MHD_YES;
}

static enum MHD_Result
add_header(void *argument, enum MHD_ValueKind kind, const char *name, const char *value)
{
	(void) kind;
	http_headers_add(argument, name, value ? value : "");
	return MHD_YES;
}

static void
read_headers(Exchange *exchange, struct MHD_Connection *connection, const char *method,
			 const char *version)
{
	HttpHeaders *headers = &exchange->headers;
	const union MHD_ConnectionInfo *size =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);

	exchange->old = strcmp(version, MHD_HTTP_VERSION_1_0) == 0;
	if (PARSES_IN_PLACE && size)
		headers->line = version + strlen(version) + 2;
	MHD_get_connection_values(connection, MHD_HEADER_KIND, add_header, headers);
	if (headers->line)
		http_headers_end(headers, method + size->header_size);
}

/* Who is certified at the other end of a TLS session, if anybody. */
static Caller
identify_certificate(Exchange *exchange, gnutls_session_t session)
{
	Caller caller = CALLER_NOBODY;
	TlsClient client;

	exchange->request.uncertified = exchange->uncertified.message;
	if (!tls_client_identify(session, &client, &exchange->uncertified))
		return caller;
	pgbr_error_set(&exchange->uncertified, PGBR_ERROR_UNAUTHORIZED,
				   "no --tls-client-name of the sidecar names \"%s\"", client.name);
	caller = (Caller){.kind = CALLER_CERTIFICATE, .scope = client.scope};
	_Static_assert(sizeof("certificate:") + CLIENT_NAME_SIZE <= CALLER_NAME_SIZE, "no name is cut");
	snprintf(caller.name, sizeof(caller.name), "certificate:%s", client.name);
	return caller;
}

/* Find out who asks: by the connection, a certificate or a token. */
static void
identify(Exchange *exchange, struct MHD_Connection *connection)
{
	const HttpServer *server = exchange->door->server;
	HttpRequest *request = &exchange->request;
	Caller connected = exchange->client->caller;

	if (exchange->door->tls && server->verify_clients && connected.scope == SCOPE_NONE)
		connected = identify_certificate(
			exchange,
			MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION)->tls_session);
	request->caller = auth_identify(server->auth, &connected, request->authorization);
}

static Exchange *
exchange_new(const Door *door, struct MHD_Connection *connection, const char *url,
			 const char *method, const char *version)
{
	Exchange *exchange = calloc(1, sizeof(*exchange));
	HttpRequest *request;

	if (exchange == NULL)
		return NULL;
	request = &exchange->request;
	exchange->door = door;
	exchange->client =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
	strbuf_init(&exchange->body);
	/* libmicrohttpd keeps these until the answer is sent */
	request->face = door->listener->face;
	request->method = method;
	request->path = url;
	request->peer = door->listener->is_socket ? "socket"
					: exchange->client		  ? exchange->client->connection.peer
											  : "";
	request->authorization =
		MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_AUTHORIZATION);
	request->content_type =
		MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_TYPE);
	request->idempotency_key =
		MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Idempotency-Key");
	request->is_gone = is_gone;
	request->gone_argument = exchange->client;
	if (exchange->client)
		identify(exchange, connection);
	read_headers(exchange, connection, method, version);
	MHD_get_connection_values(connection, MHD_GET_ARGUMENT_KIND, add_query, request);
	return exchange;
}

static void
request_completed(void *argument, struct MHD_Connection *connection, void **context,
				  enum MHD_RequestTerminationCode code)
{
	Exchange *exchange = *context;

	(void) argument;
	(void) connection;
	(void) code;
	if (exchange == NULL)
		return;
	if (exchange->client)
		connections_end(exchange->door->server->connections, &exchange->client->connection);
	if (exchange->refusal)
		http_send_free(exchange->refusal);
	strbuf_done(&exchange->body);
	free(exchange);
	*context = NULL;
}

static size_t
max_body(const Exchange *exchange)
{
	return strcmp(exchange->request.method, "PUT") == 0 ? HTTP_MAX_PUT : HTTP_MAX_BODY;
}

static void
refuse_size(const Exchange *exchange, HttpResponse *response)
{
	PgbrError error;

	pgbr_error_set(&error, PGBR_ERROR_TOO_LARGE, "the body is larger than %zu bytes",
				   max_body(exchange));
	routes_refuse(&exchange->request, &error, response);
}

/* See whether the request may go on. */
static bool
admit(const Exchange *exchange, HttpResponse *response)
{
	const Door *door = exchange->door;
	const HttpRequest *request = &exchange->request;
	PgbrError error = PGBR_ERROR_INIT;
	bool guarded = http_guard_check(&exchange->headers, exchange->old, door->tls,
									&door->server->names, &error);

	if (!guarded)
		routes_refuse(request, &error, response);
	else if (routes_admit(door->server->auth, request, response))
		return true;
	/* for who asks, or for which page has him ask */
	if (response->status == 401 || response->status == 403 || response->status == 421)
		audit_refused(door->server->sidecar->audit, request, response->status);
	else if (guarded)
		return false;
	log_repeated("refused requests", LOG_LEVEL_WARNING, "refused %s %.64s: %d%s%s", request->method,
				 request->path, response->status, guarded ? "" : ", ", error.message);
	return false;
}

/* A body that is too long by its own word is not waited for where the client asks first, or where it
 * is far too long. Any other is read to its end before it is refused: who writes to a socket when we
 * have hung up does not get to read why. */
static bool
is_not_waited_for(const Exchange *exchange, struct MHD_Connection *connection)
{
	const char *length =
		MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);
	bool asks_first =
		MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_EXPECT) != NULL;

	return length && strtoull(length, NULL, 10) > (asks_first ? max_body(exchange) : DRAINED_MAX);
}

static void
take_body(Exchange *exchange, const char *data, size_t length)
{
	if (exchange->refusal)
		return;
	/* what is too large is read to its end, so that the client gets to read the answer */
	if (exchange->body.length + length > max_body(exchange))
		exchange->too_large = true;
	else
		strbuf_append(&exchange->body, data, length);
}

/* The header is in. A refusal is kept until the body has arrived, too: at a socket, who writes to us
 * after we have hung up does not get to read why. */
static enum MHD_Result
begin(const Door *door, struct MHD_Connection *connection, const char *url, const char *method,
	  const char *version, void **context)
{
	Exchange *exchange = exchange_new(door, connection, url, method, version);
	HttpResponse *response;

	*context = exchange;
	if (exchange == NULL || exchange->client == NULL || (response = http_send_new()) == NULL)
		return MHD_NO;
	if (admit(exchange, response))
	{
		if (!is_not_waited_for(exchange, connection))
		{
			http_send_free(response);
			return MHD_YES;
		}
		refuse_size(exchange, response);
	}
	else if (response->status != 400 && !is_not_waited_for(exchange, connection))
	{
		exchange->refusal = response;
		return MHD_YES;
	}
	response->hang_up = true;
	return http_send(connection, response);
}

/* The request is in. */
static void
answer(Exchange *exchange, HttpResponse *response)
{
	HttpServer *server = exchange->door->server;
	HttpRequest *request = &exchange->request;
	PgbrError error;

	request->body = exchange->body.data;
	request->body_length = exchange->body.length;
	if (exchange->refusal)
	{
		exchange->refusal = NULL;
		response->hang_up = true;
	}
	else if (exchange->too_large || exchange->body.failed)
		refuse_size(exchange, response);
	else if (connections_begin(server->connections, &exchange->client->connection,
							   routes_is_probe(request), &error))
		routes_handle(server->sidecar, request, response);
	else
	{
		routes_refuse(request, &error, response);
		response->hang_up = true;
	}
}

/* libmicrohttpd calls this when the header is in, for each part of the body, and at its end. */
static enum MHD_Result
serve(void *argument, struct MHD_Connection *connection, const char *url, const char *method,
	  const char *version, const char *data, size_t *length, void **context)
{
	const Door *door = argument;
	Exchange *exchange = *context;
	HttpResponse *response;

	if (exchange == NULL)
		return begin(door, connection, url, method, version, context);
	if (*length > 0)
	{
		take_body(exchange, data, *length);
		*length = 0;
		return MHD_YES;
	}
	response = exchange->refusal ? exchange->refusal : http_send_new();
	if (response == NULL)
		return MHD_NO;
	answer(exchange, response);
	/* where a body ends is where others could see it differently: nothing is read after one */
	response->hang_up = response->hang_up || http_headers_announce_body(&exchange->headers);
	return http_send(connection, response);
}

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
address_options(Door *door, struct MHD_OptionItem *options, PgbrError *error)
{
	const Listener *listener = door->listener;
	LocalSocket *local = &door->server->socket;

	options[1] = (struct MHD_OptionItem){MHD_OPTION_END, 0, NULL};
	if (!listener->is_socket)
		options[0] = (struct MHD_OptionItem){MHD_OPTION_SOCK_ADDR, 0, (void *) &listener->address};
	else if (local_socket_open(local, listener->listen, LISTEN_QUEUE, error))
		options[0] = (struct MHD_OptionItem){MHD_OPTION_LISTEN_SOCKET, local->fd, NULL};
	else
		return false;
	return true;
}

/* Of one door, with those that are being hung up on: who comes is never left waiting for them. */
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
open_door(Door *door, const SidecarConfig *config, PgbrError *error)
{
	const Listener *listener = door->listener;
	unsigned int flags = MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD |
						 MHD_USE_POLL | MHD_USE_ERROR_LOG | MHD_USE_ITC |
						 (door->tls ? MHD_USE_TLS : 0) |
						 (listener->address.ss_family == AF_INET6 ? MHD_USE_IPv6 : 0);
	const struct MHD_OptionItem tls_options[] = {
		{MHD_OPTION_HTTPS_CERT_CALLBACK2, 0, (void *) tls_retrieve},
		{MHD_OPTION_HTTPS_PRIORITIES, 0, (void *) TLS_PRIORITIES},
		{MHD_OPTION_END, 0, NULL},
	};
	struct MHD_OptionItem address[2];

	if (!address_options(door, address, error))
		return false;
	errno = 0;
	door->daemon = MHD_start_daemon(
		flags, 0, NULL, NULL, serve, door, MHD_OPTION_EXTERNAL_LOGGER, log_library, NULL,
		MHD_OPTION_ARRAY, address, MHD_OPTION_NOTIFY_COMPLETED, request_completed, NULL,
		MHD_OPTION_NOTIFY_CONNECTION, connection_changed, door, MHD_OPTION_UNESCAPE_CALLBACK,
		decode_url, NULL, MHD_OPTION_CONNECTION_LIMIT, connections_most(config),
		MHD_OPTION_CONNECTION_TIMEOUT, (unsigned int) SILENCE_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		(size_t) HEADER_MAX, MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_THREAD_STACK_SIZE,
		(size_t) STACK_SIZE, MHD_OPTION_LISTEN_BACKLOG_SIZE, (unsigned int) LISTEN_QUEUE,
		MHD_OPTION_ARRAY, door->tls ? tls_options : &tls_options[2], MHD_OPTION_END);
	if (door->daemon)
		return true;
	return pgbr_error_set(error, PGBR_ERROR_CONFIG, "could not listen on \"%s\": %s",
						  listener->listen, errno ? strerror(errno) : "unusable TLS settings");
}

/* All of them, or none. The socket's name goes first: who comes now is refused. */
static void
close_doors(HttpServer *server)
{
	local_socket_close(&server->socket);
	for (int i = 0; i < LISTENERS_MAX; i++)
	{
		if (server->doors[i].daemon)
			MHD_stop_daemon(server->doors[i].daemon);
	}
}

static bool
open_doors(HttpServer *server, const SidecarConfig *config, PgbrError *error)
{
	if (config->tls_cert_file && !tls_init(config, error))
		return false;
	/* our own last: when it answers, all are open */
	for (int i = config->listener_count - 1; i >= 0; i--)
	{
		const Listener *listener = &config->listeners[i];
		Door *door = &server->doors[i];

		*door = (Door){.server = server, .listener = listener};
		/* whom nobody knows comes from a program that speaks no TLS, but for who reads metrics */
		door->tls = config->tls_cert_file && !listener->is_socket &&
					!(listener->open && listener->face != FACE_METRICS);
		if (!open_door(door, config, error))
		{
			close_doors(server);
			return false;
		}
	}
	return true;
}

HttpServer *
http_server_start(const SidecarConfig *config, Sidecar *sidecar, Auth *auth, PgbrError *error)
{
	HttpServer *server = calloc(1, sizeof(*server));

	if (server == NULL)
	{
		pgbr_error_set(error, PGBR_ERROR_INTERNAL, "out of memory");
		return NULL;
	}
	server->sidecar = sidecar;
	server->auth = auth;
	server->socket = (LocalSocket){.fd = -1, .lock_fd = -1};
	server->verify_clients = config->tls_client_ca_file != NULL;
	server->names = (HttpNames){config->allowed_hosts.values, config->allowed_hosts.count};
	raise_descriptor_limit(config);
	server->connections = connections_new(config->max_connections,
										  config->max_connections_per_address, ARRIVE_MS, error);
	if (server->connections && open_doors(server, config, error))
		return server;
	connections_free(server->connections);
	free(server);
	return NULL;
}

void
http_server_stop(HttpServer *server)
{
	close_doors(server);
	connections_free(server->connections);
	free(server);
}
