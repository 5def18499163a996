/*
 * http_call.h
 *		What the clients of the sidecars and of Patroni have in common: the form of a URL, and a
 *		request that no broken connection ends the program with.
 */
#ifndef PGBR_CTL_CLIENT_HTTP_CALL_H
#define PGBR_CTL_CLIENT_HTTP_CALL_H

#include "common/error.h"
#include "common/http_client.h"

#include <stdbool.h>
#include <stddef.h>

/* The configuration file that hints name: see cluster_config.h. */
#define CTL_CONFIG_FILE "/etc/pgbackrest_ctl/ctl.yaml"

/* How long a connection may take: a firewall that drops packets costs no more. */
#define HTTP_CALL_CONNECT_MS 5000

/* Whether a URL has a form of common/sidecar_url.h and fits into size bytes; what says whose it is
 * ("sidecar"). CONFIG otherwise. */
extern bool http_call_check_url(const char *what, const char *url, size_t size, bool may_be_socket,
								PgbrError *error);

/* pgbr_http_perform without SIGPIPE. */
extern bool
http_call_perform(const PgbrHttpRequest *request, PgbrHttpResponse *response, PgbrError *error);

#endif
