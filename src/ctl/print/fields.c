/*
 * fields.c
 *		See fields.h.
 */
#include "ctl/print/fields.h"

#include "common/error.h"
#include "ctl/print/units.h"
#include "program/point_note.h"

#include <stdlib.h>
#include <string.h>

void
fields_init_table(Table *table, const Field *fields)
{
	table_init(table);
	for (; fields->column; fields++)
		table_add_column(table, fields->column,
						 fields->kind >= FIELD_NUMBER && fields->kind <= FIELD_SECONDS);
}

static const json_t *
find_member(const json_t *object, const char *path)
{
	char name[64];

	while (object && *path)
	{
		size_t length = strcspn(path, ".");

		pgbr_copy_text(name, sizeof(name), path);
		name[length] = '\0';
		object = json_object_get(object, name);
		path += length + (path[length] == '.');
	}
	return object;
}

static void
add_number(Table *table, FieldKind kind, const json_t *value, bool for_people)
{
	char text[UNIT_TEXT];
	long long number = json_integer_value(value);

	if (kind == FIELD_EPOCH)
		table_add(table, unit_time(text, sizeof(text), number));
	else if (kind == FIELD_SIZE && for_people)
		table_add(table, unit_size(text, sizeof(text), number));
	else if (kind == FIELD_SECONDS && for_people)
		table_add(table, unit_duration(text, sizeof(text), number));
	else
		table_addf(table, "%lld", number);
}

static void
add_pairs(Table *table, const json_t *object)
{
	StrBuf text;
	const char *key;
	json_t *value;

	strbuf_init(&text);
	json_object_foreach((json_t *) object, key, value)
	{
		/* a table has no room for hundreds of restore points */
		if (strncmp(key, POINT_NOTE_PREFIX, strlen(POINT_NOTE_PREFIX)) == 0)
			continue;
		strbuf_printf(&text, "%s%s=%s", text.length > 0 ? "\n" : "", key,
					  json_is_string(value) ? json_string_value(value) : "");
	}
	table_add(table, text.length > 0 ? text.data : NULL);
	table->failed |= text.failed;
	strbuf_done(&text);
}

void
fields_add_row(Table *table, const Field *fields, const json_t *object, bool for_people)
{
	for (; fields->column; fields++)
	{
		const json_t *value = find_member(object, fields->member);

		if (fields->kind == FIELD_PERCENT && json_is_number(value))
			table_addf(table, "%.1f", json_number_value(value));
		else if (fields->kind == FIELD_FLAG && json_is_boolean(value))
			table_add(table, json_is_true(value) ? "t" : "f");
		else if (fields->kind == FIELD_PAIRS && json_is_object(value))
			add_pairs(table, value);
		else if (fields->kind == FIELD_TEXT)
			table_add(table, json_string_value(value));
		else if (json_is_integer(value))
			add_number(table, fields->kind, value, for_people);
		else
			table_add(table, NULL);
	}
}
