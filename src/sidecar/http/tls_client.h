/*
 * tls_client.h
 *		Who a TLS client is: its certificate, held against the CA, its revocation list and the
 *		names.
 *
 * Certificates are checked at each request, not at the handshake alone: a connection that is kept
 * alive ends to count when its CA is replaced or its certificate is revoked, or expires. Files
 * that have changed are read again. While they can't be used, which they can't in the middle of
 * being written, the ones before count for TLS_CLIENT_GRACE_MS, and no certificate after that.
 * Thread-safe.
 */
#ifndef PGBR_SIDECAR_HTTP_TLS_CLIENT_H
#define PGBR_SIDECAR_HTTP_TLS_CLIENT_H

#include "common/error.h"
#include "sidecar/config/client_name.h"
#include "sidecar/config/config.h"

#include <gnutls/gnutls.h>

#define TLS_CLIENT_GRACE_MS 5000

typedef struct TlsClient
{
	char name[CLIENT_NAME_SIZE]; /* its common name; "" when the certificate is not accepted */
	Scope scope;				 /* NONE: none of --tls-client-name names it */
} TlsClient;

/* Read the CA and its revocation list. CONFIG when they can't be used. */
extern bool tls_client_init(const SidecarConfig *config, PgbrError *error);

/* Who is at the other end of a session? UNAUTHORIZED, with the reason, when that is not
 * certified: no certificate, not of the CA, revoked or not known not to be, expired, not made
 * for clients (clientAuth among its extended key usages), or without one usable common name. */
extern bool tls_client_identify(gnutls_session_t session, TlsClient *client, PgbrError *error);

#endif
