/*
 * sidecar_url.c
 *		See sidecar_url.h.
 */
#include "common/sidecar_url.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define UNIX_SCHEME "unix:"

#define NAME_LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_"

static bool
is_socket(const char *url)
{
	return strncasecmp(url, UNIX_SCHEME, strlen(UNIX_SCHEME)) == 0;
}

/* host, IPv4 address or [IPv6 address]; NULL when there is none, else where it ends */
static const char *
skip_host(const char *text)
{
	size_t length;

	if (text[0] == '[')
	{
		length = strspn(text + 1, "0123456789abcdefABCDEF:.");
		return length > 0 && text[length + 1] == ']' ? text + length + 2 : NULL;
	}
	length = strspn(text, NAME_LETTERS);
	return length > 0 ? text + length : NULL;
}

/* :port, which may be left out; NULL when it is none */
static const char *
skip_port(const char *text)
{
	size_t digits;

	if (text[0] != ':')
		return text;
	digits = strspn(text + 1, "0123456789");
	if (digits == 0 || digits > 5 || atoi(text + 1) < 1 || atoi(text + 1) > 65535)
		return NULL;
	return text + 1 + digits;
}

/* /prefix, which may be left out */
static bool
is_prefix(const char *text)
{
	if (text[0] != '\0' && text[0] != '/')
		return false;
	for (; *text; text++)
	{
		if (*text <= ' ' || *text > '~' || strchr("?#@\\\"<>", *text))
			return false;
	}
	return true;
}

bool
pgbr_is_socket_path(const char *path)
{
	size_t length = strlen(path);

	return path[0] == '/' && length < PGBR_SOCKET_PATH_SIZE && path[length - 1] != '/' &&
		   strspn(path, NAME_LETTERS "/+@%=~") == length;
}

bool
pgbr_url_is_valid(const char *url, bool may_be_socket)
{
	const char *rest = NULL;

	if (is_socket(url))
		return may_be_socket && pgbr_is_socket_path(url + strlen(UNIX_SCHEME));
	if (strncasecmp(url, "http://", 7) == 0)
		rest = skip_host(url + 7);
	else if (strncasecmp(url, "https://", 8) == 0)
		rest = skip_host(url + 8);
	if (rest)
		rest = skip_port(rest);
	return rest && is_prefix(rest);
}

const char *
pgbr_url_glue(const char *url)
{
	return is_socket(url) ? ":" : "";
}

bool
pgbr_url_split_socket(const char *url, char path[PGBR_SOCKET_PATH_SIZE], const char **rest)
{
	const char *start = url + strlen(UNIX_SCHEME);
	size_t length;

	*rest = NULL;
	if (!is_socket(url))
		return false;
	length = strcspn(start, ":");
	if (length > 0 && length < PGBR_SOCKET_PATH_SIZE && start[length] == ':')
	{
		memcpy(path, start, length);
		path[length] = '\0';
		*rest = start + length + 1;
	}
	return true;
}
