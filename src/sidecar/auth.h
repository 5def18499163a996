/*
 * auth.h
 *		Who may do what: bearer tokens from a file.
 *
 * The file holds one token a line, TOKEN [read|operate|restore] (operate when it is not said), and
 * empty lines and lines that begin with #. It is read anew when it changes; one that became
 * unreadable or wrong lets nobody in, and says so in the log. Tokens are compared in constant time
 * and never logged. Thread-safe.
 */
#ifndef PGBR_SIDECAR_AUTH_H
#define PGBR_SIDECAR_AUTH_H

#include "common/error.h"
#include "sidecar/config.h"
#include "sidecar/http.h"

typedef struct Auth Auth;

/* Read the file, if there is one. NULL with CONFIG when it is wrong. */
extern Auth *auth_new(const SidecarConfig *config, PgbrError *error);
extern void auth_free(Auth *auth);

/* May this request use a route of this scope? UNAUTHORIZED or FORBIDDEN when not. */
extern bool auth_check(Auth *auth, const HttpRequest *request, Scope wanted, PgbrError *error);

#endif
