/*
 * client_name.c
 *		See client_name.h.
 */
#include "sidecar/config/client_name.h"

#include "common/vocabulary.h"

#include <string.h>

static bool
read_row(const char *value, ClientNames *names, PgbrError *error)
{
	const char *equals = strrchr(value, '=');
	size_t length = equals ? (size_t) (equals - value) : strlen(value);
	char *name = names->rows[names->count].name;
	Scope *scope = &names->rows[names->count].scope;

	*scope = SCOPE_OPERATE;
	/* without '=' in a name, a misspelt scope can't become a part of one */
	if (!client_name_take(value, length, name) || strchr(name, '='))
		return pgbr_error_set(error, PGBR_ERROR_CONFIG,
							  "invalid value \"%.200s\" for --tls-client-name: use CN or CN=SCOPE",
							  value);
	if (equals && !scope_parse(equals + 1, scope))
		return pgbr_error_set(error, PGBR_ERROR_CONFIG,
							  "invalid scope in --tls-client-name=%.200s: use read, operate or "
							  "restore",
							  value);
	for (int i = 0; i < names->count; i++)
	{
		if (strcmp(names->rows[i].name, name) == 0)
			return pgbr_error_set(error, PGBR_ERROR_CONFIG, "--tls-client-name names \"%s\" twice",
								  name);
	}
	names->count++;
	return true;
}

bool
client_names_read(const OptionList *values, ClientNames *names, PgbrError *error)
{
	_Static_assert(sizeof(values->values) / sizeof(values->values[0]) <= CLIENT_NAMES,
				   "a row for each value that options_parse takes");

	names->count = 0;
	for (int i = 0; i < values->count; i++)
	{
		if (!read_row(values->values[i], names, error))
			return false;
	}
	return true;
}

Scope
client_names_find(const ClientNames *names, const char *name)
{
	Scope of_any = names->count == 0 ? SCOPE_READ : SCOPE_NONE;

	for (int i = 0; i < names->count; i++)
	{
		if (strcmp(names->rows[i].name, name) == 0 && strcmp(name, CLIENT_NAME_ANY) != 0)
			return names->rows[i].scope;
		if (strcmp(names->rows[i].name, CLIENT_NAME_ANY) == 0)
			of_any = names->rows[i].scope;
	}
	return of_any;
}

bool
client_name_take(const void *bytes, size_t length, char name[CLIENT_NAME_SIZE])
{
	name[0] = '\0';
	if (length == 0 || length >= CLIENT_NAME_SIZE || memchr(bytes, '\0', length))
		return false;
	memcpy(name, bytes, length);
	name[length] = '\0';
	return pgbr_is_plain_text(name, CLIENT_NAME_SIZE);
}
