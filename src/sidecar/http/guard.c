/*
 * guard.c
 *		See guard.h.
 */
#include "sidecar/http/guard.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define LETTERS	  "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS	  "0123456789"
#define SHOWN_MAX 80 /* of a value in a message */

static bool
is_token(const char *name)
{
	return name[0] && strspn(name, LETTERS DIGITS "!#$%&'*+-.^_`|~") == strlen(name);
}

/* See whether a header begins at its line and has nothing but blanks between name and value. */
static bool
is_line(const char *line, const char *name, const char *value)
{
	const char *blanks = name + strlen(name) + 1;

	return name == line && blanks <= value && strspn(blanks, " \t") >= (size_t) (value - blanks);
}

void
http_headers_begin(HttpHeaders *headers, const char *method, const char *target,
				   const char *target_end, const char *version)
{
	const char *blanks = method + strlen(method) + 1;

	/* each ends where the blank was after which the next begins */
	headers->bad_start = target == NULL || blanks > target ||
						 strspn(blanks, " ") < (size_t) (target - blanks) ||
						 target_end + 1 != version;
}

void
http_headers_add(HttpHeaders *headers, const char *name, const char *value)
{
	if (headers->line)
	{
		headers->bad_line = headers->bad_line || !is_line(headers->line, name, value);
		headers->line = value + strlen(value) + 2;
	}
	headers->bad_line = headers->bad_line || strchr(value, '\r');
	if (!is_token(name))
		headers->bad_name = true;
	else if (strcasecmp(name, "Host") == 0)
	{
		headers->host_count++;
		headers->host = value;
	}
	else if (strcasecmp(name, "Origin") == 0)
	{
		headers->origin_count++;
		headers->origin = value;
	}
	else if (strcasecmp(name, "Sec-Fetch-Site") == 0)
	{
		if (strcasecmp(value, "same-origin") != 0 && strcasecmp(value, "none") != 0)
			headers->foreign_site = value;
	}
	else if (strcasecmp(name, "Content-Length") == 0)
		headers->length_count++;
	else if (strcasecmp(name, "Transfer-Encoding") == 0)
	{
		headers->coding_count++;
		headers->coding = value;
	}
}

void
http_headers_end(HttpHeaders *headers, const char *end)
{
	headers->bad_line = headers->bad_line || (headers->line && headers->line + 2 != end);
}

bool
http_headers_announce_body(const HttpHeaders *headers)
{
	return headers->length_count > 0 || headers->coding_count > 0;
}

/* What a message can show of a value from outside. */
static const char *
show(const char *value, char shown[SHOWN_MAX + 1])
{
	size_t length = strnlen(value, SHOWN_MAX);

	for (size_t i = 0; i < length; i++)
		shown[i] = value[i];
	shown[length] = '\0';
	for (char *p = shown; *p; p++)
	{
		if (*p <= ' ' || *p > '~' || *p == '"')
			*p = '?';
	}
	return shown;
}

static bool
check_framing(const HttpHeaders *headers, bool old, PgbrError *error)
{
	char shown[SHOWN_MAX + 1];

	if (headers->bad_start)
		return pgbr_error_set(error, PGBR_ERROR_BAD_REQUEST, "invalid request line");
	if (headers->bad_name)
		return pgbr_error_set(error, PGBR_ERROR_BAD_REQUEST, "invalid header name");
	if (headers->bad_line)
		return pgbr_error_set(error, PGBR_ERROR_BAD_REQUEST, "invalid header line");
	if (headers->host_count > 1)
		return pgbr_error_set(error, PGBR_ERROR_BAD_REQUEST, "Host is given twice");
	if (headers->length_count > 1)
		return pgbr_error_set(error, PGBR_ERROR_BAD_REQUEST, "Content-Length is given twice");
	if (headers->coding_count == 0)
		return true;
	if (headers->length_count > 0)
		return pgbr_error_set(error, PGBR_ERROR_BAD_REQUEST,
							  "both Content-Length and Transfer-Encoding are given");
	if (old)
		return pgbr_error_set(error, PGBR_ERROR_BAD_REQUEST, "HTTP/1.0 has no Transfer-Encoding");
	if (headers->coding_count > 1 || strcasecmp(headers->coding, "chunked") != 0)
		return pgbr_error_set(error, PGBR_ERROR_BAD_REQUEST,
							  "invalid Transfer-Encoding \"%s\": only \"chunked\" is read",
							  show(headers->coding, shown));
	return true;
}

/* Split HOST[:PORT], where HOST may be [an IPv6 address]. False when it is neither. */
static bool
split_host(const char *text, char *host, size_t size, bool *bracketed)
{
	size_t length;
	const char *rest;

	*bracketed = text[0] == '[';
	if (*bracketed)
		text++;
	length = strcspn(text, *bracketed ? "]" : ":");
	rest = text + length;
	if (length == 0 || length >= size || (*bracketed && *rest++ != ']'))
		return false;
	memcpy(host, text, length);
	host[length] = '\0';
	if (*rest == '\0')
		return true;
	return *rest++ == ':' && *rest && strlen(rest) <= 5 && strspn(rest, DIGITS) == strlen(rest);
}

static bool
is_allowed(const char *text, const HostNames *names)
{
	char host[HOST_NAME_SIZE_MAX + 2];
	bool bracketed;
	struct in6_addr address;

	if (!split_host(text, host, sizeof(host), &bracketed))
		return false;
	if (bracketed)
		return inet_pton(AF_INET6, host, &address) == 1;
	if (inet_pton(AF_INET, host, &address) == 1 || host_names_list_has("localhost", host))
		return true;
	return host_names_have(names, host);
}

static bool
check_host(const HttpHeaders *headers, bool old, const HostNames *names, PgbrError *error)
{
	char shown[SHOWN_MAX + 1];

	if (headers->host_count == 0)
		return old || pgbr_error_set(error, PGBR_ERROR_BAD_REQUEST, "Host is missing");
	if (is_allowed(headers->host, names))
		return true;
	/* clients of other programs see the message alone */
	pgbr_error_set(error, PGBR_ERROR_MISDIRECTED,
				   "host \"%s\" is not an IP address, localhost or a name of --allowed-host",
				   show(headers->host, shown));
	return pgbr_error_hint(error, "Start the sidecar with --allowed-host and this name, or ask for "
								  "its IP address.");
}

/* The host and port of an origin of this scheme, or NULL. */
static const char *
origin_host(const char *origin, bool tls)
{
	const char *scheme = tls ? "https://" : "http://";

	return strncasecmp(origin, scheme, strlen(scheme)) == 0 ? origin + strlen(scheme) : NULL;
}

/* The length without the port that the scheme has anyway. */
static size_t
length_without_port(const char *host, bool tls)
{
	const char *port = tls ? ":443" : ":80";
	size_t length = strlen(host);

	if (length > strlen(port) && strcmp(host + length - strlen(port), port) == 0)
		length -= strlen(port);
	return length;
}

static bool
is_own_origin(const HttpHeaders *headers, bool tls)
{
	const char *from = headers->origin_count == 1 ? origin_host(headers->origin, tls) : NULL;
	size_t length;

	if (from == NULL || headers->host_count == 0)
		return false;
	length = length_without_port(from, tls);
	return length == length_without_port(headers->host, tls) &&
		   strncasecmp(from, headers->host, length) == 0;
}

static bool
check_page(const HttpHeaders *headers, bool tls, PgbrError *error)
{
	char shown[SHOWN_MAX + 1];

	if (headers->origin_count > 0 && !is_own_origin(headers, tls))
		pgbr_error_set(error, PGBR_ERROR_FORBIDDEN,
					   "requests from web pages are refused: Origin is \"%s\"",
					   show(headers->origin, shown));
	else if (headers->foreign_site)
		pgbr_error_set(error, PGBR_ERROR_FORBIDDEN,
					   "requests from web pages are refused: Sec-Fetch-Site is \"%s\"",
					   show(headers->foreign_site, shown));
	else
		return true;
	return pgbr_error_hint(error,
						   "The sidecar takes no requests from web pages of other addresses.");
}

bool
http_guard_check(const HttpHeaders *headers, bool old, bool tls, const HostNames *names,
				 PgbrError *error)
{
	return check_framing(headers, old, error) && check_host(headers, old, names, error) &&
		   check_page(headers, tls, error);
}
