/*
 * conf_check.c
 *		See conf_check.h. What is wrong; the words are in conf_words.c.
 */
#include "ctl/conf/conf_check.h"

#include "common/vocabulary.h"
#include "ctl/conf/conf_params.h"
#include "program/pgbackrest_option.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

typedef struct Checker
{
	const PgbackrestFile *file;
	const char *name;
	ConfFindings *findings;
} Checker;

bool
conf_is_pgbackrest(const char *text, size_t length)
{
	size_t at = 0;

	while (at < length)
	{
		const char *end = memchr(text + at, '\n', length - at);
		size_t line = end ? (size_t) (end - text) - at : length - at;
		size_t blanks = 0;

		while (blanks < line && strchr(" \t\r", text[at + blanks]))
			blanks++;
		if (blanks < line && text[at + blanks] != '#')
			return text[at + blanks] == '[' ||
				   (memchr(text + at, '=', line) && memchr(text + at, ':', line) == NULL);
		at += line + 1;
	}
	return false;
}

/* Room for a finding about a line; NULL: there is no more. */
static PgbrError *conf_finding(Checker *checker, bool is_warning, int line, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

static PgbrError *
conf_finding(Checker *checker, bool is_warning, int line, const char *format, ...)
{
	ConfFindings *findings = checker->findings;
	int *count = is_warning ? &findings->warning_count : &findings->problem_count;
	PgbrError *finding = is_warning ? findings->warnings : findings->problems;
	char text[800];
	va_list arguments;

	if (*count == CONF_CHECK_MAX)
		return NULL;
	finding += (*count)++;
	*finding = (PgbrError) PGBR_ERROR_INIT;
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	pgbr_error_set(finding, PGBR_ERROR_CONFIG, "%s", text);
	if (line > 0)
		pgbr_error_detail(finding, "File \"%s\", line %d.", checker->name, line);
	return finding;
}

/* The commands that read options, of which a section may be. */
static bool
is_command(const char *name)
{
	static const char *const commands[] = {
		"annotate",	   "archive-get",	"archive-push",	 "backup",		   "check",
		"expire",	   "info",			"manifest",		 "repo-create",	   "repo-get",
		"repo-ls",	   "repo-put",		"repo-rm",		 "restore",		   "server",
		"server-ping", "stanza-create", "stanza-delete", "stanza-upgrade", "start",
		"stop",		   "verify",		"version"};

	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
	{
		if (strcmp(name, commands[i]) == 0)
			return true;
	}
	return false;
}

static bool
is_section(const char *section)
{
	char stanza[80];
	size_t length = strcspn(section, ":");

	if (length >= sizeof(stanza) || (section[length] == ':' && !is_command(section + length + 1)))
		return false;
	memcpy(stanza, section, length);
	stanza[length] = '\0';
	return pgbr_is_stanza(stanza);
}

static bool
is_global(const char *section)
{
	return strcmp(section, "global") == 0 || strncmp(section, "global:", 7) == 0;
}

static bool
is_twice(const PgbackrestFile *file, const PgbackrestOption *option)
{
	for (const PgbackrestOption *other = file->options; other < option; other++)
	{
		if (strcmp(other->name, option->name) == 0 && strcmp(other->section, option->section) == 0)
			return true;
	}
	return false;
}

static void
check_option(Checker *checker, const PgbackrestOption *option)
{
	const char *name = option->name;
	const char *value_hint = conf_value_hint(name, option->value);

	if (!pgbr_is_option_name(name))
		pgbr_error_hint(conf_finding(checker, true, option->line,
									 "pgbackrest ignores what is not an option's name"),
						"Names are made of small letters, digits and dashes.");
	else if (pgbackrest_is_old_option(name))
		pgbr_error_hint(
			conf_finding(checker, true, option->line,
						 "\"%s\" is the old name of an option, which only pgbackrest "
						 "understands",
						 name),
			"%s", conf_name_hint(name) ? conf_name_hint(name) : "Use the name that it has today.");
	else if (strncmp(name, "no-", 3) == 0 || strncmp(name, "reset-", 6) == 0 ||
			 strcmp(name, "stanza") == 0 || strncmp(name, "config", 6) == 0)
		pgbr_error_hint(conf_finding(checker, true, option->line,
									 "pgbackrest ignores option \"%s\" in its file", name),
						"%s", conf_name_hint(name) ? conf_name_hint(name) : "Remove it.");
	else if (strncmp(name, "pg", 2) == 0 && name[2] >= '0' && name[2] <= '9' &&
			 is_global(option->section))
		pgbr_error_hint(conf_finding(checker, true, option->line,
									 "pgbackrest ignores option \"%s\" in section [%s]", name,
									 option->section),
						"Put it into the stanza's section.");
	else if (value_hint)
		pgbr_error_hint(conf_finding(checker, false, option->line,
									 "invalid value \"%.100s\" of option \"%s\"", option->value,
									 name),
						"%s", value_hint);
	else if (!conf_is_list(name) && is_twice(checker->file, option))
		pgbr_error_hint(conf_finding(checker, false, option->line,
									 "option \"%s\" is twice in section [%s]", name,
									 option->section),
						"pgBackRest takes one value of it; remove one.");
}

/* The first option of a stanza of its name, with the number of any server before its ending; NULL:
 * there is none. */
static const PgbackrestOption *
find_of_stanza(const PgbackrestFile *file, const char *stanza, const char *ending)
{
	for (size_t i = 0; i < file->count; i++)
	{
		const PgbackrestOption *option = &file->options[i];
		size_t length = strcspn(option->section, ":");
		const char *name = option->name;

		if (length != strlen(stanza) || strncmp(option->section, stanza, length) != 0)
			continue;
		if (ending == NULL || (strncmp(name, "pg", 2) == 0 &&
							   strcmp(name + 2 + strspn(name + 2, "0123456789"), ending) == 0))
			return option;
	}
	return NULL;
}

/* One stanza has a server, and another none: it may be misspelt. */
static void
check_stanzas(Checker *checker)
{
	char stanza[80];
	char served[80] = "";
	size_t from = 0;

	while (pgbackrest_file_stanza(checker->file, &from, stanza, sizeof(stanza)))
	{
		if (served[0] == '\0' && find_of_stanza(checker->file, stanza, "-path"))
			strcpy(served, stanza);
	}
	from = 0;
	while (served[0] && pgbackrest_file_stanza(checker->file, &from, stanza, sizeof(stanza)))
	{
		if (pgbr_is_stanza(stanza) && !find_of_stanza(checker->file, stanza, "-path"))
			pgbr_error_hint(
				conf_finding(checker, true, find_of_stanza(checker->file, stanza, NULL)->line,
							 "section [%s] is of a stanza without a pg1-path", stanza),
				"What stands there applies to no other stanza: is it a typo of [%s]?", served);
	}
}

void
conf_check(const PgbackrestFile *file, const char *name, bool others_can_read,
		   ConfFindings *findings)
{
	Checker checker = {file, name, findings};
	const char *section = "global";

	*findings = (ConfFindings){.problem_count = 0};
	for (size_t i = 0; i < file->count; i++)
	{
		const PgbackrestOption *option = &file->options[i];

		if (strcmp(option->section, section) != 0 && !is_section(option->section))
			pgbr_error_hint(conf_finding(&checker, true, option->line,
										 "pgbackrest does not read section [%.100s]",
										 option->section),
							"A section is global or a stanza, with or without :COMMAND behind.");
		section = option->section;
		check_option(&checker, option);
		if (others_can_read && pgbr_is_secret_option(option->name))
		{
			pgbr_error_hint(conf_finding(&checker, true, option->line,
										 "\"%s\" is in a file that others can read", option->name),
							"Make it 0600, or put the secret into pgbackrest's environment.");
			others_can_read = false;
		}
	}
	check_stanzas(&checker);
}

/* The next section of a stanza; there is a warning about all other sections already. */
static bool
next_stanza(const PgbackrestFile *file, size_t *from, char *stanza, size_t size)
{
	while (pgbackrest_file_stanza(file, from, stanza, size))
	{
		if (pgbr_is_stanza(stanza))
			return true;
	}
	return false;
}

bool
conf_choose_stanza(const PgbackrestFile *file, const char *wanted, const char *otherwise,
				   char *stanza, size_t size, PgbrError *error)
{
	size_t from = 0;
	char other[80];

	if (wanted && !pgbr_is_stanza(wanted))
	{
		pgbr_error_set(error, PGBR_ERROR_CONFIG, "invalid value \"%.100s\" for --stanza", wanted);
		return pgbr_error_hint(error, "It is made of letters, digits, '.', '_' and '-'.");
	}
	pgbr_copy_text(stanza, size, wanted ? wanted : otherwise);
	if (wanted || !next_stanza(file, &from, other, sizeof(other)))
		return true;
	pgbr_copy_text(stanza, size, other);
	if (!next_stanza(file, &from, other, sizeof(other)))
		return true;
	pgbr_error_set(error, PGBR_ERROR_CONFIG,
				   "there are several stanzas, \"%s\" and \"%s\" among them", stanza, other);
	return pgbr_error_hint(error, "Choose one with --stanza.");
}
