/*
 * tls.c
 *		See tls.h.
 */
#include "sidecar/tls.h"

#include "common/strbuf.h"
#include "program/file.h"
#include "program/log.h"

#include <string.h>

#define MAX_FILE  65536
#define MAX_CHAIN 16

/* GnuTLS hands the callback nothing of ours; set once by tls_init. */
static const SidecarConfig *tls_config;

static bool
load_key(gnutls_privkey_t *key, PgbrError *error)
{
	StrBuf text;
	int rc = -1;
	bool ok;

	strbuf_init(&text);
	ok = file_read(tls_config->tls_key_file, MAX_FILE, &text, error);
	if (ok && (rc = gnutls_privkey_init(key)) == 0)
	{
		gnutls_datum_t datum = {(unsigned char *) text.data, (unsigned int) text.length};

		rc = gnutls_privkey_import_x509_raw(*key, &datum, GNUTLS_X509_FMT_PEM, NULL, 0);
		if (rc != 0)
			gnutls_privkey_deinit(*key);
	}
	if (ok && rc != 0)
		ok = pgbr_error_set(error, PGBR_ERROR_CONFIG, "could not use the key \"%s\": %s",
							tls_config->tls_key_file, gnutls_strerror(rc));
	explicit_bzero(text.data, text.length);
	strbuf_done(&text);
	return ok;
}

static bool
load_certificates(gnutls_pcert_st **certificates, unsigned int *count, PgbrError *error)
{
	StrBuf text;
	bool ok;

	strbuf_init(&text);
	*count = MAX_CHAIN;
	*certificates = gnutls_calloc(MAX_CHAIN, sizeof(**certificates));
	ok = *certificates && file_read(tls_config->tls_cert_file, MAX_FILE, &text, error);
	if (ok)
	{
		gnutls_datum_t datum = {(unsigned char *) text.data, (unsigned int) text.length};
		int rc =
			gnutls_pcert_list_import_x509_raw(*certificates, count, &datum, GNUTLS_X509_FMT_PEM, 0);

		if (rc != 0)
			ok =
				pgbr_error_set(error, PGBR_ERROR_CONFIG, "could not use the certificate \"%s\": %s",
							   tls_config->tls_cert_file, gnutls_strerror(rc));
	}
	if (!ok)
		gnutls_free(*certificates);
	strbuf_done(&text);
	return ok;
}

static bool
load(gnutls_pcert_st **certificates, unsigned int *count, gnutls_privkey_t *key, PgbrError *error)
{
	if (!load_certificates(certificates, count, error))
		return false;
	if (load_key(key, error))
		return true;
	for (unsigned int i = 0; i < *count; i++)
		gnutls_pcert_deinit(&(*certificates)[i]);
	gnutls_free(*certificates);
	return false;
}

bool
tls_init(const SidecarConfig *config, PgbrError *error)
{
	gnutls_pcert_st *certificates;
	unsigned int count;
	gnutls_privkey_t key;

	tls_config = config;
	if (!load(&certificates, &count, &key, error))
		return false;
	for (unsigned int i = 0; i < count; i++)
		gnutls_pcert_deinit(&certificates[i]);
	gnutls_free(certificates);
	gnutls_privkey_deinit(key);
	return true;
}

int
tls_retrieve(gnutls_session_t session, const struct gnutls_cert_retr_st *info,
			 gnutls_pcert_st **certificates, unsigned int *count, gnutls_ocsp_data_st **ocsp,
			 unsigned int *ocsp_count, gnutls_privkey_t *key, unsigned int *flags)
{
	PgbrError error;

	(void) session;
	(void) info;
	*ocsp = NULL;
	*ocsp_count = 0;
	/* what is loaded here is this handshake's alone; GnuTLS frees it */
	*flags = GNUTLS_CERT_RETR_DEINIT_ALL;
	if (load(certificates, count, key, &error))
		return 0;
	log_error(NULL, "could not answer a TLS handshake", &error);
	return -1;
}

bool
tls_client_certified(gnutls_session_t session)
{
	unsigned int status = 0;

	return gnutls_certificate_verify_peers2(session, &status) == 0 && status == 0;
}
