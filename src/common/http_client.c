/*
 * http_client.c
 *		See http_client.h. Does not know what a job is: status and body are the caller's to read.
 */
#include "common/http_client.h"

#include "common/secret_file.h"
#include "common/sidecar_url.h"
#include "common/strbuf.h"

#include <curl/curl.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

/* The longest time between two questions to should_abort, in ms, when no signal wakes the wait. */
#define ABORT_CHECK_MS 200

typedef struct Transfer
{
	StrBuf body;
	bool too_large;
	bool connected;
	const char *url;				  /* as libcurl is given it */
	char over[PGBR_SOCKET_PATH_SIZE]; /* the socket, or empty */
	char local_url[1024];			  /* what is asked for there */
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

/*
 * Whether the owner of a socket may be told what we ask. What lies in a folder where
 * everybody may put files (/tmp) may be anybody's.
 */
static bool
check_socket(const char *path, PgbrError *error)
{
	char folder[PGBR_SOCKET_PATH_SIZE];
	struct stat it;
	struct stat parent;

	pgbr_copy_text(folder, sizeof(folder), path);
	folder[strrchr(path, '/') - path + 1] = '\0';
	/* libcurl says what hinders when there is nothing, or nothing for us, to be seen */
	if (lstat(path, &it) != 0 || it.st_uid == 0 || it.st_uid == geteuid() ||
		(stat(folder, &parent) == 0 && parent.st_uid == it.st_uid))
		return true;
	pgbr_error_set(error, PGBR_ERROR_CONFIG,
				   "the socket \"%s\" belongs to user %u, who does not own its folder", path,
				   (unsigned int) it.st_uid);
	return pgbr_error_hint(error, "Have the sidecar's socket in a folder of PostgreSQL's user.");
}

/* Without a file of its own the key is in that of the certificate. */
static bool
check_key(const PgbrHttpRequest *request, PgbrError *error)
{
	const char *path = request->key_file ? request->key_file : request->cert_file;

	return path == NULL || strncasecmp(request->url, "https:", 6) != 0 ||
		   pgbr_secret_file_check(path, error);
}

/* Find out where to connect. */
static bool
choose_way(const PgbrHttpRequest *request, Transfer *transfer, PgbrError *error)
{
	const char *rest;

	transfer->url = request->url;
	if (!pgbr_url_split_socket(request->url, transfer->over, &rest))
		return true;
	transfer->url = transfer->local_url;
	if (rest == NULL || snprintf(transfer->local_url, sizeof(transfer->local_url),
								 "http://localhost%s", rest) >= (int) sizeof(transfer->local_url))
		pgbr_error_set(error, PGBR_ERROR_CONFIG, "invalid URL");
	else if (check_socket(transfer->over, error))
		return true;
	return pgbr_error_detail(error, "The request was %s %s.", request->method, request->url);
}

static bool
http_fail(const PgbrHttpRequest *request, const Transfer *transfer, CURLcode result,
		  long reason_number, const char *reason, PgbrError *error)
{
	bool no_socket = transfer->over[0] && result == CURLE_COULDNT_CONNECT && reason_number;
	PgbrErrorCode code =
		no_socket && reason_number == EACCES ? PGBR_ERROR_FORBIDDEN : code_of(result);

	/* libcurl has one code for a scheme it does not serve and for an answer that is not HTTP */
	if (result == CURLE_UNSUPPORTED_PROTOCOL && strncasecmp(request->url, "http", 4) == 0)
		code = PGBR_ERROR_PROTOCOL;
	/* then nothing was asked of anybody */
	if (code == PGBR_ERROR_TIMEOUT && !transfer->connected && request->connect_ms > 0 &&
		request->connect_ms <= request->timeout_ms)
		pgbr_error_set(error, PGBR_ERROR_UNREACHABLE, "no connection within %ld s",
					   request->connect_ms / 1000);
	else if (transfer->too_large)
		pgbr_error_set(error, PGBR_ERROR_PROTOCOL, "the answer is larger than %zu MB",
					   PGBR_HTTP_MAX_RESPONSE / (1024 * 1024));
	else if (transfer->body.failed)
		pgbr_error_set(error, PGBR_ERROR_INTERNAL, "out of memory");
	else if (code == PGBR_ERROR_TIMEOUT)
		pgbr_error_set(error, code, "no answer within %ld.%01ld s", request->timeout_ms / 1000,
					   request->timeout_ms % 1000 / 100);
	else if (code == PGBR_ERROR_FORBIDDEN)
		pgbr_error_set(error, code, "could not connect to socket \"%s\": %s", transfer->over,
					   strerror((int) reason_number));
	else if (no_socket)
		pgbr_error_set(error, code, "socket \"%s\": %s", transfer->over,
					   strerror((int) reason_number));
	else
		pgbr_error_set(error, code, "%s", reason[0] ? reason : curl_easy_strerror(result));
	if (code == PGBR_ERROR_FORBIDDEN)
		pgbr_error_hint(error, "The sidecar's socket is for PostgreSQL's user, its group and root; "
							   "others use an address of its --listen, with a token.");
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
	curl_easy_setopt(easy, CURLOPT_URL, transfer->url);
	if (transfer->over[0])
		curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, transfer->over);
	curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method);
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, reason);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	/* "/v1/jobs/.." stays what it is */
	curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(easy, CURLOPT_PROXY, "");
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, request->timeout_ms);
	if (request->connect_ms > 0)
		curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, request->connect_ms);
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
	{
		curl_easy_setopt(easy, CURLOPT_CAINFO, request->ca_file);
		/* the system's would count besides */
		curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
	}
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
	long reason_number = 0;
	curl_off_t begun_us = 0;
	CURLcode result;

	strbuf_init(&transfer.body);
	headers = make_headers(request, &headers_ok);
	if (easy == NULL || multi == NULL || !headers_ok)
	{
		pgbr_error_set(error, PGBR_ERROR_INTERNAL, "out of memory");
		goto done;
	}
	if (!choose_way(request, &transfer, error) || !check_key(request, error))
		goto done;
	set_options(easy, request, headers, &transfer, reason);
	curl_multi_add_handle(multi, easy);
	result = drive(multi, request, &aborted);
	if (aborted)
		pgbr_error_set(error, PGBR_ERROR_ABORTED, "the request was given up");
	else if (result != CURLE_OK)
	{
		curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &reason_number);
		curl_easy_getinfo(easy, CURLINFO_PRETRANSFER_TIME_T, &begun_us);
		transfer.connected = begun_us > 0;
		http_fail(request, &transfer, result, reason_number, reason, error);
	}
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

static bool
is_printable(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
	{
		if (text[i] < 0x21 || text[i] > 0x7E)
			return false;
	}
	return true;
}

/*
 * Find the token in a line: 1, *start and *length; 0 when the line has none; -1 when it is wrong.
 */
static int
find_token(const char *line, const char **start, size_t *length)
{
	static const char *const scopes[] = {"", "read", "operate", "restore"};
	const char *rest;
	size_t scope;

	*start = line + strspn(line, " \t\r\n");
	*length = strcspn(*start, " \t\r\n");
	if (*length == 0 || **start == '#')
		return 0;
	/* what follows, if anything, is what the sidecar's own file has there */
	rest = *start + *length;
	rest += strspn(rest, " \t\r\n");
	scope = strcspn(rest, " \t\r\n");
	for (size_t i = 0; i < sizeof(scopes) / sizeof(scopes[0]); i++)
	{
		if (strlen(scopes[i]) == scope && strncmp(rest, scopes[i], scope) == 0)
			return 1;
	}
	return -1;
}

bool
pgbr_token_read(const char *path, char *token, size_t size, PgbrError *error)
{
	char *line = NULL;
	size_t room = 0;
	const char *start = "";
	size_t length = 0;
	int found = 0;
	bool ok = false;
	FILE *file;

	if (!pgbr_secret_file_check(path, error))
		return false;
	file = fopen(path, "r");
	if (file == NULL)
		return pgbr_error_set(error, PGBR_ERROR_CONFIG, "could not open file \"%s\": %s", path,
							  strerror(errno));
	while (found == 0 && getline(&line, &room, file) >= 0)
		found = find_token(line, &start, &length);
	fclose(file);
	if (found != 1 || length >= size)
		pgbr_error_set(error, PGBR_ERROR_CONFIG,
					   "token file \"%s\" does not begin with one token of 1 to %zu characters",
					   path, size - 1);
	else if (!is_printable(start, length))
		pgbr_error_set(error, PGBR_ERROR_CONFIG,
					   "token file \"%s\" holds a character that is not printable ASCII", path);
	else
	{
		memcpy(token, start, length);
		token[length] = '\0';
		ok = true;
	}
	if (line)
		explicit_bzero(line, room);
	free(line);
	return ok;
}
