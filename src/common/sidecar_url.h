/*
 * sidecar_url.h
 *		The grammar of a URL at which a sidecar (or Patroni) answers: pure.
 *
 *	unix:/absolute/path.sock					a socket on this host
 *	http://host[:port][/prefix], https://...	host, IPv4 address or [IPv6 address]
 *
 * The URL of a request is that of the sidecar, pgbr_url_glue and a path: http://host:8430/v1/info,
 * unix:/run/x.sock:/v1/info. So a socket's path holds no colon.
 */
#ifndef PGBR_SIDECAR_URL_H
#define PGBR_SIDECAR_URL_H

#include <stdbool.h>

/* The longest path that a socket can have, with its NUL. */
#define PGBR_SOCKET_PATH_SIZE 108

/* For messages. */
#define PGBR_HTTP_URL_FORMS "http://host[:port][/prefix] or https://host[:port][/prefix]"
#define PGBR_URL_FORMS		"unix:/absolute/path, " PGBR_HTTP_URL_FORMS

/* Whether it has one of these forms; that of a socket only where there may be one. */
extern bool pgbr_url_is_valid(const char *url, bool may_be_socket);

/* The absolute path of a socket: printable ASCII that needs no quotes, and no colon. */
extern bool pgbr_is_socket_path(const char *path);

/*
 * What stands between a sidecar's URL, without a slash at its end, and a path that begins with one.
 */
extern const char *pgbr_url_glue(const char *url);

/* Take the URL of a request apart: true for a socket, whose path is copied; *rest is what is asked
 * for there, or NULL when it is not understood. */
extern bool
pgbr_url_split_socket(const char *url, char path[PGBR_SOCKET_PATH_SIZE], const char **rest);

#endif
