/*
 * options.c
 *		See options.h. Not getopt_long: its errors go to stderr in its own words, and a table of its
 *		kind would have to be written beside ours.
 */
#include "program/options.h"

#include "common/vocabulary.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define MAX_OPTIONS 64

static bool
set_count(const OptionSpec *spec, const char *name, const char *value, PgbrError *error)
{
	char *end;
	long number;

	errno = 0;
	number = strtol(value, &end, 10);
	if (end == value || *end != '\0' || errno != 0 || number < spec->minimum ||
		number > spec->maximum)
		return pgbr_error_set(
			error, PGBR_ERROR_CONFIG,
			"invalid value \"%s\" for %s: it must be a whole number from %d to %d", value, name,
			spec->minimum, spec->maximum);
	*(int *) spec->target = (int) number;
	return true;
}

static bool
set_text(const OptionSpec *spec, const char *name, const char *value, PgbrError *error)
{
	OptionList *list = spec->target;

	/* it may be shown in JSON, and in a message that is */
	if (!pgbr_is_utf8(value, strlen(value)))
		return pgbr_error_set(error, PGBR_ERROR_CONFIG, "value of %s is not valid UTF-8", name);
	if (!spec->repeats)
	{
		*(const char **) spec->target = value;
		return true;
	}
	if (list->count == (int) (sizeof(list->values) / sizeof(list->values[0])))
		return pgbr_error_set(error, PGBR_ERROR_CONFIG, "too many values for %s", name);
	list->values[list->count++] = value;
	return true;
}

static bool
set_flag_from_environment(const OptionSpec *spec, const char *value, PgbrError *error)
{
	static const char *const yes[] = {"1", "on", "true", "yes"};
	static const char *const no[] = {"0", "off", "false", "no"};

	for (int i = 0; i < 4; i++)
	{
		if (strcasecmp(value, yes[i]) == 0 || strcasecmp(value, no[i]) == 0)
		{
			*(bool *) spec->target = strcasecmp(value, yes[i]) == 0;
			return true;
		}
	}
	return pgbr_error_set(error, PGBR_ERROR_CONFIG, "invalid value \"%s\" for %s: use on or off",
						  value, spec->environment);
}

static bool
set_value(const OptionSpec *spec, const char *name, const char *value, PgbrError *error)
{
	return spec->kind == OPTION_COUNT ? set_count(spec, name, value, error)
									  : set_text(spec, name, value, error);
}

static bool
read_environment(const OptionSpec *specs, PgbrError *error)
{
	for (const OptionSpec *spec = specs; spec->name; spec++)
	{
		const char *value = spec->environment ? getenv(spec->environment) : NULL;

		if (value == NULL || value[0] == '\0')
			continue;
		if (spec->kind == OPTION_FLAG ? !set_flag_from_environment(spec, value, error)
									  : !set_value(spec, spec->environment, value, error))
			return false;
	}
	return true;
}

static const OptionSpec *
option_find(const OptionSpec *specs, const char *word, size_t length)
{
	for (const OptionSpec *spec = specs; spec->name; spec++)
	{
		if (strlen(spec->name) == length && strncmp(spec->name, word, length) == 0)
			return spec;
	}
	return NULL;
}

static const OptionSpec *
find_letter(const OptionSpec *specs, char letter)
{
	for (const OptionSpec *spec = specs; spec->name; spec++)
	{
		if (spec->letter == letter)
			return spec;
	}
	return NULL;
}

/* Take one option at argv[*at]; *at moves on over a value that is an argument of its own. */
static bool
take_option(const OptionSpec *specs, int argc, char **argv, int *at, bool *seen, PgbrError *error)
{
	const char *word = argv[*at];
	bool is_long = word[1] == '-';
	size_t length = is_long ? strcspn(word + 2, "=") : 1;
	const OptionSpec *spec =
		is_long ? option_find(specs, word + 2, length) : find_letter(specs, word[1]);
	const char *value = is_long && word[2 + length] == '=' ? word + 3 + length
						: !is_long && word[2] != '\0'	   ? word + 2
														   : NULL;
	char name[64];

	snprintf(name, sizeof(name), "%.*s", (int) (is_long ? length + 2 : 2), word);
	if (spec == NULL)
		pgbr_error_set(error, PGBR_ERROR_CONFIG, "unrecognized option \"%s\"", name);
	else if (spec->kind == OPTION_FLAG && value)
		pgbr_error_set(error, PGBR_ERROR_CONFIG, "option \"%s\" takes no value", name);
	else if (seen[spec - specs] && !spec->repeats)
		pgbr_error_set(error, PGBR_ERROR_CONFIG, "option \"%s\" is given twice", name);
	else if (spec->kind != OPTION_FLAG && value == NULL && *at + 1 >= argc)
		pgbr_error_set(error, PGBR_ERROR_CONFIG, "option \"%s\" wants a value", name);
	else
	{
		/* what the environment listed is replaced, not added to */
		if (spec->repeats && !seen[spec - specs])
			((OptionList *) spec->target)->count = 0;
		seen[spec - specs] = true;
		if (spec->kind == OPTION_FLAG)
		{
			*(bool *) spec->target = true;
			return true;
		}
		return set_value(spec, name, value ? value : argv[++*at], error);
	}
	return pgbr_error_hint(error, "Try \"--help\" for the options there are.");
}

bool
options_parse(const OptionSpec *specs, int argc, char **argv, int *operands, PgbrError *error)
{
	bool seen[MAX_OPTIONS] = {false};
	bool only_operands = false;
	int count = 0;

	while (specs[count].name)
		count++;
	if (count > MAX_OPTIONS)
		return pgbr_error_set(error, PGBR_ERROR_INTERNAL, "more than %d options", MAX_OPTIONS);
	*operands = 0;
	if (!read_environment(specs, error))
		return false;
	for (int at = 1; at < argc; at++)
	{
		if (only_operands || argv[at][0] != '-' || argv[at][1] == '\0')
			argv[1 + (*operands)++] = argv[at];
		else if (strcmp(argv[at], "--") == 0)
			only_operands = true;
		else if (!take_option(specs, argc, argv, &at, seen, error))
			return false;
	}
	return true;
}

void
options_print(FILE *out, const OptionSpec *specs)
{
	for (const OptionSpec *spec = specs; spec->name; spec++)
	{
		char left[64];

		snprintf(left, sizeof(left), "%c%c%s --%s%s%s", spec->letter ? '-' : ' ',
				 spec->letter ? spec->letter : ' ', spec->letter ? "," : " ", spec->name,
				 spec->argument ? "=" : "", spec->argument ? spec->argument : "");
		fprintf(out, "  %-34s %s", left, spec->help);
		if (spec->environment)
			fprintf(out, " [%s]", spec->environment);
		fputc('\n', out);
	}
}
