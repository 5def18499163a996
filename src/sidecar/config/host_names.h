/*
 * host_names.h
 *		The names by which clients may address the sidecar: what --allowed-host takes. Pure.
 *
 * A list is NAME[,NAME...], each of letters, digits, '-', '_' and '.'. Names are compared without
 * regard to case, and to a dot at the end.
 */
#ifndef PGBR_SIDECAR_CONFIG_HOST_NAMES_H
#define PGBR_SIDECAR_CONFIG_HOST_NAMES_H

#include <stdbool.h>

#define HOST_NAME_SIZE_MAX 253 /* of a name in DNS */

/* Lists, which are borrowed. */
typedef struct HostNames
{
	const char *const *lists;
	int count;
} HostNames;

/* True when the text is a list of names. */
extern bool host_names_is_list(const char *list);

/* True when one of the list, or of the lists, is the name of this host. */
extern bool host_names_list_has(const char *list, const char *host);
extern bool host_names_have(const HostNames *names, const char *host);

#endif
