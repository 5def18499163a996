/*
 * auth.h
 *		Who may do what: by the connection, or by a bearer token.
 *
 * Over the sidecar's socket the kernel says which user asks: root and our own, who is
 * PostgreSQL's, may do everything, and others what --socket-others says. Over TCP a client
 * certificate of our CA or a token of the file (token_file.h) says it; without one nobody may do
 * more than read, and that only where neither is asked for. The file is read anew when it changes;
 * one that became unreadable or wrong lets nobody in, and says so in the log. Thread-safe.
 */
#ifndef PGBR_SIDECAR_HTTP_AUTH_H
#define PGBR_SIDECAR_HTTP_AUTH_H

#include "common/error.h"
#include "sidecar/config/config.h"
#include "sidecar/http/message.h"

typedef struct Auth Auth;

/* Read the file, if there is one. NULL with CONFIG when it is wrong. */
extern Auth *auth_new(const SidecarConfig *config, PgbrError *error);
extern void auth_free(Auth *auth);

/* Who is at the other end of a connection to our socket; nobody when the kernel does not say. */
extern Caller auth_peer(const Auth *auth, int fd);

/* Who is anybody that connects to this listener over TCP. */
extern Caller auth_stranger(const Auth *auth, const Listener *listener);

/* Who asks: whom the connection has, unless the request has a token by which he may do more. */
extern Caller auth_identify(Auth *auth, const Caller *connected, const char *authorization);

/* May the request's caller use a route of this scope? UNAUTHORIZED or FORBIDDEN when not. */
extern bool
auth_check(const Auth *auth, const HttpRequest *request, Scope wanted, PgbrError *error);

#endif
