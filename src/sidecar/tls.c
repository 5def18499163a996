/*
 * tls.c
 *		See tls.h.
 */
#include "sidecar/tls.h"

#include "common/strbuf.h"
#include "program/file.h"
#include "program/log.h"

#include <string.h>

#define MAX_FILE	  65536
#define MAX_AUTHORITY (1024 * 1024)
#define MAX_CHAIN	  16

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
check_pair(const gnutls_pcert_st *certificate, gnutls_privkey_t key, PgbrError *error)
{
	gnutls_pubkey_t of_key;
	unsigned char ids[2][64];
	size_t sizes[2] = {sizeof(ids[0]), sizeof(ids[1])};
	bool same;

	if (gnutls_pubkey_init(&of_key) != 0)
		return pgbr_error_set(error, PGBR_ERROR_INTERNAL, "out of memory");
	same = gnutls_pubkey_import_privkey(of_key, key, 0, 0) == 0 &&
		   gnutls_pubkey_get_key_id(of_key, GNUTLS_KEYID_USE_SHA256, ids[0], &sizes[0]) == 0 &&
		   gnutls_pubkey_get_key_id(certificate->pubkey, GNUTLS_KEYID_USE_SHA256, ids[1],
									&sizes[1]) == 0 &&
		   sizes[0] == sizes[1] && memcmp(ids[0], ids[1], sizes[0]) == 0;
	gnutls_pubkey_deinit(of_key);
	return same || pgbr_error_set(error, PGBR_ERROR_CONFIG,
								  "key \"%s\" is not that of the certificate \"%s\"",
								  tls_config->tls_key_file, tls_config->tls_cert_file);
}

static bool
load(gnutls_pcert_st **certificates, unsigned int *count, gnutls_privkey_t *key, PgbrError *error)
{
	if (!load_certificates(certificates, count, error))
		return false;
	if (load_key(key, error))
	{
		if (check_pair(&(*certificates)[0], *key, error))
			return true;
		gnutls_privkey_deinit(*key);
	}
	for (unsigned int i = 0; i < *count; i++)
		gnutls_pcert_deinit(&(*certificates)[i]);
	gnutls_free(*certificates);
	return false;
}

/* A file without a certificate would let no client in, without a word. */
static bool
check_client_ca(PgbrError *error)
{
	StrBuf text;
	gnutls_x509_crt_t *certificates = NULL;
	unsigned int count = 0;
	bool ok;

	strbuf_init(&text);
	ok = file_read(tls_config->tls_client_ca_file, MAX_AUTHORITY, &text, error);
	if (ok)
	{
		gnutls_datum_t datum = {(unsigned char *) text.data, (unsigned int) text.length};
		int rc =
			gnutls_x509_crt_list_import2(&certificates, &count, &datum, GNUTLS_X509_FMT_PEM, 0);

		if (rc < 0)
			ok = pgbr_error_set(error, PGBR_ERROR_CONFIG, "could not use the client CA \"%s\": %s",
								tls_config->tls_client_ca_file, gnutls_strerror(rc));
	}
	for (unsigned int i = 0; i < count; i++)
		gnutls_x509_crt_deinit(certificates[i]);
	gnutls_free(certificates);
	strbuf_done(&text);
	return ok;
}

bool
tls_init(const SidecarConfig *config, PgbrError *error)
{
	gnutls_pcert_st *certificates;
	unsigned int count;
	gnutls_privkey_t key;

	tls_config = config;
	if (config->tls_client_ca_file && !check_client_ca(error))
		return false;
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
	/* a server's certificate of the same CA is not a client's */
	gnutls_typed_vdata_st purpose = {GNUTLS_DT_KEY_PURPOSE_OID,
									 (unsigned char *) GNUTLS_KP_TLS_WWW_CLIENT, 0};
	unsigned int status = 0;

	return gnutls_certificate_verify_peers(session, &purpose, 1, &status) == 0 && status == 0;
}
