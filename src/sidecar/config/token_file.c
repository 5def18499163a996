/*
 * token_file.c
 *		See token_file.h.
 */
#include "sidecar/config/token_file.h"

#include "common/secret_file.h"
#include "program/file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_FILE   (64 * 1024)
#define RANDOM_LEN 32

#define NAME_LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"

/* What a new file has. A client takes the first one. */
static const char *const new_lines[] = {"restore administrator", "operate operator",
										"read monitoring"};

static bool
parse_line(char *line, int number, TokenList *list, PgbrError *error)
{
	char *save;
	const char *text = strtok_r(line, " \t\r", &save);
	const char *scope = text ? strtok_r(NULL, " \t\r", &save) : NULL;
	const char *name = scope ? strtok_r(NULL, " \t\r", &save) : NULL;
	Token *token = &list->tokens[list->count];

	if (text == NULL || text[0] == '#')
		return true;
	if (strlen(text) < 16 || strlen(text) >= TOKEN_SIZE)
		return pgbr_error_set(error, PGBR_ERROR_CONFIG,
							  "token in line %d of the token file is not 16 to %d characters long",
							  number, TOKEN_SIZE - 1);
	if (list->count == TOKEN_MAX)
		return pgbr_error_set(error, PGBR_ERROR_CONFIG, "more than %d tokens in the token file",
							  TOKEN_MAX);
	*token = (Token){.scope = SCOPE_OPERATE};
	if (scope && !scope_parse(scope, &token->scope))
		return pgbr_error_set(error, PGBR_ERROR_CONFIG,
							  "invalid scope in line %d of the token file: use read, operate or "
							  "restore",
							  number);
	if (name && (strlen(name) > 64 || strspn(name, NAME_LETTERS) != strlen(name)))
		return pgbr_error_set(error, PGBR_ERROR_CONFIG,
							  "invalid name in line %d of the token file: use letters, digits and "
							  "any of ._-, at most 64",
							  number);
	if (name && strtok_r(NULL, " \t\r", &save))
		return pgbr_error_set(error, PGBR_ERROR_CONFIG,
							  "line %d of the token file has text after TOKEN SCOPE NAME", number);
	strcpy(token->text, text);
	if (name)
		snprintf(token->name, sizeof(token->name), "token:%s", name);
	else
		snprintf(token->name, sizeof(token->name), "token:line %d", number);
	list->count++;
	return true;
}

static bool
parse_tokens(char *text, size_t length, TokenList *list, PgbrError *error)
{
	int number = 1;

	/* what stands behind it would not be seen */
	if (memchr(text, '\0', length))
		return pgbr_error_set(error, PGBR_ERROR_CONFIG, "the token file holds a NUL");
	for (char *line = text; line; number++)
	{
		char *end = strchr(line, '\n');

		if (end)
			*end = '\0';
		if (!parse_line(line, number, list, error))
			return false;
		line = end ? end + 1 : NULL;
	}
	return list->count > 0 ||
		   pgbr_error_set(error, PGBR_ERROR_CONFIG, "the token file holds no token");
}

TokenList *
token_file_read(const char *path, PgbrError *error)
{
	TokenList *list = calloc(1, sizeof(*list));
	StrBuf text;
	bool ok;

	if (list == NULL)
	{
		pgbr_error_set(error, PGBR_ERROR_INTERNAL, "out of memory");
		return NULL;
	}
	strbuf_init(&text);
	ok = pgbr_secret_file_check(path, error) && file_read(path, MAX_FILE, &text, error) &&
		 parse_tokens(text.data, text.length, list, error);
	if (text.length > 0)
		explicit_bzero(text.data, text.length);
	strbuf_done(&text);
	if (ok)
		return list;
	token_list_free(list);
	return NULL;
}

void
token_list_free(TokenList *list)
{
	if (list)
		explicit_bzero(list, sizeof(*list));
	free(list);
}

const Token *
token_list_find(const TokenList *list, const char *text)
{
	char given[TOKEN_SIZE] = {0};
	const Token *found = NULL;

	if (list == NULL || strlen(text) >= TOKEN_SIZE)
		return NULL;
	strcpy(given, text);
	for (int i = 0; i < list->count; i++)
	{
		unsigned char difference = 0;

		for (int at = 0; at < TOKEN_SIZE; at++)
			difference |= (unsigned char) (given[at] ^ list->tokens[i].text[at]);
		if (difference == 0)
			found = &list->tokens[i];
	}
	return found;
}

static bool
make_text(char *text, size_t size, PgbrError *error)
{
	size_t used = (size_t) snprintf(text, size,
									"# Bearer tokens of pgbackrest_sidecar: TOKEN SCOPE NAME\n"
									"# A client that is given this file takes the first one.\n");

	for (size_t i = 0; i < sizeof(new_lines) / sizeof(new_lines[0]); i++)
	{
		unsigned char bytes[RANDOM_LEN];

		if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t) sizeof(bytes))
			return pgbr_error_set(error, PGBR_ERROR_INTERNAL, "could not get random bytes: %s",
								  strerror(errno));
		for (int at = 0; at < RANDOM_LEN; at++)
			used += (size_t) snprintf(text + used, size - used, "%02x", bytes[at]);
		used += (size_t) snprintf(text + used, size - used, " %s\n", new_lines[i]);
	}
	return true;
}

/*
 * As root, give the file to those who own its folder: the sidecar runs as another user, and could
 * not read a file of root. A folder of root's passes its group on.
 */
static bool
give_to_folder(const char *path, int fd, PgbrError *error)
{
	char *copy = strdup(path);
	const char *folder = copy ? dirname(copy) : NULL;
	struct stat st;
	bool ok = folder && stat(folder, &st) == 0 && fchown(fd, st.st_uid, st.st_gid) == 0 &&
			  fchmod(fd, st.st_uid ? 0600 : 0640) == 0;

	if (!ok)
		pgbr_error_set(error, PGBR_ERROR_CONFIG, "could not set the owner of \"%s\": %s", path,
					   strerror(errno));
	else if (st.st_uid == 0 && st.st_gid == 0)
		fprintf(stderr,
				"pgbackrest_sidecar: warning: only root can read token file \"%s\"\n"
				"hint: Let the user of the sidecar read it, as in: chgrp postgres '%s'\n",
				path, path);
	free(copy);
	return ok;
}

bool
token_file_init(const char *path, PgbrError *error)
{
	char text[512];
	int fd;
	bool ok = make_text(text, sizeof(text), error);

	if (!ok)
		return false;
	/* an existing file is somebody's way in: never replace it, and follow no link */
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
	{
		bool exists = errno == EEXIST;

		pgbr_error_set(error, PGBR_ERROR_CONFIG, "could not create token file \"%s\": %s", path,
					   strerror(errno));
		return pgbr_error_hint(error, "%s",
							   exists
								   ? "It is never replaced: use it, or move it away first."
								   : "Make its folder first, for the user that runs the sidecar, "
									 "as in: install -d -o postgres -g postgres -m 0750 FOLDER");
	}
	ok = write(fd, text, strlen(text)) == (ssize_t) strlen(text) && fsync(fd) == 0;
	if (!ok)
		pgbr_error_set(error, PGBR_ERROR_CONFIG, "could not write token file \"%s\": %s", path,
					   strerror(errno));
	ok = ok && (geteuid() != 0 || give_to_folder(path, fd, error));
	if (!ok)
		unlink(path);
	close(fd);
	explicit_bzero(text, sizeof(text));
	return ok;
}
