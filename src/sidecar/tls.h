/*
 * tls.h
 *		The server's certificate and the client's, on GnuTLS as libmicrohttpd uses it.
 */
#ifndef PGBR_SIDECAR_TLS_H
#define PGBR_SIDECAR_TLS_H

#include "common/error.h"
#include "sidecar/config.h"

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>

/* Remember whose files tls_retrieve reads, and see that they can be used: CONFIG when not. Called
 * once, before the server starts. */
extern bool tls_init(const SidecarConfig *config, PgbrError *error);

/* Give GnuTLS the certificate and key for a handshake (gnutls_certificate_retrieve_function3). The
 * files are read for each, so that a renewed certificate serves from then on. */
extern int
tls_retrieve(gnutls_session_t session, const struct gnutls_cert_retr_st *info,
			 gnutls_pcert_st **certificates, unsigned int *count, gnutls_ocsp_data_st **ocsp,
			 unsigned int *ocsp_count, gnutls_privkey_t *key, unsigned int *flags);

/* True when the client of this session has shown a certificate of our CA that is meant for clients. */
extern bool tls_client_certified(gnutls_session_t session);

#endif
