/*
 * http_client.c
 *		See http_client.h. Does not know what a job is: status and body are the caller's to read.
 */
#include "common/http_client.h"

#include "common/strbuf.h"

#include <curl/curl.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* The longest time between two questions to should_abort, in ms, when no signal wakes the wait. */
#define ABORT_CHECK_MS 200

typedef struct Transfer
{
	StrBuf body;
	bool too_large;
} Transfer;

bool
pgbr_http_init(PgbrError *error)
{
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return pgbr_error_set(error, PGBR_ERROR_INTERNAL, "could not initialize libcurl");
	return true;
}

static size_t
take_body(char *data, size_t size, size_t count, void *argument)
{
	Transfer *transfer = argument;

	(void) size; /* always 1 */
	if (transfer->body.length + count > PGBR_HTTP_MAX_RESPONSE)
	{
		transfer->too_large = true;
		return 0;
	}
	strbuf_append(&transfer->body, data, count);
	return transfer->body.failed ? 0 : count;
}

static PgbrErrorCode
code_of(CURLcode result)
{
	switch (result)
	{
		case CURLE_OPERATION_TIMEDOUT:
			return PGBR_ERROR_TIMEOUT;
		case CURLE_COULDNT_RESOLVE_HOST:
		case CURLE_COULDNT_CONNECT:
		case CURLE_GOT_NOTHING:
		case CURLE_SEND_ERROR:
		case CURLE_RECV_ERROR:
			return PGBR_ERROR_UNREACHABLE;
		case CURLE_SSL_CONNECT_ERROR:
		case CURLE_PEER_FAILED_VERIFICATION:
		case CURLE_SSL_CIPHER:
		case CURLE_SSL_ISSUER_ERROR:
			return PGBR_ERROR_TLS;
		case CURLE_URL_MALFORMAT:
		case CURLE_UNSUPPORTED_PROTOCOL:
		case CURLE_SSL_CACERT_BADFILE:
		case CURLE_SSL_CERTPROBLEM:
			return PGBR_ERROR_CONFIG;
		case CURLE_OUT_OF_MEMORY:
		case CURLE_FAILED_INIT:
			return PGBR_ERROR_INTERNAL;
		default:
			return PGBR_ERROR_PROTOCOL;
	}
}

static bool
fail(const PgbrHttpRequest *request, const Transfer *transfer, CURLcode result, const char *reason,
	 PgbrError *error)
{
	PgbrErrorCode code = code_of(result);

	/* libcurl has one code for a scheme it does not serve and for an answer that is not HTTP */
	if (result == CURLE_UNSUPPORTED_PROTOCOL && strncasecmp(request->url, "http", 4) == 0)
		code = PGBR_ERROR_PROTOCOL;
	if (transfer->too_large)
		pgbr_error_set(error, PGBR_ERROR_PROTOCOL, "the answer is larger than %zu MB",
					   PGBR_HTTP_MAX_RESPONSE / (1024 * 1024));
	else if (transfer->body.failed)
		pgbr_error_set(error, PGBR_ERROR_INTERNAL, "out of memory");
	else if (code == PGBR_ERROR_TIMEOUT)
		pgbr_error_set(error, code, "no answer within %ld.%01ld s", request->timeout_ms / 1000,
					   request->timeout_ms % 1000 / 100);
	else
		pgbr_error_set(error, code, "%s", reason[0] ? reason : curl_easy_strerror(result));
	return pgbr_error_detail(error, "The request was %s %s.", request->method, request->url);
}

/* Run the transfer to its end. ABORTED is told by *aborted; every other end by the result. */
static CURLcode
drive(CURLM *multi, const PgbrHttpRequest *request, bool *aborted)
{
	int running = 1;
	int left;
	CURLMsg *message;

	*aborted = false;
	while (running)
	{
		sigset_t all;
		sigset_t before;
		CURLMcode code;

		if (request->should_abort && request->should_abort(request->abort_argument))
		{
			*aborted = true;
			return CURLE_ABORTED_BY_CALLBACK;
		}
		sigfillset(&all);
		pthread_sigmask(SIG_SETMASK, &all, &before);
		code = curl_multi_perform(multi, &running);
		pthread_sigmask(SIG_SETMASK, &before, NULL);
		/* a signal ends the poll early, so a cancel is seen at once */
		if (code == CURLM_OK && running)
			code = curl_multi_poll(multi, NULL, 0, ABORT_CHECK_MS, NULL);
		if (code != CURLM_OK)
			return code == CURLM_OUT_OF_MEMORY ? CURLE_OUT_OF_MEMORY : CURLE_FAILED_INIT;
	}
	message = curl_multi_info_read(multi, &left);
	return message ? message->data.result : CURLE_FAILED_INIT;
}

static struct curl_slist *
make_headers(const PgbrHttpRequest *request, bool *ok)
{
	struct curl_slist *headers = NULL;
	StrBuf line;

	*ok = true;
	strbuf_init(&line);
	for (int i = 0; i < 4; i++)
	{
		struct curl_slist *grown;

		strbuf_clear(&line);
		if (i == 0)
			strbuf_puts(&line, "Accept: application/json");
		else if (i == 1 && request->body)
			strbuf_puts(&line, "Content-Type: application/json");
		else if (i == 2 && request->token)
			strbuf_printf(&line, "Authorization: Bearer %s", request->token);
		else if (i == 3 && request->idempotency_key)
			strbuf_printf(&line, "Idempotency-Key: %s", request->idempotency_key);
		else
			continue;
		grown = line.failed ? NULL : curl_slist_append(headers, line.data);
		if (grown == NULL)
			*ok = false;
		else
			headers = grown;
	}
	strbuf_done(&line);
	return headers;
}

static void
set_options(CURL *easy, const PgbrHttpRequest *request, struct curl_slist *headers,
			Transfer *transfer, char *reason)
{
	curl_easy_setopt(easy, CURLOPT_URL, request->url);
	curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method);
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, reason);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	/* "/v1/jobs/.." stays what it is */
	curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(easy, CURLOPT_PROXY, "");
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, request->timeout_ms);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
	if (request->body)
		curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request->body);
	else if (strcmp(request->method, "POST") == 0)
		curl_easy_setopt(easy, CURLOPT_POSTFIELDS, "");
	if (request->user)
	{
		curl_easy_setopt(easy, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
		curl_easy_setopt(easy, CURLOPT_USERPWD, request->user);
	}
	if (request->ca_file)
		curl_easy_setopt(easy, CURLOPT_CAINFO, request->ca_file);
	if (request->cert_file)
		curl_easy_setopt(easy, CURLOPT_SSLCERT, request->cert_file);
	if (request->key_file)
		curl_easy_setopt(easy, CURLOPT_SSLKEY, request->key_file);
}

static bool
take_response(CURL *easy, Transfer *transfer, PgbrHttpResponse *response, PgbrError *error)
{
	const char *type = NULL;
	size_t length;

	curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &response->status);
	curl_easy_getinfo(easy, CURLINFO_CONTENT_TYPE, &type);
	length = type ? strcspn(type, "; ") : 0;
	if (length >= sizeof(response->content_type))
		length = 0;
	memcpy(response->content_type, type ? type : "", length);
	response->content_type[length] = '\0';
	response->length = transfer->body.length;
	response->body = strbuf_take(&transfer->body);
	if (response->body == NULL)
		return pgbr_error_set(error, PGBR_ERROR_INTERNAL, "out of memory");
	return true;
}

bool
pgbr_http_perform(const PgbrHttpRequest *request, PgbrHttpResponse *response, PgbrError *error)
{
	CURL *easy = curl_easy_init();
	CURLM *multi = curl_multi_init();
	struct curl_slist *headers = NULL;
	Transfer transfer = {0};
	char reason[CURL_ERROR_SIZE] = "";
	bool headers_ok;
	bool aborted = false;
	bool ok = false;
	CURLcode result;

	strbuf_init(&transfer.body);
	headers = make_headers(request, &headers_ok);
	if (easy == NULL || multi == NULL || !headers_ok)
	{
		pgbr_error_set(error, PGBR_ERROR_INTERNAL, "out of memory");
		goto done;
	}
	set_options(easy, request, headers, &transfer, reason);
	curl_multi_add_handle(multi, easy);
	result = drive(multi, request, &aborted);
	if (aborted)
		pgbr_error_set(error, PGBR_ERROR_ABORTED, "the request was given up");
	else if (result != CURLE_OK)
		fail(request, &transfer, result, reason, error);
	else
		ok = take_response(easy, &transfer, response, error);
	curl_multi_remove_handle(multi, easy);

done:
	if (multi)
		curl_multi_cleanup(multi);
	if (easy)
		curl_easy_cleanup(easy);
	curl_slist_free_all(headers);
	strbuf_done(&transfer.body);
	return ok;
}

void
pgbr_http_response_done(PgbrHttpResponse *response)
{
	free(response->body);
	response->body = NULL;
}

bool
pgbr_token_read(const char *path, char *token, size_t size, PgbrError *error)
{
	char line[1024];
	char *start = line;
	size_t length;
	FILE *file = fopen(path, "r");

	if (file == NULL)
		return pgbr_error_set(error, PGBR_ERROR_CONFIG, "could not open token file \"%s\": %s",
							  path, strerror(errno));
	if (fgets(line, sizeof(line), file) == NULL)
		line[0] = '\0';
	fclose(file);
	start += strspn(start, " \t\r\n");
	length = strcspn(start, " \t\r\n");
	if (start[length + strspn(start + length, " \t\r\n")] != '\0' || length == 0 || length >= size)
		return pgbr_error_set(
			error, PGBR_ERROR_CONFIG,
			"token file \"%s\" does not begin with one token of 1 to %zu characters", path,
			size - 1);
	for (size_t i = 0; i < length; i++)
	{
		if (start[i] < 0x21 || start[i] > 0x7E)
			return pgbr_error_set(error, PGBR_ERROR_CONFIG,
								  "token file \"%s\" holds a character that is not printable ASCII",
								  path);
	}
	memcpy(token, start, length);
	token[length] = '\0';
	return true;
}
