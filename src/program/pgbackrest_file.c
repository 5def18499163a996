/*
 * pgbackrest_file.c
 *		See pgbackrest_file.h.
 */
#include "program/pgbackrest_file.h"

#include "common/memory.h"
#include "common/vocabulary.h"

#include <stdlib.h>
#include <string.h>

#define BLANKS " \t\r\n"

/* A part of a line, without blanks around it. */
typedef struct Part
{
	const char *text;
	size_t length;
} Part;

static Part
part_of(const char *text, size_t length)
{
	while (length > 0 && strchr(BLANKS, text[length - 1]))
		length--;
	while (length > 0 && strchr(BLANKS, *text))
	{
		text++;
		length--;
	}
	return (Part){text, length};
}

static bool
file_refuse(const char *name, int line, const char *reason, const char *hint, PgbrError *error)
{
	pgbr_error_set(error, PGBR_ERROR_CONFIG, "invalid configuration file \"%s\": %s", name, reason);
	pgbr_error_detail(error, "File \"%s\", line %d.", name, line);
	return pgbr_error_hint(error, "%s", hint);
}

static bool
file_out_of_memory(PgbrError *error)
{
	memory_note_refused();
	return pgbr_error_set(error, PGBR_ERROR_INTERNAL, "out of memory");
}

static bool
add_option(PgbackrestFile *file, Part section, Part name, Part value, int line, PgbrError *error)
{
	PgbackrestOption *option;
	PgbackrestOption *grown = memory_resize(file->options, (file->count + 1) * sizeof(*grown));

	if (grown == NULL)
		return file_out_of_memory(error);
	file->options = grown;
	option = &grown[file->count++];
	option->section = strndup(section.text, section.length);
	option->name = strndup(name.text, name.length);
	option->value = strndup(value.text, value.length);
	option->line = line;
	return (option->section && option->name && option->value) || file_out_of_memory(error);
}

static bool
read_line(PgbackrestFile *file, const char *name, Part line, int number, Part *section,
		  PgbrError *error)
{
	const char *equal = memchr(line.text, '=', line.length);
	Part option;
	Part value;

	if (line.length == 0 || line.text[0] == '#')
		return true;
	if (line.text[0] == '[')
	{
		if (line.text[line.length - 1] != ']')
			return file_refuse(
				name, number, "a section does not end with ]",
				"A section is a line of its own, such as [global], with nothing behind.", error);
		if (line.length == 2)
			return file_refuse(name, number, "a section has no name",
							   "A section is [global] or the name of a stanza in brackets.", error);
		*section = (Part){line.text + 1, line.length - 2};
		return true;
	}
	if (section->length == 0)
		return file_refuse(name, number, "an option stands before the first section",
						   "Put [global] or the name of a stanza in brackets before it.", error);
	if (equal == NULL)
		return file_refuse(name, number, "an option has no =", "Write option=value.", error);
	option = part_of(line.text, (size_t) (equal - line.text));
	value = part_of(equal + 1, (size_t) (line.text + line.length - equal - 1));
	if (option.length == 0)
		return file_refuse(name, number, "an option has no name", "Write option=value.", error);
	if (value.length == 0)
		return file_refuse(name, number, "an option has no value",
						   "Write option=value, or remove the line.", error);
	return add_option(file, *section, option, value, number, error);
}

bool
pgbackrest_file_add(PgbackrestFile *file, const char *name, const char *text, size_t length,
					PgbrError *error)
{
	Part section = {text, 0};
	size_t at = 0;

	for (int number = 1; at < length; number++)
	{
		const char *end = memchr(text + at, '\n', length - at);
		size_t line = end ? (size_t) (end - text) - at : length - at;

		if (memchr(text + at, '\0', line))
			return file_refuse(name, number, "a line holds a NUL character",
							   "This is not a file that pgbackrest can read.", error);
		if (!read_line(file, name, part_of(text + at, line), number, &section, error))
			return false;
		at += line + 1;
	}
	return true;
}

void
pgbackrest_file_done(PgbackrestFile *file)
{
	for (size_t i = 0; i < file->count; i++)
	{
		free(file->options[i].section);
		free(file->options[i].name);
		free(file->options[i].value);
	}
	free(file->options);
	*file = (PgbackrestFile) PGBACKREST_FILE_INIT;
}

/* True when the section is "stanza" or, with a command, "stanza:command". */
static bool
is_section(const char *section, const char *stanza, const char *command)
{
	size_t length = strlen(stanza);

	if (strncmp(section, stanza, length) != 0)
		return false;
	section += length;
	return command ? *section == ':' && strcmp(section + 1, command) == 0 : *section == '\0';
}

static const PgbackrestOption *
find_in(const PgbackrestFile *file, size_t from, const char *stanza, const char *command,
		const char *name)
{
	for (size_t i = from; i < file->count; i++)
	{
		const PgbackrestOption *option = &file->options[i];

		if (strcmp(option->name, name) == 0 && is_section(option->section, stanza, command))
			return option;
	}
	return NULL;
}

const PgbackrestOption *
pgbackrest_file_find(const PgbackrestFile *file, const char *stanza, const char *command,
					 const char *name)
{
	const char *const sections[][2] = {
		{command ? stanza : NULL, command},
		{stanza, NULL},
		{command ? "global" : NULL, command},
		{"global", NULL},
	};

	for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++)
	{
		const PgbackrestOption *found =
			sections[i][0] ? find_in(file, 0, sections[i][0], sections[i][1], name) : NULL;

		if (found)
			return found;
	}
	return NULL;
}

const PgbackrestOption *
pgbackrest_file_next(const PgbackrestFile *file, const PgbackrestOption *option)
{
	for (size_t i = (size_t) (option - file->options) + 1; i < file->count; i++)
	{
		if (strcmp(file->options[i].section, option->section) == 0 &&
			strcmp(file->options[i].name, option->name) == 0)
			return &file->options[i];
	}
	return NULL;
}

int
pgbackrest_option_repo(const char *name, const char **rest)
{
	char *end;
	long number;

	if (strncmp(name, "repo", 4) != 0 || name[4] < '1' || name[4] > '9')
		return 0;
	number = strtol(name + 4, &end, 10);
	if (*end != '-' || number > PGBR_REPO_MAX)
		return 0;
	if (rest)
		*rest = end + 1;
	return (int) number;
}

/* The length of the stanza's name in a section; "global" is none. */
static size_t
stanza_length(const char *section)
{
	size_t length = strcspn(section, ":");

	return length == strlen("global") && strncmp(section, "global", length) == 0 ? 0 : length;
}

int
pgbackrest_file_last_repo(const PgbackrestFile *file, const char *stanza)
{
	int last = 0;

	for (size_t i = 0; i < file->count; i++)
	{
		const char *section = file->options[i].section;
		size_t length = stanza_length(section);
		int repo = pgbackrest_option_repo(file->options[i].name, NULL);

		if (repo > last && (length == 0 || (stanza && strlen(stanza) == length &&
											strncmp(section, stanza, length) == 0)))
			last = repo;
	}
	return last;
}

static bool
has_stanza(const PgbackrestFile *file, size_t count, const char *name, size_t length)
{
	for (size_t i = 0; i < count; i++)
	{
		const char *section = file->options[i].section;

		if (stanza_length(section) == length && strncmp(section, name, length) == 0)
			return true;
	}
	return false;
}

bool
pgbackrest_file_stanza(const PgbackrestFile *file, size_t *from, char *stanza, size_t size)
{
	while (*from < file->count)
	{
		size_t at = (*from)++;
		const char *section = file->options[at].section;
		size_t length = stanza_length(section);

		if (length > 0 && length < size && !has_stanza(file, at, section, length))
		{
			memcpy(stanza, section, length);
			stanza[length] = '\0';
			return true;
		}
	}
	return false;
}
