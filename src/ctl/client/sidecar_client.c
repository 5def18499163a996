/*
 * sidecar_client.c
 *		See sidecar_client.h.
 */
#include "ctl/client/sidecar_client.h"

#include "common/sidecar_url.h"
#include "common/strbuf.h"
#include "ctl/client/http_call.h"
#include "program/json.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* libcurl would say only that it could not set up TLS, and only after it has connected. */
static bool
check_files(const SidecarSettings *settings, PgbrError *error)
{
	const char *const files[] = {settings->ca_file, settings->cert_file, settings->key_file};

	if (settings->key_file && settings->cert_file == NULL)
		return pgbr_error_set(error, PGBR_ERROR_CONFIG, "--key-file needs --cert-file");
	for (int i = 0; i < 3; i++)
	{
		if (files[i] && access(files[i], R_OK) != 0)
			return pgbr_error_set(error, PGBR_ERROR_CONFIG, "could not read file \"%s\": %s",
								  files[i], strerror(errno));
	}
	return true;
}

bool
sidecar_client_init(SidecarClient *client, const SidecarSettings *settings, PgbrError *error)
{
	const char *token = getenv("PGBRCTL_TOKEN");

	memset(client, 0, sizeof(*client));
	client->settings = settings;
	if (!http_call_check_url("sidecar", settings->url, SIDECAR_URL_MAX, true, error))
		return false;
	pgbr_copy_text(client->url, sizeof(client->url), settings->url);
	for (size_t end = strlen(client->url); client->url[end - 1] == '/'; end--)
		client->url[end - 1] = '\0';
	if (!check_files(settings, error))
		return false;
	if (settings->token_file)
	{
		if (pgbr_token_read(settings->token_file, client->token, sizeof(client->token), error))
			return true;
		if (error->hint[0] == '\0')
			pgbr_error_hint(error, "It is the one of --token-file, PGBRCTL_TOKEN_FILE, or "
								   "token-file in " CTL_CONFIG_FILE
								   ". \"pgbackrest_sidecar --init-tokens=FILE\" makes one.");
		return false;
	}
	if (token == NULL)
		return true;
	if (strlen(token) >= sizeof(client->token))
		return pgbr_error_set(error, PGBR_ERROR_CONFIG, "the token in PGBRCTL_TOKEN is too long");
	for (const char *p = token; *p; p++)
	{
		if (*p <= 0x20 || *p >= 0x7F)
			return pgbr_error_set(error, PGBR_ERROR_CONFIG,
								  "the token in PGBRCTL_TOKEN holds a character that is not "
								  "printable ASCII");
	}
	strcpy(client->token, token);
	return true;
}

bool
sidecar_client_refusal(const PgbrHttpResponse *response, PgbrError *error)
{
	json_t *problem = NULL;
	const char *detail = NULL;
	const char *code = NULL;

	if (strcmp(response->content_type, "application/problem+json") == 0)
		problem = json_parse(response->body, response->length, NULL);
	if (problem)
	{
		detail = json_text(problem, "detail");
		code = json_text(problem, "code");
	}
	if (detail == NULL || code == NULL)
	{
		pgbr_error_set(error, PGBR_ERROR_PROTOCOL, "the server that answered is not a sidecar");
		pgbr_error_detail(error, "The answer has HTTP status %ld and content type \"%s\".",
						  response->status, response->content_type);
		pgbr_error_hint(error, "Check the URL, and proxies on the way to it.");
	}
	else
	{
		long long exit_code = json_number(problem, "exit_code", -1);

		pgbr_error_set(error, pgbr_error_code_parse(code), "%s", detail);
		if (exit_code >= 0)
			pgbr_error_detail(error, "pgbackrest ended with exit code %lld.", exit_code);
		if (json_text(problem, "hint"))
			pgbr_error_hint(error, "%s", json_text(problem, "hint"));
	}
	json_decref(problem);
	return false;
}

static const char hint_tls[] = "Name the certificates to trust with --ca-file, PGBRCTL_CA_FILE, or "
							   "ca-file in " CTL_CONFIG_FILE ".";
static const char hint_socket[] = "Is pgbackrest_sidecar running here, with this --socket? Name "
								  "another one with --url, PGBRCTL_URL, "
								  "or url in " CTL_CONFIG_FILE ".";
static const char hint_address[] =
	"Is pgbackrest_sidecar running there? It serves only a socket unless it was started with "
	"--listen=ADDRESS:8430 and --token-file=FILE. With a certificate it answers only at https://. "
	"Name another URL with --url or PGBRCTL_URL; of a member with --sidecar=NAME=URL, "
	"PGBRCTL_SIDECARS, or sidecar in " CTL_CONFIG_FILE ".";

/* libcurl's own words say what failed, but not at what. */
static void
explain_failure(const SidecarClient *client, PgbrError *error)
{
	bool local = pgbr_url_glue(client->url)[0] != '\0';
	PgbrError reason = *error;

	if (reason.code != PGBR_ERROR_UNREACHABLE && reason.code != PGBR_ERROR_TLS)
		return;
	pgbr_error_set(error, reason.code, "could not connect to the sidecar: %s", reason.message);
	pgbr_error_detail(error, "%s", reason.detail);
	pgbr_error_hint(error, "%s",
					reason.code == PGBR_ERROR_TLS ? hint_tls
					: local						  ? hint_socket
												  : hint_address);
}

/* The sidecar's hints are for HTTP clients. About a rejected certificate it says what is wrong. */
static void
explain_unauthorized(const SidecarClient *client, const char *method, const char *url,
					 PgbrError *error)
{
	if (error->code != PGBR_ERROR_UNAUTHORIZED)
		return;
	pgbr_error_detail(error, "The request was %s %s.", method, url);
	if (client->token[0] || client->settings->cert_file == NULL)
		pgbr_error_hint(error,
						"Give a token of the sidecar's own token file: --token-file=FILE, "
						"PGBRCTL_TOKEN_FILE, or token-file in " CTL_CONFIG_FILE
						". The first word of the file is sent. A client certificate does as well: "
						"--cert-file and --key-file.");
}

/* A server that never got the withheld token reports a missing token: say why it was withheld. */
static void
explain_withheld(const SidecarClient *client, PgbrError *error)
{
	PgbrErrorCode code = error->code;

	if (client->withheld == NULL || client->token[0] == '\0' ||
		(code != PGBR_ERROR_UNAUTHORIZED && code != PGBR_ERROR_FORBIDDEN))
		return;
	pgbr_error_set(error, code, "the token was not sent to %s: %s", client->url, client->withheld);
	pgbr_error_hint(
		error, "Name the member's sidecar with --sidecar=NAME=URL, or in the "
			   "configuration file; or serve it over https and give --ca-file. "
			   "--trust-members sends the token to every address that is reported for a member.");
}

/* Send, and return true only for a 2xx answer of this content type; the caller ends the
 * response. */
static bool
send_request(const SidecarClient *client, const char *method, const char *path, const char *body,
			 const char *key, int wait, const char *content_type, PgbrHttpResponse *response,
			 PgbrError *error)
{
	char url[SIDECAR_URL_MAX + 512];
	PgbrHttpRequest request = {
		.method = method,
		.url = url,
		.body = body,
		.token = client->token[0] && !client->withheld ? client->token : NULL,
		.idempotency_key = key,
		.ca_file = client->settings->ca_file,
		.cert_file = client->settings->cert_file,
		.key_file = client->settings->key_file,
		.timeout_ms = (client->settings->timeout + wait) * 1000L,
		.connect_ms = HTTP_CALL_CONNECT_MS,
		.should_abort = client->should_abort,
		.abort_argument = client->abort_argument,
	};

	if (snprintf(url, sizeof(url), "%s%s%s", client->url, pgbr_url_glue(client->url), path) >=
		(int) sizeof(url))
		return pgbr_error_set(error, PGBR_ERROR_CONFIG, "the request's URL is too long");
	if (!http_call_perform(&request, response, error))
	{
		explain_failure(client, error);
		return false;
	}
	if (response->status < 200 || response->status > 299)
	{
		sidecar_client_refusal(response, error);
		explain_unauthorized(client, method, url, error);
		explain_withheld(client, error);
	}
	else if (strcmp(response->content_type, content_type) != 0)
	{
		pgbr_error_set(error, PGBR_ERROR_PROTOCOL,
					   "the answer has content type \"%s\" where \"%s\" was expected",
					   response->content_type, content_type);
		pgbr_error_detail(error, "The request was %s %s.", method, url);
	}
	else
		return true;
	pgbr_http_response_done(response);
	return false;
}

static bool
call(const SidecarClient *client, const char *method, const char *path, const json_t *body,
	 const char *key, int wait, json_t **answer, PgbrError *error)
{
	PgbrHttpResponse response;
	PgbrError reason;
	StrBuf text;
	bool ok;

	strbuf_init(&text);
	if (body && (!json_write(body, &text) || text.failed))
	{
		strbuf_done(&text);
		return pgbr_error_set(error, PGBR_ERROR_INTERNAL, "out of memory");
	}
	ok = send_request(client, method, path, body ? text.data : NULL, key, wait, "application/json",
					  &response, error);
	strbuf_done(&text);
	if (!ok)
		return false;
	*answer = json_parse(response.body, response.length, &reason);
	pgbr_http_response_done(&response);
	if (json_is_object(*answer))
		return true;
	pgbr_error_set(error, PGBR_ERROR_PROTOCOL, "the sidecar's answer is %s",
				   *answer ? "not a JSON object" : reason.message);
	json_decref(*answer);
	*answer = NULL;
	return pgbr_error_detail(error, "The request was %s %s%s%s.", method, client->url,
							 pgbr_url_glue(client->url), path);
}

bool
sidecar_client_call(const SidecarClient *client, const char *method, const char *path,
					const json_t *body, int wait, json_t **answer, PgbrError *error)
{
	return call(client, method, path, body, NULL, wait, answer, error);
}

bool
sidecar_client_post_once(const SidecarClient *client, const char *path, const json_t *body,
						 const char *key, json_t **answer, PgbrError *error)
{
	return call(client, "POST", path, body, key, 0, answer, error);
}

bool
sidecar_client_get_text(const SidecarClient *client, const char *path, char **text,
						PgbrError *error)
{
	PgbrHttpResponse response = {.body = NULL};

	if (!send_request(client, "GET", path, NULL, NULL, 0, "text/plain", &response, error))
		return false;
	*text = response.body;
	return true;
}
