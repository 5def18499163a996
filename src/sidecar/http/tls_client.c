/*
 * tls_client.c
 *		See tls_client.h.
 *
 * libmicrohttpd reads a CA once, at the start, so it is given none: what the client has shown is
 * held against a trust list of our own.
 */
#include "sidecar/http/tls_client.h"

#include "common/strbuf.h"
#include "program/clock.h"
#include "program/file.h"
#include "program/log.h"
#include "sidecar/http/watched_files.h"

#include <gnutls/x509.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

#define MAX_AUTHORITY (1024 * 1024)
#define MAX_CRL		  (16 * 1024 * 1024)
#define MAX_CHAIN	  8

/* What certificates are held against. The trust list owns the lists; crls only names them. */
typedef struct Authority
{
	gnutls_x509_trust_list_t trust;
	gnutls_x509_crl_t *crls;
	unsigned int crl_count;
} Authority;

static const SidecarConfig *tls_config;
static ClientNames names;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards all below */
static WatchedFiles watched;
static Authority good;

static void
authority_done(Authority *authority)
{
	if (authority->trust)
		gnutls_x509_trust_list_deinit(authority->trust, 1);
	gnutls_free(authority->crls);
	*authority = (Authority){0};
}

static bool
failed(const char *what, const char *path, int rc, PgbrError *error)
{
	return pgbr_error_set(error, PGBR_ERROR_CONFIG, "could not use the %s \"%s\": %s", what, path,
						  gnutls_strerror(rc));
}

/* A file without a certificate would let no client in, without a word. */
static bool
read_authorities(gnutls_x509_crt_t **certificates, unsigned int *count, PgbrError *error)
{
	const char *path = tls_config->tls_client_ca_file;
	gnutls_datum_t datum;
	StrBuf text;
	int rc = 0;
	bool ok;

	strbuf_init(&text);
	ok = file_read(path, MAX_AUTHORITY, &text, error);
	datum = (gnutls_datum_t){(unsigned char *) text.data, (unsigned int) text.length};
	if (ok)
		rc = gnutls_x509_crt_list_import2(certificates, count, &datum, GNUTLS_X509_FMT_PEM, 0);
	strbuf_done(&text);
	return ok && (rc >= 0 || failed("client CA", path, rc, error));
}

/* A list that another has signed, or that was changed, says nothing. When it was made is looked
 * at as it is used. */
static bool
check_crl(gnutls_x509_crl_t crl, const gnutls_x509_crt_t *authorities, unsigned int count,
		  PgbrError *error)
{
	const unsigned int of_time = GNUTLS_CERT_INVALID | GNUTLS_CERT_REVOCATION_DATA_SUPERSEDED |
								 GNUTLS_CERT_REVOCATION_DATA_ISSUED_IN_FUTURE;
	unsigned int status = 0;
	int rc = gnutls_x509_crl_verify(crl, authorities, (int) count, 0, &status);

	if (rc < 0)
		return failed("revocation list", tls_config->tls_crl_file, rc, error);
	return (status & ~of_time) == 0 ||
		   pgbr_error_set(error, PGBR_ERROR_CONFIG,
						  "the revocation list \"%s\" is not signed by the client CA",
						  tls_config->tls_crl_file);
}

static bool
read_crls(const gnutls_x509_crt_t *authorities, unsigned int count, Authority *authority,
		  PgbrError *error)
{
	const char *path = tls_config->tls_crl_file;
	gnutls_datum_t datum;
	StrBuf text;
	int rc = 0;
	bool ok;

	strbuf_init(&text);
	ok = file_read(path, MAX_CRL, &text, error);
	datum = (gnutls_datum_t){(unsigned char *) text.data, (unsigned int) text.length};
	if (ok)
		rc = gnutls_x509_crl_list_import2(&authority->crls, &authority->crl_count, &datum,
										  GNUTLS_X509_FMT_PEM, 0);
	strbuf_done(&text);
	if (!ok || rc < 0)
		return ok && failed("revocation list", path, rc, error);
	for (unsigned int i = 0; ok && i < authority->crl_count; i++)
		ok = check_crl(authority->crls[i], authorities, count, error);
	if (ok &&
		gnutls_x509_trust_list_add_crls(authority->trust, authority->crls, authority->crl_count, 0,
										0) == (int) authority->crl_count)
		return true;
	for (unsigned int i = 0; i < authority->crl_count; i++)
		gnutls_x509_crl_deinit(authority->crls[i]);
	return ok && failed("revocation list", path, GNUTLS_E_MEMORY_ERROR, error);
}

static bool
read_authority(Authority *authority, PgbrError *error)
{
	gnutls_x509_crt_t *certificates = NULL;
	unsigned int count = 0;
	bool ok;

	*authority = (Authority){0};
	if (!read_authorities(&certificates, &count, error))
		return false;
	/* the trust list owns the certificates, and makes no copies of them */
	ok =
		(gnutls_x509_trust_list_init(&authority->trust, 0) == 0 &&
		 gnutls_x509_trust_list_add_cas(authority->trust, certificates, count, 0) == (int) count) ||
		failed("client CA", tls_config->tls_client_ca_file, GNUTLS_E_MEMORY_ERROR, error);
	ok = ok &&
		 (tls_config->tls_crl_file == NULL || read_crls(certificates, count, authority, error));
	gnutls_free(certificates);
	if (!ok)
		authority_done(authority);
	return ok;
}

/* Under the lock. False: there is nothing that a certificate could be held against. */
static bool
refresh(PgbrError *error)
{
	Authority authority;

	if (watched_files_changed(&watched))
	{
		if (read_authority(&authority, error))
		{
			authority_done(&good);
			good = authority;
			watched_files_read(&watched);
			/* at each request, where the clock was set back behind the file's time */
			log_repeated("times that the client CA was read", LOG_LEVEL_INFO,
						 "read the client CA \"%s\" again", tls_config->tls_client_ca_file);
		}
		else
			watched_files_failed(&watched, "no client certificate will be accepted", error);
	}
	if (watched.failing_since && clock_monotonic_ms() - watched.failing_since > TLS_CLIENT_GRACE_MS)
		authority_done(&good);
	return good.trust || pgbr_error_set(error, PGBR_ERROR_UNAUTHORIZED,
										"the sidecar could not read its client CA or the "
										"revocation list of it");
}

bool
tls_client_init(const SidecarConfig *config, PgbrError *error)
{
	tls_config = config;
	watched_files_init(&watched, config->tls_client_ca_file, config->tls_crl_file);
	watched_files_changed(&watched);
	return client_names_read(&config->tls_client_names, &names, error) &&
		   read_authority(&good, error);
}

static bool
tls_client_refuse(const char *reason, PgbrError *error)
{
	return pgbr_error_set(error, PGBR_ERROR_UNAUTHORIZED,
						  "the client certificate is not accepted: %s", reason);
}

/* Both names of an issuer, and the list of the day. */
static bool
has_current_crl(gnutls_x509_crt_t certificate, time_t now)
{
	gnutls_datum_t issuer = {NULL, 0};
	bool found = false;

	if (gnutls_x509_crt_get_raw_issuer_dn(certificate, &issuer) != 0)
		return false;
	for (unsigned int i = 0; !found && i < good.crl_count; i++)
	{
		gnutls_datum_t of_list = {NULL, 0};
		time_t until = gnutls_x509_crl_get_next_update(good.crls[i]);

		if (gnutls_x509_crl_get_raw_issuer_dn(good.crls[i], &of_list) != 0)
			continue;
		found = issuer.size == of_list.size &&
				memcmp(issuer.data, of_list.data, issuer.size) == 0 &&
				(until == (time_t) -1 || now < until);
		gnutls_free(of_list.data);
	}
	gnutls_free(issuer.data);
	return found;
}

/* GnuTLS takes a certificate that no list covers for one that is not revoked. */
static bool
check_revocation(gnutls_x509_crt_t *chain, unsigned int count, PgbrError *error)
{
	time_t now = time(NULL);

	for (unsigned int i = 0; tls_config->tls_crl_file && i < count; i++)
	{
		/* one that signs for itself is of the CA's file, or has not passed */
		if (!gnutls_x509_crt_check_issuer(chain[i], chain[i]) && !has_current_crl(chain[i], now))
			return tls_client_refuse("there is no revocation list of its CA, or it has expired",
									 error);
	}
	return true;
}

static bool
check_chain(gnutls_x509_crt_t *chain, unsigned int count, PgbrError *error)
{
	static const struct
	{
		unsigned int status;
		const char *reason;
	} reasons[] = {
		{GNUTLS_CERT_SIGNER_NOT_FOUND, "it is not of the client CA"},
		{GNUTLS_CERT_REVOKED, "it is revoked"},
		{GNUTLS_CERT_EXPIRED, "it has expired"},
		{GNUTLS_CERT_NOT_ACTIVATED, "it is not valid yet"},
		{~0U, "its signature, key or chain is not valid"},
	};
	unsigned int status = ~0U;

	if (gnutls_x509_trust_list_verify_crt2(good.trust, chain, count, NULL, 0, 0, &status, NULL) < 0)
		status = ~0U;
	for (size_t i = 0; status != 0; i++)
	{
		if (status & reasons[i].status)
			return tls_client_refuse(reasons[i].reason, error);
	}
	return check_revocation(chain, count, error);
}

/* GnuTLS, and RFC 5280, take a certificate without usages for one of all. A CA that signs for
 * servers and people too leaves them out easily, so the client's own must be there. */
static bool
check_usage(gnutls_x509_crt_t certificate, PgbrError *error)
{
	char oid[128];
	int rc = 0;

	for (unsigned int i = 0; rc != GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE; i++)
	{
		size_t size = sizeof(oid);

		rc = gnutls_x509_crt_get_key_purpose_oid(certificate, i, oid, &size, NULL);
		if (rc == 0 && strcmp(oid, GNUTLS_KP_TLS_WWW_CLIENT) == 0)
			return true;
		if (rc != 0 && rc != GNUTLS_E_SHORT_MEMORY_BUFFER)
			break;
	}
	tls_client_refuse("it is not made for clients", error);
	return pgbr_error_hint(error, "It must have clientAuth among its extended key usages.");
}

static bool
is_common_name(const gnutls_datum_t *oid)
{
	return oid->size >= strlen(GNUTLS_OID_X520_COMMON_NAME) &&
		   strncmp((const char *) oid->data, GNUTLS_OID_X520_COMMON_NAME, oid->size) == 0;
}

/* UTF8String, PrintableString, IA5String. The other forms that ASN.1 has are not in UTF-8. */
static bool
is_text(unsigned long tag)
{
	return tag == 12 || tag == 19 || tag == 22;
}

/* The one common name. Not by gnutls_x509_crt_get_dn_by_oid, which escapes what it gives. */
static bool
read_name(gnutls_x509_crt_t certificate, char name[CLIENT_NAME_SIZE], PgbrError *error)
{
	gnutls_x509_dn_t subject;
	gnutls_x509_ava_st ava;
	int found = 0;
	bool usable = false;

	if (gnutls_x509_crt_get_subject(certificate, &subject) != 0)
		return tls_client_refuse("it has no subject", error);
	/* a part of the subject may hold several pairs of type and value */
	for (int rdn = 0; gnutls_x509_dn_get_rdn_ava(subject, rdn, 0, &ava) == 0; rdn++)
	{
		for (int at = 0; gnutls_x509_dn_get_rdn_ava(subject, rdn, at, &ava) == 0; at++)
		{
			if (!is_common_name(&ava.oid))
				continue;
			found++;
			usable =
				is_text(ava.value_tag) && client_name_take(ava.value.data, ava.value.size, name);
		}
	}
	return (found == 1 && usable) ||
		   tls_client_refuse("it has not one common name of plain text", error);
}

static bool
identify(gnutls_x509_crt_t *chain, unsigned int count, TlsClient *client, PgbrError *error)
{
	bool ok;

	pthread_mutex_lock(&lock);
	ok = refresh(error) && check_chain(chain, count, error);
	pthread_mutex_unlock(&lock);
	ok = ok && check_usage(chain[0], error) && read_name(chain[0], client->name, error);
	if (ok)
		client->scope = client_names_find(&names, client->name);
	else
		client->name[0] = '\0';
	return ok;
}

bool
tls_client_identify(gnutls_session_t session, TlsClient *client, PgbrError *error)
{
	unsigned int shown = 0;
	const gnutls_datum_t *certificates = gnutls_certificate_get_peers(session, &shown);
	gnutls_x509_crt_t chain[MAX_CHAIN];
	unsigned int count;
	bool ok = true;

	*client = (TlsClient){.scope = SCOPE_NONE};
	if (certificates == NULL || shown == 0)
		return pgbr_error_set(error, PGBR_ERROR_UNAUTHORIZED, "a client certificate is required");
	if (shown > MAX_CHAIN)
		return tls_client_refuse("its chain is too long", error);
	for (count = 0; ok && count < shown; count++)
	{
		if (gnutls_x509_crt_init(&chain[count]) != 0)
			break;
		ok = gnutls_x509_crt_import(chain[count], &certificates[count], GNUTLS_X509_FMT_DER) == 0;
	}
	ok = ok && count == shown ? identify(chain, count, client, error)
							  : tls_client_refuse("it can't be read", error);
	for (unsigned int i = 0; i < count; i++)
		gnutls_x509_crt_deinit(chain[i]);
	return ok;
}
