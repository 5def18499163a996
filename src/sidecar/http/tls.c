/*
 * tls.c
 *		See tls.h.
 */
#include "sidecar/http/tls.h"

#include "common/secret_file.h"
#include "common/strbuf.h"
#include "program/file.h"
#include "program/log.h"
#include "sidecar/http/tls_client.h"
#include "sidecar/http/watched_files.h"

#include <pthread.h>
#include <string.h>

#define MAX_FILE  65536
#define MAX_CHAIN 16

/* A certificate and its key as they stand in their files. */
typedef struct Pair
{
	StrBuf certificate;
	StrBuf key;
} Pair;

/* GnuTLS hands the callback nothing of ours. */
static const SidecarConfig *tls_config;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards all below */
static WatchedFiles watched;
static Pair good;

static void
pair_init(Pair *pair)
{
	strbuf_init(&pair->certificate);
	strbuf_init(&pair->key);
}

static void
pair_done(Pair *pair)
{
	explicit_bzero(pair->key.data, pair->key.length);
	strbuf_done(&pair->key);
	strbuf_done(&pair->certificate);
}

static bool
load_key(const Pair *pair, gnutls_privkey_t *key, PgbrError *error)
{
	gnutls_datum_t datum = {(unsigned char *) pair->key.data, (unsigned int) pair->key.length};
	int rc = gnutls_privkey_init(key);

	if (rc == 0)
	{
		rc = gnutls_privkey_import_x509_raw(*key, &datum, GNUTLS_X509_FMT_PEM, NULL, 0);
		if (rc != 0)
			gnutls_privkey_deinit(*key);
	}
	return rc == 0 || pgbr_error_set(error, PGBR_ERROR_CONFIG, "could not use the key \"%s\": %s",
									 tls_config->tls_key_file, gnutls_strerror(rc));
}

static bool
load_certificates(const Pair *pair, gnutls_pcert_st **certificates, unsigned int *count,
				  PgbrError *error)
{
	gnutls_datum_t datum = {(unsigned char *) pair->certificate.data,
							(unsigned int) pair->certificate.length};
	int rc = GNUTLS_E_MEMORY_ERROR;

	*count = MAX_CHAIN;
	*certificates = gnutls_calloc(MAX_CHAIN, sizeof(**certificates));
	if (*certificates)
		rc =
			gnutls_pcert_list_import_x509_raw(*certificates, count, &datum, GNUTLS_X509_FMT_PEM, 0);
	if (rc == 0)
		return true;
	gnutls_free(*certificates);
	return pgbr_error_set(error, PGBR_ERROR_CONFIG, "could not use the certificate \"%s\": %s",
						  tls_config->tls_cert_file, gnutls_strerror(rc));
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

static void
free_certificates(gnutls_pcert_st *certificates, unsigned int count)
{
	for (unsigned int i = 0; i < count; i++)
		gnutls_pcert_deinit(&certificates[i]);
	gnutls_free(certificates);
}

static bool
load(const Pair *pair, gnutls_pcert_st **certificates, unsigned int *count, gnutls_privkey_t *key,
	 PgbrError *error)
{
	if (!load_certificates(pair, certificates, count, error))
		return false;
	if (load_key(pair, key, error))
	{
		if (check_pair(&(*certificates)[0], *key, error))
			return true;
		gnutls_privkey_deinit(*key);
	}
	free_certificates(*certificates, *count);
	return false;
}

/* Read both files; what they hold becomes the good pair when it can be used. */
static bool
read_pair(PgbrError *error)
{
	Pair pair;
	gnutls_pcert_st *certificates;
	unsigned int count;
	gnutls_privkey_t key;
	bool ok;

	pair_init(&pair);
	ok = file_read(tls_config->tls_cert_file, MAX_FILE, &pair.certificate, error) &&
		 pgbr_secret_file_check(tls_config->tls_key_file, error) &&
		 file_read(tls_config->tls_key_file, MAX_FILE, &pair.key, error) &&
		 load(&pair, &certificates, &count, &key, error);
	if (ok)
	{
		Pair former = good;

		free_certificates(certificates, count);
		gnutls_privkey_deinit(key);
		good = pair;
		pair = former;
	}
	pair_done(&pair);
	return ok;
}

bool
tls_init(const SidecarConfig *config, PgbrError *error)
{
	tls_config = config;
	if (config->tls_client_ca_file && !tls_client_init(config, error))
		return false;
	pair_init(&good);
	watched_files_init(&watched, config->tls_cert_file, config->tls_key_file);
	watched_files_changed(&watched);
	return read_pair(error);
}

int
tls_retrieve(gnutls_session_t session, const struct gnutls_cert_retr_st *info,
			 gnutls_pcert_st **certificates, unsigned int *count, gnutls_ocsp_data_st **ocsp,
			 unsigned int *ocsp_count, gnutls_privkey_t *key, unsigned int *flags)
{
	PgbrError error;
	bool ok;

	(void) info;
	*ocsp = NULL;
	*ocsp_count = 0;
	/* what is loaded here is this handshake's alone; GnuTLS frees it */
	*flags = GNUTLS_CERT_RETR_DEINIT_ALL;
	/* not MHD_OPTION_HTTPS_MEM_TRUST: it would name the authorities of the start to all
	 * clients, and these would then not show a certificate of a later one */
	if (tls_config->tls_client_ca_file)
		gnutls_certificate_server_set_request(session, GNUTLS_CERT_REQUEST);
	pthread_mutex_lock(&lock);
	if (watched_files_changed(&watched))
	{
		if (read_pair(&error))
			watched_files_read(&watched);
		else
			watched_files_failed(&watched, "the previous TLS certificate stays in use", &error);
	}
	ok = load(&good, certificates, count, key, &error);
	pthread_mutex_unlock(&lock);
	if (ok)
		return 0;
	log_repeated_error("TLS handshakes that were not answered", "could not answer a TLS handshake",
					   &error);
	return -1;
}
