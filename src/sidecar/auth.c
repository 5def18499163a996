/*
 * auth.c
 *		See auth.h.
 */
#include "sidecar/auth.h"

#include "program/file.h"
#include "program/log.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#define MAX_TOKENS 64
#define TOKEN_SIZE 512
#define MAX_FILE   (64 * 1024)

typedef struct Token
{
	char text[TOKEN_SIZE]; /* filled up with NUL, so that comparing takes the same time */
	Scope scope;
} Token;

typedef struct TokenList
{
	int count;
	Token tokens[MAX_TOKENS];
} TokenList;

struct Auth
{
	const SidecarConfig *config;
	pthread_mutex_t lock; /* guards all below */
	struct timespec modified;
	ino_t inode;
	TokenList *list; /* NULL: nobody is let in */
};

static bool
parse_line(char *line, int number, TokenList *list, PgbrError *error)
{
	char *save;
	const char *text = strtok_r(line, " \t\r", &save);
	const char *scope = text ? strtok_r(NULL, " \t\r", &save) : NULL;
	Token *token = &list->tokens[list->count];

	if (text == NULL || text[0] == '#')
		return true;
	if (strlen(text) < 16 || strlen(text) >= TOKEN_SIZE)
		return pgbr_error_set(error, PGBR_ERROR_CONFIG,
							  "token in line %d of the token file is not 16 to %d characters long",
							  number, TOKEN_SIZE - 1);
	if (list->count == MAX_TOKENS)
		return pgbr_error_set(error, PGBR_ERROR_CONFIG, "more than %d tokens in the token file",
							  MAX_TOKENS);
	token->scope = SCOPE_OPERATE;
	if (scope && !scope_parse(scope, &token->scope))
		return pgbr_error_set(error, PGBR_ERROR_CONFIG,
							  "invalid scope in line %d of the token file: use read, operate or "
							  "restore",
							  number);
	memset(token->text, 0, TOKEN_SIZE);
	strcpy(token->text, text);
	list->count++;
	return true;
}

static TokenList *
parse_tokens(char *text, PgbrError *error)
{
	TokenList *list = calloc(1, sizeof(*list));
	int number = 1;

	if (list == NULL)
	{
		pgbr_error_set(error, PGBR_ERROR_INTERNAL, "out of memory");
		return NULL;
	}
	for (char *line = text; line; number++)
	{
		char *end = strchr(line, '\n');

		if (end)
			*end = '\0';
		if (!parse_line(line, number, list, error))
		{
			free(list);
			return NULL;
		}
		line = end ? end + 1 : NULL;
	}
	if (list->count > 0)
		return list;
	pgbr_error_set(error, PGBR_ERROR_CONFIG, "the token file holds no token");
	free(list);
	return NULL;
}

static TokenList *
load_tokens(const char *path, PgbrError *error)
{
	StrBuf text;
	TokenList *list = NULL;

	strbuf_init(&text);
	if (file_check_secret(path, error) && file_read(path, MAX_FILE, &text, error))
		list = parse_tokens(text.data, error);
	strbuf_done(&text);
	return list;
}

/* Read the file again when it is no longer the one that was read. */
static void
refresh(Auth *auth)
{
	struct stat st = {0};
	PgbrError error;

	if (stat(auth->config->token_file, &st) == 0 && st.st_ino == auth->inode &&
		st.st_mtim.tv_sec == auth->modified.tv_sec && st.st_mtim.tv_nsec == auth->modified.tv_nsec)
		return;
	/* a file that is gone is reported once, not at every request */
	if (st.st_ino == 0 && auth->inode == 0)
		return;
	auth->inode = st.st_ino;
	auth->modified = st.st_mtim;
	free(auth->list);
	auth->list = load_tokens(auth->config->token_file, &error);
	if (auth->list)
		log_event(LOG_LEVEL_INFO, NULL, "read %d token(s)", auth->list->count);
	else
		log_error(NULL, "nobody is let in: could not read the token file", &error);
}

Auth *
auth_new(const SidecarConfig *config, PgbrError *error)
{
	Auth *auth = calloc(1, sizeof(*auth));
	struct stat st;

	if (auth == NULL)
	{
		pgbr_error_set(error, PGBR_ERROR_INTERNAL, "out of memory");
		return NULL;
	}
	auth->config = config;
	pthread_mutex_init(&auth->lock, NULL);
	if (config->token_file == NULL)
		return auth;
	if (stat(config->token_file, &st) == 0)
	{
		auth->inode = st.st_ino;
		auth->modified = st.st_mtim;
	}
	auth->list = load_tokens(config->token_file, error);
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
	if (auth->list)
		explicit_bzero(auth->list, sizeof(*auth->list));
	free(auth->list);
	pthread_mutex_destroy(&auth->lock);
	free(auth);
}

/* Every token is compared to its last byte, whatever was found before. */
static Scope
find_scope(const TokenList *list, const char *text)
{
	char given[TOKEN_SIZE] = {0};
	Scope scope = SCOPE_NONE;

	if (list == NULL || strlen(text) >= TOKEN_SIZE)
		return SCOPE_NONE;
	strcpy(given, text);
	for (int i = 0; i < list->count; i++)
	{
		unsigned char difference = 0;

		for (int at = 0; at < TOKEN_SIZE; at++)
			difference |= (unsigned char) (given[at] ^ list->tokens[i].text[at]);
		if (difference == 0)
			scope = list->tokens[i].scope;
	}
	return scope;
}

static bool
refuse_scope(Scope wanted, const char *what, PgbrError *error)
{
	pgbr_error_set(error, PGBR_ERROR_FORBIDDEN, "the %s does not allow this", what);
	return pgbr_error_hint(error, "It takes one of the scope %s.",
						   wanted == SCOPE_RESTORE	 ? "restore"
						   : wanted == SCOPE_OPERATE ? "operate, or restore"
													 : "read, operate or restore");
}

bool
auth_check(Auth *auth, const HttpRequest *request, Scope wanted, PgbrError *error)
{
	const SidecarConfig *config = auth->config;
	Scope scope;

	if (wanted == SCOPE_NONE || request->trusted || request->certified >= wanted)
		return true;
	if (config->token_file == NULL)
	{
		/* on a loopback address, or told so: config.c has seen to it */
		if (config->tls_client_ca_file == NULL)
			return true;
		if (request->certified == SCOPE_NONE)
			return pgbr_error_set(error, PGBR_ERROR_UNAUTHORIZED, "%s", request->uncertified);
		return refuse_scope(wanted, "certificate", error);
	}
	if (request->authorization == NULL || strncasecmp(request->authorization, "Bearer ", 7) != 0)
	{
		pgbr_error_set(error, PGBR_ERROR_UNAUTHORIZED, "a bearer token is wanted");
		return pgbr_error_hint(error, "Send \"Authorization: Bearer TOKEN\" with a token of the "
									  "sidecar's --token-file.");
	}
	pthread_mutex_lock(&auth->lock);
	refresh(auth);
	scope = find_scope(auth->list, request->authorization + 7);
	pthread_mutex_unlock(&auth->lock);
	if (scope >= wanted)
		return true;
	if (scope == SCOPE_NONE)
		return pgbr_error_set(error, PGBR_ERROR_UNAUTHORIZED, "the bearer token is not known here");
	return refuse_scope(wanted, "bearer token", error);
}
