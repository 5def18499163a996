/*
 * conf_judge.c
 *		See conf_judge.h.
 */
#include "ctl/conf/conf_judge.h"

#include "common/vocabulary.h"
#include "program/pgbackrest_log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

#define NO_LOCK "--lock-path=" CONF_JUDGE_NOWHERE
#define NO_LOG	"--log-path=" CONF_JUDGE_NOWHERE
#define NO_DATA "--pg1-path=" CONF_JUDGE_NOWHERE

/* No option of the file is hidden by the command line in all of them. */
static const char *const commands[CONF_JUDGE_COMMANDS][5] = {
	{NO_LOCK, "--log-level-file=off", "--log-level-stderr=warn", "--log-level-console=off",
	 "backup"},
	{NO_LOCK, "--log-level-file=off", "--log-level-stderr=warn", "--log-level-console=off",
	 "expire"},
	{NO_LOCK, NO_LOG, NO_DATA, "restore"},
	/* these two are not told which file */
	{"--log-level-file=off", "archive-push"},
	{NO_LOG, "archive-get"},
};

void
conf_question_make(int index, const char *program, const char *path, const char *stanza,
				   ConfQuestion *question)
{
	int count = 0;

	strbuf_init(&question->own[0]);
	strbuf_init(&question->own[1]);
	strbuf_printf(&question->own[0], "--config=%s", path);
	strbuf_printf(&question->own[1], "--stanza=%s", stanza);
	question->argv[count++] = program;
	question->argv[count++] = question->own[0].data;
	question->argv[count++] = question->own[1].data;
	for (size_t i = 0; i < LENGTH(commands[index]) && commands[index][i]; i++)
		question->argv[count++] = commands[index][i];
	question->argv[count] = NULL;
}

void
conf_question_done(ConfQuestion *question)
{
	strbuf_done(&question->own[0]);
	strbuf_done(&question->own[1]);
}

/* The exit codes with which a command that likes the file ends: a parameter is required, and it is
 * to be run on another host. */
static const int fine[] = {43, 72};

static bool
is_fine(int code, const char *words)
{
	for (size_t i = 0; i < LENGTH(fine); i++)
	{
		if (code == fine[i])
			return true;
	}
	return strstr(words, CONF_JUDGE_NOWHERE) != NULL;
}

/* "backup command requires option: repo1-s3-key": the option, if it may come from elsewhere. */
static const char *
missing_option(const char *words)
{
	static const char mark[] = " command requires option: ";
	const char *at = strstr(words, mark);
	const char *option = at ? at + strlen(mark) : NULL;

	return option && (pgbr_is_secret_option(option) || strcmp(option, "pg1-path") == 0) ? option
																						: NULL;
}

/* The same of two commands is one finding. */
static const char *
without_command(const char *words)
{
	static const char mark[] = " command ";
	const char *at = strstr(words, mark);

	return at && strcspn(words, " ") == (size_t) (at - words) ? at + strlen(mark) : words;
}

static void
conf_judge_add(PgbrError *list, int *count, const char *form, const char *words, const char *hint)
{
	char text[800];
	PgbrError *finding = &list[*count];

	for (int i = 0; i < *count; i++)
	{
		const char *known = strstr(list[i].message, ": ");

		if (known && strcmp(without_command(known + 2), without_command(words)) == 0)
			return;
	}
	if (*count == CONF_CHECK_MAX)
		return;
	(*count)++;
	*finding = (PgbrError) PGBR_ERROR_INIT;
	snprintf(text, sizeof(text), "%s: %s", form, words);
	pgbr_error_set(finding, PGBR_ERROR_CONFIG, "%s", text);
	pgbr_error_hint(finding, "%s", hint);
}

static void
conf_judge_line(const char *line, size_t length, ConfFindings *findings,
				char missing[CONF_OPTION_SIZE])
{
	char words[700];
	size_t begin;
	const char *level = pgbackrest_log_level(line, length, &begin);
	const char *text;
	const char *option;
	int code = 0;

	if (level == NULL)
		return;
	snprintf(words, sizeof(words), "%.*s", (int) (length - begin), line + begin);
	text = words;
	/* "[032]: text" */
	if (sscanf(words, "[%3d]: ", &code) == 1 && strstr(words, "]: ") == words + 4)
		text += strlen("[032]: ");
	option = missing_option(text);
	if (is_fine(code, text))
		return;
	if (option)
		pgbr_copy_text(missing, CONF_OPTION_SIZE, option);
	else if (strcmp(level, "ERROR") == 0)
		conf_judge_add(findings->problems, &findings->problem_count, "pgbackrest refuses the file",
					   text,
					   "pgbackrest stops at the first mistake of a command; check the file again "
					   "when it is mended.");
	else if (strcmp(level, "WARN") == 0 && strstr(text, "environment contains") == NULL)
		conf_judge_add(findings->warnings, &findings->warning_count, "pgbackrest warns", text,
					   "What it warns of, it does not use.");
}

void
conf_judge_read(const char *text, ConfFindings *findings, char missing[CONF_OPTION_SIZE])
{
	while (*text)
	{
		size_t length = strcspn(text, "\n");

		conf_judge_line(text, length, findings, missing);
		text += length + (text[length] == '\n');
	}
}
