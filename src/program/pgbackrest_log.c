/*
 * pgbackrest_log.c
 *		See pgbackrest_log.h.
 */
#include "program/pgbackrest_log.h"

#include <string.h>

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

/* "2026-11-30 08:15:00.123 ", which may be missing. */
static const char *
skip_time(const char *line, const char *end)
{
	static const char form[] = "0000-00-00 00:00:00.000 ";
	const char *at = line;

	for (size_t i = 0; i < sizeof(form) - 1; i++, at++)
	{
		if (at == end || (form[i] == '0' ? *at < '0' || *at > '9' : *at != form[i]))
			return line;
	}
	return at;
}

/* "P00   ", which may be missing, too. */
static const char *
skip_process(const char *line, const char *end)
{
	const char *at = line;

	if (at == end || *at != 'P')
		return line;
	for (at++; at < end && *at >= '0' && *at <= '9';)
		at++;
	if (at == line + 1 || at == end || *at != ' ')
		return line;
	while (at < end && *at == ' ')
		at++;
	return at;
}

const char *
pgbackrest_log_level(const char *text, size_t length, size_t *words)
{
	static const char *const levels[] = {"ASSERT", "ERROR", "WARN", "INFO",
										 "DETAIL", "DEBUG", "TRACE"};
	const char *end = text + length;
	const char *level = skip_process(skip_time(text, end), end);

	for (size_t i = 0; i < LENGTH(levels); i++)
	{
		size_t size = strlen(levels[i]);

		if ((size_t) (end - level) < size + 2 || memcmp(level, levels[i], size) != 0 ||
			memcmp(level + size, ": ", 2) != 0)
			continue;
		*words = (size_t) (level - text) + size + 2;
		return levels[i];
	}
	return NULL;
}

size_t
pgbackrest_log_length(const char *text, size_t length)
{
	size_t at = 0;

	while (at < length)
	{
		const char *line = text + at;
		const char *newline = memchr(line, '\n', length - at);
		const char *end = newline ? newline : text + length;
		size_t words;

		/* what belongs to the line before is indented */
		if (!pgbackrest_log_level(line, (size_t) (end - line), &words) && (at == 0 || *line != ' '))
			break;
		at = (size_t) (end - text) + (newline != NULL);
	}
	return at;
}
