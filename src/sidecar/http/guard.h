/*
 * guard.h
 *		Which requests are refused for their headers alone, on every listener and before anything
 *		else is looked at: those that a web page has a browser send, and those whose end two
 *		parsers could see at different places. Pure.
 *
 * A web page reaches the sidecar through the browser of somebody who can. It can't hide where it
 * comes from: the browser tells its origin with every POST, and a page whose own name was made to
 * lead here (DNS rebinding) has that name as Host. So a Host must be an IP address, localhost, or
 * a name that an option allows, and an Origin must be that of the Host itself.
 *
 * Of the framing (RFC 9112, 6.3) libmicrohttpd refuses what it can't read. Here is refused what it
 * reads in its own way: a length that is given twice, or beside a transfer coding; codings other
 * than chunked; names of headers that are no tokens, as before a blank and a colon. Up to 0.9.75
 * it takes an LF alone for the end of a line, cuts a path and a value at a NUL and adds a line
 * that goes on (obs-fold) to its header's name. It shows none of that, but parses in place: where
 * each line lies shows it.
 */
#ifndef PGBR_SIDECAR_HTTP_GUARD_H
#define PGBR_SIDECAR_HTTP_GUARD_H

#include "common/error.h"
#include "sidecar/config/host_names.h"

#include <stdbool.h>
#include <stddef.h>

/* What the headers of a request say; all zero before the first. Texts are borrowed. */
typedef struct HttpHeaders
{
	int host_count;
	const char *host; /* the last one */
	int origin_count;
	const char *origin;
	const char *foreign_site; /* a Sec-Fetch-Site other than same-origin and none, or NULL */
	int length_count;
	int coding_count;
	const char *coding;
	bool bad_name;	  /* of some header */
	bool bad_start;	  /* the request line holds a NUL */
	bool bad_line;	  /* some header is not NAME: VALUE CR LF */
	const char *line; /* where the next one has to begin, or NULL: nobody looks */
} HttpHeaders;

/* Take the request line, which was parsed in place: its method, its target up to target_end,
 * where a text ends, and its version. A NUL would end one of them too early. */
extern void http_headers_begin(HttpHeaders *headers, const char *method, const char *target,
							   const char *target_end, const char *version);

/* Take one header, in the order they come; where a line is given, as it was parsed in place. */
extern void http_headers_add(HttpHeaders *headers, const char *name, const char *value);

/* All of them were taken: the header, with its empty line, goes up to end. */
extern void http_headers_end(HttpHeaders *headers, const char *end);

/* True when the request may go on: a request of HTTP/1.0 (old) needs no Host and has no coding; tls
 * is how it came. BAD_REQUEST, MISDIRECTED (its Host), or FORBIDDEN (it comes from a web page). */
extern bool http_guard_check(const HttpHeaders *headers, bool old, bool tls, const HostNames *names,
							 PgbrError *error);

/* True when the request has a body, or may have one. */
extern bool http_headers_announce_body(const HttpHeaders *headers);

#endif
