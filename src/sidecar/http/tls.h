/*
 * tls.h
 *		The server's own certificate, on GnuTLS as libmicrohttpd uses it.
 */
#ifndef PGBR_SIDECAR_HTTP_TLS_H
#define PGBR_SIDECAR_HTTP_TLS_H

#include "common/error.h"
#include "sidecar/config/config.h"

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>

/* Read the certificate, its key, and what clients' certificates are held against: CONFIG when they
 * can't be used. Called once, before the server starts. */
extern bool tls_init(const SidecarConfig *config, PgbrError *error);

/* Give GnuTLS the certificate and key for a handshake (gnutls_certificate_retrieve_function3), and
 * have it ask for the client's where there is a CA for these. Files that have changed are read
 * again, so that a renewed certificate serves from then on; while they can't be used, or do not
 * belong together since only one of them was replaced yet, the pair before serves. */
extern int
tls_retrieve(gnutls_session_t session, const struct gnutls_cert_retr_st *info,
			 gnutls_pcert_st **certificates, unsigned int *count, gnutls_ocsp_data_st **ocsp,
			 unsigned int *ocsp_count, gnutls_privkey_t *key, unsigned int *flags);

#endif
