/*
 * http_call.c
 *		See http_call.h.
 */
#include "ctl/client/http_call.h"

#include "common/sidecar_url.h"

#include <signal.h>
#include <string.h>

bool
http_call_check_url(const char *what, const char *url, size_t size, bool may_be_socket,
					PgbrError *error)
{
	if (strlen(url) < size && pgbr_url_is_valid(url, may_be_socket))
		return true;
	/* the URL may hold a password: do not repeat it */
	if (strchr(url, '@'))
		pgbr_error_set(error, PGBR_ERROR_CONFIG, "invalid %s URL: there is a \"@\" in it", what);
	else
		pgbr_error_set(error, PGBR_ERROR_CONFIG, "invalid %s URL \"%s\"", what, url);
	return pgbr_error_hint(error,
						   "It has the form %s, without a user, a query or a fragment; a token "
						   "comes from a file.",
						   may_be_socket ? PGBR_URL_FORMS : PGBR_HTTP_URL_FORMS);
}

/*
 * TLS libraries write to a connection that the peer has closed without asking for silence, and the
 * signal is kept back until libcurl returns. It stays in force for standard output, where it ends
 * the program quietly when the reader of a pipe leaves.
 */
bool
http_call_perform(const PgbrHttpRequest *request, PgbrHttpResponse *response, PgbrError *error)
{
	struct sigaction ignore = {.sa_handler = SIG_IGN};
	struct sigaction before;
	bool ok;

	sigaction(SIGPIPE, &ignore, &before);
	ok = pgbr_http_perform(request, response, error);
	sigaction(SIGPIPE, &before, NULL);
	return ok;
}
