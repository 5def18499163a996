/*
 * http_client.h
 *		One HTTP request at a time, for a caller that must stay in control: bounded in time and
 *		size, and given up as soon as the caller says so.
 *
 * Built on libcurl. No redirects, no cookies, no proxies from the environment; http, https, and
 * http over a socket of this host, whose owner must be root, ourselves or who owns its folder:
 * nobody else gets to see what is asked, nor to answer it. Signals are blocked in this thread
 * around the calls in which libcurl may start a resolver thread, so that such a thread never runs a
 * signal handler of the host process; they are open while waiting. pgbr_http_init is called once,
 * before other threads exist; the rest is thread-safe.
 */
#ifndef PGBR_HTTP_CLIENT_H
#define PGBR_HTTP_CLIENT_H

#include "common/error.h"

#include <stdbool.h>
#include <stddef.h>

/* The largest answer that is taken: info of some 12,000 backups. */
#define PGBR_HTTP_MAX_RESPONSE ((size_t) 8 * 1024 * 1024)

typedef struct PgbrHttpRequest
{
	const char *method;					  /* "GET", "POST", "PUT", "DELETE", "PATCH" */
	const char *url;					  /* http, https, or a socket's: common/sidecar_url.h */
	const char *body;					  /* JSON, or NULL */
	const char *token;					  /* bearer token, or NULL */
	const char *user;					  /* "user:password" for basic authentication, or NULL */
	const char *idempotency_key;		  /* or NULL */
	const char *ca_file;				  /* PEM to trust instead of the system's, or NULL */
	const char *cert_file;				  /* client certificate, or NULL */
	const char *key_file;				  /* its key, or NULL: in cert_file */
	long timeout_ms;					  /* for the whole request; must be > 0 */
	long connect_ms;					  /* to get a connection; 0: as long as for the whole */
	bool (*should_abort)(void *argument); /* asked several times a second; or NULL */
	void *abort_argument;
} PgbrHttpRequest;

typedef struct PgbrHttpResponse
{
	long status;
	char content_type[64]; /* without parameters; "" when there is none */
	char *body;			   /* NUL-terminated; never NULL after success */
	size_t length;
} PgbrHttpResponse;

extern bool pgbr_http_init(PgbrError *error);

/*
 * Perform a request. True: the response holds what the server answered, whatever its status; the
 * caller ends it with pgbr_http_response_done. False: nothing to free, and error holds UNREACHABLE
 * (refused, reset, name unknown, no socket, no connection within connect_ms), FORBIDDEN (the socket
 * is not for us), TIMEOUT, TLS, PROTOCOL (not HTTP, or larger than PGBR_HTTP_MAX_RESPONSE),
 * ABORTED, CONFIG (bad URL or file, a socket that is another's, or a key that others can read) or
 * INTERNAL. The URL is in the detail.
 */
extern bool
pgbr_http_perform(const PgbrHttpRequest *request, PgbrHttpResponse *response, PgbrError *error);
extern void pgbr_http_response_done(PgbrHttpResponse *response);

/*
 * Read a bearer token: the first word of the first line that is neither empty nor a comment (#). So
 * the sidecar's own file does, whose lines go on with a scope and a name. It must be 1 to size - 1
 * printable ASCII characters, in a file that others can't read. Fails with CONFIG, naming the file.
 */
extern bool pgbr_token_read(const char *path, char *token, size_t size, PgbrError *error);

#endif
