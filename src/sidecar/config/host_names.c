/*
 * host_names.c
 *		See host_names.h.
 */
#include "sidecar/config/host_names.h"

#include <string.h>
#include <strings.h>

#define NAME_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_."

static bool
is_name(const char *name, size_t length)
{
	return length > 0 && length <= HOST_NAME_SIZE_MAX && name[0] != '.' &&
		   strspn(name, NAME_CHARACTERS) >= length;
}

bool
host_names_is_list(const char *list)
{
	for (;; list++)
	{
		size_t length = strcspn(list, ",");

		if (!is_name(list, length))
			return false;
		list += length;
		if (*list == '\0')
			return true;
	}
}

/* A dot at the end makes it no other name. */
static bool
same_name(const char *name, const char *other, size_t other_length)
{
	size_t length = strlen(name);

	if (length > 1 && name[length - 1] == '.')
		length--;
	if (other_length > 1 && other[other_length - 1] == '.')
		other_length--;
	return length == other_length && strncasecmp(name, other, length) == 0;
}

bool
host_names_list_has(const char *list, const char *host)
{
	for (;; list++)
	{
		size_t length = strcspn(list, ",");

		if (same_name(host, list, length))
			return true;
		list += length;
		if (*list == '\0')
			return false;
	}
}

bool
host_names_have(const HostNames *names, const char *host)
{
	for (int i = 0; i < names->count; i++)
	{
		if (host_names_list_has(names->lists[i], host))
			return true;
	}
	return false;
}
