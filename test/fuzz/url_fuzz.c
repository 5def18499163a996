// links: ctl
// runs: 180000
/*
 * url_fuzz.c
 *		Any text as the URL of a sidecar or of Patroni: what has a form of ours libcurl takes for
 *		the same host and port, without a user, a query or a fragment, and a socket's path is one
 *		file.
 */
#include "common/sidecar_url.h"
#include "common/vocabulary.h"
#include "ctl/client/http_call.h"
#include "fuzz.h"

#include <curl/curl.h>
#include <stdio.h>
#include <strings.h>

static void
check_socket(const char *url)
{
	char request[600];
	char path[PGBR_SOCKET_PATH_SIZE];
	const char *rest;

	MUST(pgbr_is_socket_path(url + 5) && strchr(url + 5, ':') == NULL);
	snprintf(request, sizeof(request), "%s%s/v1/info", url, pgbr_url_glue(url));
	MUST(pgbr_url_split_socket(request, path, &rest) && rest && strcmp(rest, "/v1/info") == 0);
	MUST(strcmp(path, url + 5) == 0);
}

/* The part is there, and stands in the URL as it is. */
static void
check_part(CURLU *parsed, CURLUPart which, const char *url, bool wanted)
{
	char *part = NULL;
	bool found = curl_url_get(parsed, which, &part, 0) == CURLUE_OK;

	MUST(found || !wanted);
	MUST(!found || strcasestr(url, part) != NULL);
	curl_free(part);
}

static void
check_http(const char *url)
{
	CURLU *parsed = curl_url();
	char request[600];
	char *part = NULL;

	snprintf(request, sizeof(request), "%s%s/v1/info", url, pgbr_url_glue(url));
	if (curl_url_set(parsed, CURLUPART_URL, request, 0) == CURLUE_OK)
	{
		check_part(parsed, CURLUPART_SCHEME, url, true);
		check_part(parsed, CURLUPART_PORT, url, false);
		MUST(curl_url_get(parsed, CURLUPART_USER, &part, 0) == CURLUE_NO_USER);
		MUST(curl_url_get(parsed, CURLUPART_PASSWORD, &part, 0) == CURLUE_NO_PASSWORD);
		MUST(curl_url_get(parsed, CURLUPART_QUERY, &part, 0) == CURLUE_NO_QUERY);
		MUST(curl_url_get(parsed, CURLUPART_FRAGMENT, &part, 0) == CURLUE_NO_FRAGMENT);
		MUST(curl_url_get(parsed, CURLUPART_HOST, &part, 0) == CURLUE_OK && part[0]);
		MUST(strpbrk(part, "/@?#\\ ") == NULL);
		curl_free(part);
	}
	curl_url_cleanup(parsed);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *url = fuzz_text(data, size);
	PgbrError error = PGBR_ERROR_INIT;
	char path[PGBR_SOCKET_PATH_SIZE];
	const char *rest;

	pgbr_url_split_socket(url, path, &rest);
	if (http_call_check_url("sidecar", url, 512, true, &error))
	{
		/* a socket's path may hold an @ */
		MUST(pgbr_is_plain_text(url, 511) && strpbrk(url, " \"<>\\?#") == NULL);
		if (strncasecmp(url, "unix:", 5) == 0)
			check_socket(url);
		else
			check_http(url);
		MUST(strncasecmp(url, "unix:", 5) == 0 || pgbr_url_is_valid(url, false));
	}
	else
		MUST(error.code == PGBR_ERROR_CONFIG && error.hint[0] &&
			 fuzz_is_visible(error.message, "\n\t"));
	free(url);
	return 0;
}
