/*
 * auth.c
 *		See auth.h.
 */
#include "sidecar/http/auth.h"

#include "program/log.h"
#include "sidecar/config/token_file.h"
#include "sidecar/http/watched_files.h"

#include <pthread.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

struct Auth
{
	const SidecarConfig *config;
	Caller self;		  /* our own user, at the socket */
	pthread_mutex_t lock; /* guards all below */
	WatchedFiles watched; /* the token file */
	TokenList *list;	  /* NULL: nobody is let in */
};

/* Read the file again when it may be no longer the one that was read. */
static void
refresh(Auth *auth)
{
	TokenList *former = auth->list;
	PgbrError error;

	if (!watched_files_changed(&auth->watched))
		return;
	auth->list = token_file_read(auth->config->token_file, &error);
	if (auth->list == NULL)
		watched_files_failed(&auth->watched, "could not read the token file: nobody is let in",
							 &error);
	else
	{
		watched_files_read(&auth->watched);
		if (former == NULL || memcmp(former, auth->list, sizeof(*former)) != 0)
			log_event(LOG_LEVEL_INFO, NULL, "read %d token(s)", auth->list->count);
	}
	token_list_free(former);
}

/* user:NAME, or its number when the name is not known */
static Caller
name_user(uid_t user)
{
	Caller caller = {.kind = CALLER_USER};
	char buffer[4096];
	struct passwd entry;
	struct passwd *found = NULL;

	if (getpwuid_r(user, &entry, buffer, sizeof(buffer), &found) == 0 && found)
		snprintf(caller.name, sizeof(caller.name), "user:%.100s", found->pw_name);
	else
		snprintf(caller.name, sizeof(caller.name), "user:%u", (unsigned int) user);
	return caller;
}

Auth *
auth_new(const SidecarConfig *config, PgbrError *error)
{
	Auth *auth = calloc(1, sizeof(*auth));

	if (auth == NULL)
	{
		pgbr_error_set(error, PGBR_ERROR_INTERNAL, "out of memory");
		return NULL;
	}
	auth->config = config;
	auth->self = name_user(geteuid());
	auth->self.scope = SCOPE_RESTORE;
	pthread_mutex_init(&auth->lock, NULL);
	if (config->token_file == NULL)
		return auth;
	watched_files_init(&auth->watched, config->token_file, NULL);
	watched_files_changed(&auth->watched);
	auth->list = token_file_read(config->token_file, error);
	if (auth->list)
		return auth;
	auth_free(auth);
	return NULL;
}

void
auth_free(Auth *auth)
{
	if (auth == NULL)
		return;
	token_list_free(auth->list);
	pthread_mutex_destroy(&auth->lock);
	free(auth);
}

Caller
auth_peer(const Auth *auth, int fd)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);
	Caller caller;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0)
		return CALLER_NOBODY;
	/* asked for once: who knows the names of users may be far away */
	if (peer.uid == geteuid())
		return auth->self;
	caller = name_user(peer.uid);
	caller.scope = peer.uid == 0 ? SCOPE_RESTORE : auth->config->socket_others;
	return caller;
}

Caller
auth_stranger(const Auth *auth, const Listener *listener)
{
	const SidecarConfig *config = auth->config;
	Caller caller = CALLER_NOBODY;

	if (listener->open)
		caller.scope = SCOPE_RESTORE;
	else if (config->token_file == NULL && config->tls_client_ca_file == NULL)
		/* elsewhere than on loopback config.c has refused it */
		caller.scope = config->insecure_no_auth ? SCOPE_RESTORE : SCOPE_READ;
	return caller;
}

static const char *
bearer_token(const char *authorization)
{
	return authorization && strncasecmp(authorization, "Bearer ", 7) == 0 ? authorization + 7
																		  : NULL;
}

Caller
auth_identify(Auth *auth, const Caller *connected, const char *authorization)
{
	const char *text = bearer_token(authorization);
	Caller caller = *connected;
	const Token *token;

	if (text == NULL || auth->config->token_file == NULL)
		return caller;
	pthread_mutex_lock(&auth->lock);
	refresh(auth);
	token = token_list_find(auth->list, text);
	if (token && (token->scope > caller.scope || caller.kind == CALLER_ANONYMOUS))
	{
		caller.kind = CALLER_TOKEN;
		strcpy(caller.name, token->name);
	}
	if (token && token->scope > caller.scope)
		caller.scope = token->scope;
	pthread_mutex_unlock(&auth->lock);
	return caller;
}

/* The caller is nobody that we know. */
static bool
refuse_stranger(const Auth *auth, const HttpRequest *request, PgbrError *error)
{
	const SidecarConfig *config = auth->config;

	if (config->token_file == NULL && config->tls_client_ca_file)
		return pgbr_error_set(error, PGBR_ERROR_UNAUTHORIZED, "%s",
							  request->uncertified ? request->uncertified
												   : "a client certificate is required");
	if (config->token_file && bearer_token(request->authorization))
		return pgbr_error_set(error, PGBR_ERROR_UNAUTHORIZED, "the bearer token is not known here");
	if (config->token_file)
	{
		pgbr_error_set(error, PGBR_ERROR_UNAUTHORIZED, "a bearer token is required");
		return pgbr_error_hint(error, "Send \"Authorization: Bearer TOKEN\" with a token of the "
									  "sidecar's --token-file.");
	}
	pgbr_error_set(error, PGBR_ERROR_FORBIDDEN,
				   "this address only allows reading: its callers are not authenticated");
	return pgbr_error_hint(error,
						   "Use the sidecar's socket, as PostgreSQL's user or root, or start "
						   "it with --token-file and show a token.");
}

bool
auth_check(const Auth *auth, const HttpRequest *request, Scope wanted, PgbrError *error)
{
	const Caller *caller = &request->caller;

	if (caller->scope >= wanted)
		return true;
	if (caller->kind == CALLER_ANONYMOUS ||
		(caller->kind == CALLER_CERTIFICATE && caller->scope == SCOPE_NONE))
		return refuse_stranger(auth, request, error);
	if (caller->kind == CALLER_USER)
	{
		pgbr_error_set(error, PGBR_ERROR_FORBIDDEN, "%s may not do this over the socket",
					   caller->name);
		return pgbr_error_hint(
			error, "PostgreSQL's user and root may, and a caller whose token allows it.");
	}
	pgbr_error_set(error, PGBR_ERROR_FORBIDDEN, "the %s does not allow this",
				   caller->kind == CALLER_TOKEN ? "bearer token" : "certificate");
	return pgbr_error_hint(error, "It needs one of scope %s.",
						   wanted == SCOPE_RESTORE	 ? "restore"
						   : wanted == SCOPE_OPERATE ? "operate, or restore"
													 : "read, operate or restore");
}
