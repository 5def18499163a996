/*
 * caller.c
 *		See caller.h.
 */
#include "sidecar/config/caller.h"

#include <string.h>

static const char *const texts[] = {[SCOPE_NONE] = "none",
									[SCOPE_READ] = "read",
									[SCOPE_OPERATE] = "operate",
									[SCOPE_RESTORE] = "restore"};

const char *
scope_name(Scope scope)
{
	return texts[scope];
}

bool
scope_parse(const char *text, Scope *scope)
{
	for (int i = SCOPE_READ; i <= SCOPE_RESTORE; i++)
	{
		if (strcmp(texts[i], text) == 0)
		{
			*scope = (Scope) i;
			return true;
		}
	}
	return false;
}
