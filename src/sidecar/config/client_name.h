/*
 * client_name.h
 *		Which client certificates may do what, by the names in them: --tls-client-name.
 *
 * Pure: decides on names that other code has read from a certificate. Names are compared byte by
 * byte, without patterns or case folding: a name that differs belongs to another client.
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

/* Read the values of the option, CN[=SCOPE] each; without a scope it is operate, as for tokens.
 * CONFIG when a value is invalid, or when two values name the same client. */
extern bool client_names_read(const OptionList *values, ClientNames *names, PgbrError *error);

/* What the client of this name may do; NONE: the sidecar does not know it. Without any row a
 * certificate of the CA may only read, because the sidecar does not know what else that CA signs
 * for. */
extern Scope client_names_find(const ClientNames *names, const char *name);

/* Copy a common name from the certificate, where no NUL ends it. False when it could be read as
 * another name: it is empty or too long, not UTF-8, or has control characters or a NUL. */
extern bool client_name_take(const void *bytes, size_t length, char name[CLIENT_NAME_SIZE]);

#endif
