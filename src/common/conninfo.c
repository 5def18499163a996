/*
 * conninfo.c
 *		See conninfo.h. Reads as libpq does: conninfo_parse and conninfo_uri_parse.
 */
#include "common/conninfo.h"

#include <stdlib.h>
#include <string.h>

#define BLANKS " \t\n\v\f\r"

/* password, sslpassword, oauth_client_secret, scram_client_key, scram_server_key */
static bool
is_secret_key(const char *key, size_t length)
{
	static const char *const endings[] = {"password", "secret", "client_key", "server_key"};

	for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++)
	{
		size_t size = strlen(endings[i]);

		if (length >= size && memcmp(key + length - size, endings[i], size) == 0)
			return true;
	}
	return false;
}

/* Past a value: 'quoted', or up to a blank; a backslash takes what follows as it is. */
static const char *
skip_value(const char *text)
{
	const char *end = *text == '\'' ? "'" : BLANKS;

	text += *text == '\'';
	while (*text && strchr(end, *text) == NULL)
		text += *text == '\\' && text[1] ? 2 : 1;
	return text + (*text == '\'' && end[0] == '\'');
}

static bool
has_secret_pair(const char *text)
{
	while (*(text += strspn(text, BLANKS)))
	{
		const char *key = text;
		size_t length = strcspn(text, "=" BLANKS);

		text += length;
		text += strspn(text, BLANKS);
		/* libpq refuses it, but only when it has read all that stands there */
		if (*text != '=')
			continue;
		if (is_secret_key(key, length))
			return true;
		text++;
		text = skip_value(text + strspn(text, BLANKS));
	}
	return false;
}

/* The key of a query's parameter, which may be percent-encoded. */
static bool
is_secret_parameter(const char *text, size_t length)
{
	char key[64];
	size_t used = 0;

	for (size_t i = 0; i < length; i++)
	{
		char digits[3] = "";
		char *end = digits;
		long byte = 0;

		if (text[i] == '%' && length - i > 2)
		{
			memcpy(digits, text + i + 1, 2);
			byte = strtol(digits, &end, 16);
		}
		if (used == sizeof(key))
			return false;
		key[used++] = *digits && *end == '\0' ? (char) byte : text[i];
		i += *digits && *end == '\0' ? 2 : 0;
	}
	return is_secret_key(key, used);
}

/* What follows "://": [user[:password]@][host...][/database][?key=value&...] */
static bool
has_secret_uri(const char *text)
{
	size_t user = strcspn(text, "@/");

	if (text[user] == '@' && memchr(text, ':', user))
		return true;
	text += strcspn(text, "?");
	while (*text)
	{
		size_t length = strcspn(++text, "&");

		if (is_secret_parameter(text, strcspn(text, "=&")))
			return true;
		text += length;
	}
	return false;
}

bool
pgbr_conninfo_check(const char *name, const char *conninfo, PgbrError *error)
{
	static const char *const schemes[] = {"postgresql://", "postgres://"};
	bool secret = false;
	bool uri = false;

	for (int i = 0; i < 2 && !uri; i++)
	{
		uri = strncmp(conninfo, schemes[i], strlen(schemes[i])) == 0;
		secret = uri && has_secret_uri(conninfo + strlen(schemes[i]));
	}
	if (!secret && (uri || !has_secret_pair(conninfo)))
		return true;
	pgbr_error_set(error, PGBR_ERROR_CONFIG,
				   "%s holds a password, which every user of the host would read on a command line",
				   name);
	return pgbr_error_hint(error,
						   "Put it into a file that only its owner can read, in the form "
						   "HOST:PORT:DATABASE:USER:PASSWORD, and give passfile=FILE instead; "
						   "or into PGPASSWORD.");
}
