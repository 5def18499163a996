/*
 * postmaster_opts.c
 *		See postmaster_opts.h.
 */
#include "sidecar/postgres/postmaster_opts.h"

#include <stdlib.h>
#include <string.h>

/* One argument more, without those that name the data directory. */
static bool
take(PostmasterOpts *opts, const char *argument, bool *is_directory)
{
	if (*is_directory)
	{
		*is_directory = false;
		return true;
	}
	if (strcmp(argument, "-D") == 0)
	{
		*is_directory = true;
		return true;
	}
	if (strncmp(argument, "-D", 2) == 0)
		return true;
	if (opts->count == POSTMASTER_OPTS_MOST)
		return false;
	opts->argv[opts->count++] = argument;
	return true;
}

/* program "argument" "argument"...: PostgreSQL quotes each and escapes nothing. */
bool
postmaster_opts_read(const char *text, PostmasterOpts *opts)
{
	size_t length = strcspn(text, "\n");
	bool is_directory = false;
	char *at;

	*opts = (PostmasterOpts){0};
	opts->text = strndup(text, length);
	if (opts->text == NULL)
		return false;
	opts->program = opts->text;
	at = strstr(opts->text, " \"");
	while (at)
	{
		char *argument = at + 2;
		char *end;

		*at = '\0';
		at = strstr(argument, "\" \"");
		end = at ? at : argument + strlen(argument) - 1;
		if (at == NULL && (end < argument || *end != '"'))
			break;
		*end = '\0';
		if (!take(opts, argument, &is_directory) || opts->program[0] != '/' ||
			strchr(opts->program, '"'))
			break;
		if (at == NULL)
			return true;
		at++;
	}
	if (strchr(opts->text, '"') == NULL && opts->count == 0 && opts->program[0] == '/' &&
		length == strlen(opts->program))
		return true;
	postmaster_opts_done(opts);
	return false;
}

int
postmaster_opts_number(const PostmasterOpts *opts, const char *name)
{
	size_t length = strlen(name);
	int number = 0;

	for (int i = 0; i < opts->count; i++)
	{
		const char *text = opts->argv[i];

		/* --NAME=N, -c NAME=N or -cNAME=N */
		if (strncmp(text, "--", 2) == 0 || strncmp(text, "-c", 2) == 0)
			text += 2;
		if (strncmp(text, name, length) == 0 && text[length] == '=')
			number = atoi(text + length + 1);
	}
	return number;
}

void
postmaster_opts_done(PostmasterOpts *opts)
{
	free(opts->text);
	*opts = (PostmasterOpts){0};
}
