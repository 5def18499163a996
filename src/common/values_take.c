/*
 * values_take.c
 *		See values_take.h.
 */
#include "common/values_take.h"

#include "common/problems.h"
#include "common/vocabulary.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_TEXT	  4096
#define MAX_ITEMS	  1000	  /* of a list or of configParams */
#define MAX_RETENTION 9999999 /* pgBackRest's own limit */

static bool
values_out_of_memory(ValuesReader *reader)
{
	return pgbr_error_set(reader->yaml.error, PGBR_ERROR_INTERNAL, "out of memory");
}

PgbrError *
values_problem(ValuesReader *reader, const char *format, ...)
{
	PgbrValues *values = reader->values;
	PgbrError *problem =
		pgbr_problems_add(&values->problems, &values->problem_count, PGBR_VALUES_MAX_PROBLEMS);
	char text[800];
	va_list arguments;

	if (problem == NULL)
		return NULL;
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	pgbr_error_set(problem, PGBR_ERROR_CONFIG, "invalid values file \"%s\": %s", reader->yaml.name,
				   text);
	yaml_reader_place(&reader->yaml, problem);
	return problem;
}

bool
values_wrong_type(ValuesReader *reader, const KeySpec *spec, const char *expected, const char *hint)
{
	PgbrError *problem;

	if (reader->yaml.event.type == YAML_ALIAS_EVENT)
	{
		problem = values_problem(reader, "\"%s.%s\" has an alias", SECTION, spec->path);
		pgbr_error_hint(problem, "Write the value out.");
	}
	else
	{
		problem = values_problem(reader, "\"%s.%s\" is not %s", SECTION, spec->path, expected);
		pgbr_error_hint(problem, "%s", hint);
	}
	return yaml_reader_skip(&reader->yaml);
}

bool
values_take_each(ValuesReader *reader, ValuesTake take, const KeySpec *spec, void *target)
{
	for (;;)
	{
		if (!yaml_reader_next(&reader->yaml))
			return false;
		if (reader->yaml.event.type == YAML_MAPPING_END_EVENT ||
			reader->yaml.event.type == YAML_SEQUENCE_END_EVENT)
			return true;
		if (!take(reader, spec, target))
			return false;
	}
}

PgbrValuesPlace
values_place(const ValuesReader *reader)
{
	yaml_mark_t mark = reader->yaml.event.start_mark;

	return (PgbrValuesPlace){(int) mark.line + 1, (int) mark.column + 1};
}

bool
values_take_text(ValuesReader *reader, const KeySpec *spec, void *target)
{
	const yaml_event_t *event = &reader->yaml.event;
	const char *text = yaml_reader_text(event);
	PgbrValuesText *value = target;
	PgbrError *problem;

	value->place = values_place(reader);
	if (text == NULL)
		return values_wrong_type(reader, spec, "a text", "Write one text, without NUL characters.");
	if ((yaml_reader_is_number(event) && !spec->numbers) || yaml_reader_is_true(event) ||
		yaml_reader_is_false(event))
		return values_wrong_type(reader, spec, "a text", "Put the value in quotes.");
	if (!pgbr_is_plain_text(text, MAX_TEXT))
	{
		problem = values_problem(reader, "\"%s.%s\" is too long or holds control characters",
								 SECTION, spec->path);
		pgbr_error_hint(problem, "Write it on one line of at most %d bytes.", MAX_TEXT);
		return true;
	}
	if (spec->check && !spec->check(text))
	{
		problem = spec->is_secret
					  ? values_problem(reader, "invalid value for \"%s.%s\"", SECTION, spec->path)
					  : values_problem(reader, "invalid value \"%.100s\" for \"%s.%s\"", text,
									   SECTION, spec->path);
		pgbr_error_hint(problem, "%s", spec->rule);
		return true;
	}
	value->text = strdup(text);
	return value->text || values_out_of_memory(reader);
}

/* Room for one more item behind count, zeroed; NULL when out of memory. */
static void *
grow(void *items, size_t count, size_t size)
{
	char *grown = realloc(items, (count + 1) * size);

	if (grown)
		memset(grown + count * size, 0, size);
	return grown;
}

static bool
has_room(ValuesReader *reader, const KeySpec *spec, size_t count)
{
	if (count < MAX_ITEMS)
		return true;
	pgbr_error_hint(values_problem(reader, "\"%s.%s\" has too many items", SECTION, spec->path),
					"The limit is %d.", MAX_ITEMS);
	return false;
}

static bool
take_item(ValuesReader *reader, const KeySpec *spec, void *target)
{
	PgbrValuesList *list = target;
	PgbrValuesText *items;

	if (yaml_reader_is_unset(&reader->yaml.event))
		return true;
	if (!has_room(reader, spec, list->count))
		return yaml_reader_skip(&reader->yaml);
	items = grow(list->items, list->count, sizeof(PgbrValuesText));
	if (items == NULL)
		return values_out_of_memory(reader);
	list->items = items;
	if (!values_take_text(reader, spec, &items[list->count]))
		return false;
	list->count += items[list->count].text != NULL;
	return true;
}

bool
values_take_list(ValuesReader *reader, const KeySpec *spec, void *target)
{
	if (reader->yaml.event.type != YAML_SEQUENCE_START_EVENT)
		return values_wrong_type(reader, spec, "a list", "Write each item behind a dash.");
	return values_take_each(reader, take_item, spec, target);
}

bool
values_take_count(ValuesReader *reader, const KeySpec *spec, void *target)
{
	const yaml_event_t *event = &reader->yaml.event;
	long number;

	if (!yaml_reader_is_digits(event))
		return values_wrong_type(reader, spec, "a whole number",
								 "Write a number from 1 to 9999999, without quotes.");
	number = strtol(yaml_reader_text(event), NULL, 10);
	if (number >= 1 && number <= MAX_RETENTION)
		*(int *) target = (int) number;
	else
		pgbr_error_hint(values_problem(reader, "\"%s.%s\" is out of range", SECTION, spec->path),
						"Write a number from 1 to %d, or leave the key out to keep everything.",
						MAX_RETENTION);
	return true;
}

bool
values_take_flag(ValuesReader *reader, const KeySpec *spec, void *target)
{
	bool is_true = yaml_reader_is_true(&reader->yaml.event);

	if (!is_true && !yaml_reader_is_false(&reader->yaml.event))
		return values_wrong_type(reader, spec, "a boolean", "Write true or false, without quotes.");
	*(bool *) target = is_true;
	return true;
}

static bool
add_param(ValuesReader *reader, const KeySpec *spec, const char *name, const char *value)
{
	PgbrValues *values = reader->values;
	PgbrValuesParam *param;

	if (*value == '\0' || !pgbr_is_plain_text(value, MAX_TEXT))
	{
		pgbr_error_hint(values_problem(reader, "invalid value of option \"%s\" in \"%s.%s\"", name,
									   SECTION, spec->path),
						"Write it on one line of at most %d bytes.", MAX_TEXT);
		return true;
	}
	if (pgbr_is_secret_option(name) && !pgbr_is_secret(value))
	{
		pgbr_error_hint(values_problem(reader, "invalid value of option \"%s\" in \"%s.%s\"", name,
									   SECTION, spec->path),
						"%s", PGBR_SECRET_RULE);
		return true;
	}
	if (!has_room(reader, spec, values->param_count))
		return true;
	param = grow(values->params, values->param_count, sizeof(PgbrValuesParam));
	if (param == NULL)
		return values_out_of_memory(reader);
	values->params = param;
	param += values->param_count++;
	param->name = strdup(name);
	param->value = strdup(value);
	param->place = values_place(reader);
	return (param->name && param->value) || values_out_of_memory(reader);
}

/* One value of the option whose name is the target. Any scalar will do. */
static bool
take_param_value(ValuesReader *reader, const KeySpec *spec, void *target)
{
	const yaml_event_t *event = &reader->yaml.event;
	const char *text = yaml_reader_text(event);

	if (text == NULL)
		return values_wrong_type(reader, spec, "a mapping of options to texts or lists of texts",
								 "Write each as \"option: value\".");
	if (yaml_reader_is_true(event) || yaml_reader_is_false(event))
		return values_wrong_type(reader, spec, "made of pgBackRest's values",
								 "pgBackRest's booleans are y and n.");
	return yaml_reader_is_unset(event) || add_param(reader, spec, target, text);
}

static bool
has_param(const PgbrValues *values, const char *name)
{
	for (size_t i = 0; i < values->param_count; i++)
	{
		if (strcmp(values->params[i].name, name) == 0)
			return true;
	}
	return false;
}

/* "option: value" or "option: [value, value]". */
static bool
take_param(ValuesReader *reader, const KeySpec *spec, void *target)
{
	const char *text = yaml_reader_text(&reader->yaml.event);
	char name[PGBR_OPTION_NAME_MAX + 1] = "";

	(void) target;
	if (text == NULL || !pgbr_is_option_name(text))
	{
		if (!values_wrong_type(reader, spec, "made of pgBackRest's options",
							   "Write pgBackRest's own names, such as compress-level."))
			return false;
	}
	else if (has_param(reader->values, text))
		pgbr_error_hint(values_problem(reader, "option \"%s\" is there twice in \"%s.%s\"", text,
									   SECTION, spec->path),
						"The first one counts; several values of an option are a list.");
	else
		strcpy(name, text);
	if (!yaml_reader_next(&reader->yaml))
		return false;
	if (name[0] == '\0')
		return yaml_reader_skip(&reader->yaml);
	if (reader->yaml.event.type == YAML_SEQUENCE_START_EVENT)
		return values_take_each(reader, take_param_value, spec, name);
	return take_param_value(reader, spec, name);
}

/* "option=value". */
static bool
take_param_line(ValuesReader *reader, const KeySpec *spec, void *target)
{
	const char *text = yaml_reader_text(&reader->yaml.event);
	size_t length = text ? strcspn(text, "=") : 0;
	char name[PGBR_OPTION_NAME_MAX + 1] = "";

	(void) target;
	if (text && length < sizeof(name))
		memcpy(name, text, length);
	if (text == NULL || text[length] == '\0' || !pgbr_is_option_name(name))
		return values_wrong_type(
			reader, spec, "made of pgBackRest's options",
			"Write the items as \"option=value\", with pgBackRest's own names.");
	return add_param(reader, spec, name, text + length + 1);
}

/* A mapping of options, or a list of "option=value" as pgskipper has it. */
bool
values_take_params(ValuesReader *reader, const KeySpec *spec, void *target)
{
	if (reader->yaml.event.type == YAML_MAPPING_START_EVENT)
		return values_take_each(reader, take_param, spec, target);
	if (reader->yaml.event.type == YAML_SEQUENCE_START_EVENT)
		return values_take_each(reader, take_param_line, spec, target);
	return values_wrong_type(reader, spec, "a mapping of options to values",
							 "Write each as \"option: value\".");
}
