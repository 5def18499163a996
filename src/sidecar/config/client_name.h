/*
 * client_name.h
 *		Which client certificates may do what, by the names in them: --tls-client-name.
 *
 * Pure: decides over names that were read from a certificate by others. Names are compared byte by
 * byte, with no patterns and no folding of case: what is not the same name is another client.
 */
#ifndef PGBR_SIDECAR_CONFIG_CLIENT_NAME_H
#define PGBR_SIDECAR_CONFIG_CLIENT_NAME_H

#include "common/error.h"
#include "program/options.h"
#include "sidecar/config/caller.h"

#define CLIENT_NAME_SIZE 128 /* of a common name, with its NUL; X.520 has 64 characters */
#define CLIENT_NAMES	 32

/* Stands for each certificate of the CA that has no row of its own. */
#define CLIENT_NAME_ANY "*"

typedef struct ClientNames
{
	int count;
	struct
	{
		char name[CLIENT_NAME_SIZE];
		Scope scope;
	} rows[CLIENT_NAMES];
} ClientNames;

/* Read the values of the option, CN[=SCOPE] each; operate when no scope is said, as with tokens.
 * CONFIG when one is wrong, or names a client that another names too. */
extern bool client_names_read(const OptionList *values, ClientNames *names, PgbrError *error);

/* What the client of this name may do; NONE: it is not known here. Without any row a certificate of
 * the CA reads, and no more: what else that CA signs for, the sidecar does not know. */
extern Scope client_names_find(const ClientNames *names, const char *name);

/* Take over a common name as it stands in the certificate, not terminated; false for one that could
 * be read as another: empty, too long, no UTF-8, with control characters or a NUL. */
extern bool client_name_take(const void *bytes, size_t length, char name[CLIENT_NAME_SIZE]);

#endif
