// links: sidecar
// runs: 120000
/*
 * token_file_fuzz.c
 *		Any bytes as the file of bearer tokens: who shows the first word of a line that is no
 *		comment is let in by a name that can be shown, and nobody else is.
 */
#include "common/vocabulary.h"
#include "sidecar/config/token_file.h"
#include "fuzz.h"

#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* Each line's token is found, with what the line says. */
static void
check_lines(const TokenList *list, char *text)
{
	int count = 0;

	for (char *line = text, *next = text; line; line = next)
	{
		const char *word;

		strsep(&next, "\n");
		word = strtok(line, " \t\r");
		if (word == NULL || word[0] == '#')
			continue;
		count++;
		MUST(strlen(word) >= 16 && strlen(word) < TOKEN_SIZE);
		MUST(token_list_find(list, word) != NULL);
	}
	MUST(count == list->count);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char path[64];
	static int file = -1;
	TokenList *list;
	PgbrError error;
	char *text = fuzz_text(data, size);

	if (file < 0)
	{
		file = memfd_create("tokens", 0);
		MUST(file >= 0 && fchmod(file, 0600) == 0);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
	}
	MUST(ftruncate(file, 0) == 0 && pwrite(file, data, size, 0) == (ssize_t) size);
	list = token_file_read(path, &error);
	if (list == NULL)
		MUST(error.code == PGBR_ERROR_CONFIG);
	for (int i = 0; list && i < list->count; i++)
	{
		const Token *token = &list->tokens[i];

		MUST(token->scope == SCOPE_READ || token->scope == SCOPE_OPERATE ||
			 token->scope == SCOPE_RESTORE);
		MUST(strncmp(token->name, "token:", 6) == 0 && pgbr_is_plain_text(token->name, 80));
		MUST(memchr(token->text, '\0', TOKEN_SIZE) != NULL);
	}
	if (list)
	{
		MUST(token_list_find(list, "") == NULL &&
			 token_list_find(list, "a token of nobody") == NULL);
		check_lines(list, text);
	}
	token_list_free(list);
	free(text);
	return 0;
}
