/*
 * exchange.c
 *		See exchange.h. Knows libmicrohttpd, and nothing of what the routes do.
 */
#include "sidecar/http/exchange.h"

#include "program/log.h"
#include "sidecar/http/guard.h"
#include "sidecar/http/send.h"
#include "sidecar/http/tls_client.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DRAINED_MAX		(16 * 1024 * 1024)			/* of a body that is refused */
#define PARSES_IN_PLACE (MHD_VERSION <= 0x00097500) /* later ones refuse on their own */

typedef struct Client
{
	Connection connection;
	int fd;
	Caller caller; /* as far as the connection alone tells */
	/* what the request line had between method and version, before it was decoded in place */
	const char *target;
	const char *target_end;
} Client;

/* A request that is arriving, and its answer. */
typedef struct Exchange
{
	const Endpoint *endpoint;
	Client *client;
	HttpRequest request;
	HttpHeaders headers;
	bool old; /* HTTP/1.0 */
	StrBuf body;
	bool too_large;
	HttpResponse *refusal; /* what is answered whatever the body is, or NULL */
	PgbrError uncertified; /* why no certificate counts */
} Exchange;

/* Whom the limits count as one: an address; at our socket those who may do everything, and all
 * others. */
static void
name_peer(const Endpoint *endpoint, const Client *client, struct MHD_Connection *connection,
		  char *peer)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);

	peer[0] = '\0';
	if (endpoint->listener->is_socket)
		strcpy(peer, client->caller.scope == SCOPE_RESTORE ? "ours" : "others");
	else if (info && info->client_addr->sa_family == AF_INET)
		inet_ntop(AF_INET, &((const struct sockaddr_in *) info->client_addr)->sin_addr, peer,
				  PEER_SIZE);
	else if (info && info->client_addr->sa_family == AF_INET6)
		inet_ntop(AF_INET6, &((const struct sockaddr_in6 *) info->client_addr)->sin6_addr, peer,
				  PEER_SIZE);
}

void
exchange_connection_changed(void *argument, struct MHD_Connection *connection, void **context,
							enum MHD_ConnectionNotificationCode code)
{
	const Endpoint *endpoint = argument;
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
		client->caller = endpoint->listener->is_socket
							 ? auth_peer(endpoint->auth, client->fd)
							 : auth_stranger(endpoint->auth, endpoint->listener);
		name_peer(endpoint, client, connection, peer);
		connections_add(endpoint->connections, &client->connection, client->fd, endpoint->place,
						peer);
	}
	else if (client)
	{
		connections_remove(endpoint->connections, &client->connection);
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

/* Decode %XX in place. %00 stays as it is: it would cut the text short, and no grammar takes
 * '%'. */
size_t
exchange_decode_url(void *argument, struct MHD_Connection *connection, char *text)
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

void *
exchange_see_target(void *argument, const char *target, struct MHD_Connection *connection)
{
	Client *client =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;

	(void) argument;
	if (client)
	{
		client->target = target;
		client->target_end = target + strlen(target);
	}
	return NULL;
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
	{
		headers->line = version + strlen(version) + 2;
		if (exchange->client)
			http_headers_begin(headers, method, exchange->client->target,
							   exchange->client->target_end, version);
	}
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
	const Endpoint *endpoint = exchange->endpoint;
	HttpRequest *request = &exchange->request;
	Caller connected = exchange->client->caller;

	if (endpoint->tls && endpoint->verify_clients && connected.scope == SCOPE_NONE)
		connected = identify_certificate(
			exchange,
			MHD_get_connection_info(connection, MHD_CONNECTION_INFO_GNUTLS_SESSION)->tls_session);
	request->caller = auth_identify(endpoint->auth, &connected, request->authorization);
}

static Exchange *
exchange_new(const Endpoint *endpoint, struct MHD_Connection *connection, const char *url,
			 const char *method, const char *version)
{
	Exchange *exchange = calloc(1, sizeof(*exchange));
	HttpRequest *request;

	if (exchange == NULL)
		return NULL;
	request = &exchange->request;
	exchange->endpoint = endpoint;
	exchange->client =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
	strbuf_init(&exchange->body);
	/* libmicrohttpd keeps these until the answer is sent */
	request->face = endpoint->listener->face;
	request->method = method;
	request->path = url;
	request->peer = endpoint->listener->is_socket ? "socket"
					: exchange->client			  ? exchange->client->connection.peer
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

void
exchange_completed(void *argument, struct MHD_Connection *connection, void **context,
				   enum MHD_RequestTerminationCode code)
{
	Exchange *exchange = *context;

	(void) argument;
	(void) connection;
	(void) code;
	if (exchange == NULL)
		return;
	if (exchange->client)
		connections_end(exchange->endpoint->connections, &exchange->client->connection);
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
	http_refuse(&exchange->request, &error, response);
}

static bool
is_for_who_asks(int status)
{
	return status == 401 || status == 403 || status == 421;
}

/* See whether the request may go on. */
static bool
admit(Exchange *exchange, HttpResponse *response)
{
	const Endpoint *endpoint = exchange->endpoint;
	const HttpApplication *application = endpoint->application;
	HttpRequest *request = &exchange->request;
	PgbrError error = PGBR_ERROR_INIT;
	bool guarded =
		http_guard_check(&exchange->headers, exchange->old, endpoint->tls, endpoint->names, &error);

	if (!guarded)
		http_refuse(request, &error, response);
	else if (application->admit(application->argument, request, response))
		return true;
	/* because of the caller, or of the web page that sent it */
	if (is_for_who_asks(response->status))
		application->refused(application->argument, request, response->status);
	else if (guarded)
		return false;
	log_repeated("refused requests", LOG_LEVEL_WARNING, "refused %s %.64s from %s: %d%s%s",
				 request->method, request->path, request->peer, response->status,
				 guarded ? "" : ", ", error.message);
	return false;
}

/* A body that is too long by its own word is not waited for where the client asks first, or
 * where it is far too long. Any other is read to its end before it is refused: who writes to a
 * socket when we have hung up does not get to read why. */
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

/* The header is in. A refusal is kept until the body has arrived, too: at a socket, who writes
 * to us after we have hung up does not get to read why. */
static enum MHD_Result
exchange_begin(const Endpoint *endpoint, struct MHD_Connection *connection, const char *url,
			   const char *method, const char *version, void **context)
{
	Exchange *exchange = exchange_new(endpoint, connection, url, method, version);
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
	const Endpoint *endpoint = exchange->endpoint;
	const HttpApplication *application = endpoint->application;
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
	else if (connections_begin(endpoint->connections, &exchange->client->connection,
							   request->is_probe, &error))
		application->handle(application->argument, request, response);
	else
	{
		http_refuse(request, &error, response);
		response->hang_up = true;
	}
}

/* libmicrohttpd calls this when the header is in, for each part of the body, and at its end. */
enum MHD_Result
exchange_serve(void *argument, struct MHD_Connection *connection, const char *url,
			   const char *method, const char *version, const char *data, size_t *length,
			   void **context)
{
	const Endpoint *endpoint = argument;
	Exchange *exchange = *context;
	HttpResponse *response;

	if (exchange == NULL)
		return exchange_begin(endpoint, connection, url, method, version, context);
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
