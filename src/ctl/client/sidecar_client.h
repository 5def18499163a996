/*
 * sidecar_client.h
 *		Requests to one sidecar: JSON in, JSON or a PgbrError out.
 *
 * Knows how the sidecar is reached (URL, token, certificates, time-out) and how it says no
 * (application/problem+json); knows no verb. A response that violates the contract is PROTOCOL. The
 * client borrows the texts of its settings and owns nothing; one thread uses it at a time.
 */
#ifndef PGBR_CTL_CLIENT_SIDECAR_CLIENT_H
#define PGBR_CTL_CLIENT_SIDECAR_CLIENT_H

#include "common/error.h"
#include "common/http_client.h"

#include <jansson.h>
#include <stdbool.h>

#define SIDECAR_URL_MAX	  512
#define SIDECAR_TOKEN_MAX 512

/* How to reach it, as the user gave it; NULL is not given. */
typedef struct SidecarSettings
{
	const char *url;
	const char *token_file;
	const char *ca_file;
	const char *cert_file;
	const char *key_file;
	int timeout; /* seconds for an answer, > 0 */
} SidecarSettings;

typedef struct SidecarClient
{
	char url[SIDECAR_URL_MAX]; /* without a slash at its end */
	char token[SIDECAR_TOKEN_MAX];
	const char *withheld; /* why the token is not sent (see secret_rule.h), or NULL */
	const SidecarSettings *settings;
	bool (*should_abort)(void *argument); /* see PgbrHttpRequest; NULL after init */
	void *abort_argument;
} SidecarClient;

/* Check the settings and read the token: from its file or, when there is none, from the variable
 * PGBRCTL_TOKEN. Fails with CONFIG. Nothing is sent. */
extern bool
sidecar_client_init(SidecarClient *client, const SidecarSettings *settings, PgbrError *error);

/*
 * Send a request. path begins with a slash and is already encoded; body is the JSON to send, or
 * NULL; wait is the seconds that the sidecar was asked to hold its answer back. True: *answer is
 * the object that came with a 2xx status, the caller's to free. False: the sidecar's own refusal,
 * or what pgbr_http_perform says.
 */
extern bool sidecar_client_call(const SidecarClient *client, const char *method, const char *path,
								const json_t *body, int wait, json_t **answer, PgbrError *error);

/* POST with an Idempotency-Key: asking again gives what the first request gave. Else as above. */
extern bool
sidecar_client_post_once(const SidecarClient *client, const char *path, const json_t *body,
						 const char *key, json_t **answer, PgbrError *error);

/* GET text/plain; *text is the caller's to free(). */
extern bool sidecar_client_get_text(const SidecarClient *client, const char *path, char **text,
									PgbrError *error);

/* Read a refusal: any status but 2xx. Always false. */
extern bool sidecar_client_refusal(const PgbrHttpResponse *response, PgbrError *error);

#endif
