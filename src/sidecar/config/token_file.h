/*
 * token_file.h
 *		The file of bearer tokens: its grammar, and how a first one is made.
 *
 * A line is TOKEN [SCOPE [NAME]]. Without a scope it is operate; without a name it is "line N". The
 * sidecar ignores empty lines and lines that begin with #. NAME is what the sidecar calls a client
 * that sends the token.
 */
#ifndef PGBR_SIDECAR_CONFIG_TOKEN_FILE_H
#define PGBR_SIDECAR_CONFIG_TOKEN_FILE_H

#include "common/error.h"
#include "sidecar/config/caller.h"

#define TOKEN_MAX  64
#define TOKEN_SIZE 512

typedef struct Token
{
	char text[TOKEN_SIZE]; /* filled up with NUL, so that comparing takes the same time */
	Scope scope;
	char name[CALLER_NAME_SIZE];
} Token;

typedef struct TokenList
{
	int count;
	Token tokens[TOKEN_MAX];
} TokenList;

/* Read a file that others can't read; NULL with CONFIG when it is wrong. */
extern TokenList *token_file_read(const char *path, PgbrError *error);

/* Forget them. NULL is fine. */
extern void token_list_free(TokenList *list);

/* The token of a text, or NULL. Compares all tokens to their last byte even after a match, so that
 * the time tells nothing. */
extern const Token *token_list_find(const TokenList *list, const char *text);

/*
 * Make a file with three new tokens, restore first: 0600. CONFIG when there is one. Made by root it
 * gets the owner and the group of its folder, and where that is root's is 0640; a warning on stderr
 * says when only root can read it.
 */
extern bool token_file_init(const char *path, PgbrError *error);

#endif
