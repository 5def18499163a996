/*
 * json.c
 *		See json.h.
 */
#include "program/json.h"

#include "common/memory.h"

#include <stdlib.h>

#include "common/visible.h"

/* jansson goes 2048 levels deep, by recursion, which takes most of the stack of a small thread. */
#define MAX_DEPTH 64

/* An empty object of two bytes takes more than 200 in memory. */
#define MAX_VALUES 600000

typedef struct Shape
{
	int depth; /* the deepest that was met */
	int values;
} Shape;

/*
 * Counts as jansson reads, up to the first error in the text, where jansson ends, or past a limit.
 */
static Shape
read_shape(const char *text, size_t length)
{
	Shape shape = {0};
	int depth = 0;
	bool quoted = false;

	for (size_t i = 0; i < length && shape.depth <= MAX_DEPTH && shape.values <= MAX_VALUES; i++)
	{
		if (text[i] == '"')
			quoted = !quoted;
		else if (quoted && text[i] == '\\')
			i++;
		else if (!quoted && (text[i] == '[' || text[i] == '{'))
			depth++;
		else if (!quoted && (text[i] == ']' || text[i] == '}'))
			depth--;
		if (depth > shape.depth)
			shape.depth = depth;
		shape.values += !quoted && (text[i] == '[' || text[i] == '{' || text[i] == ',');
	}
	return shape;
}

void
json_watch_memory(void)
{
	json_set_alloc_funcs(memory_alloc, free);
}

json_t *
json_parse(const char *text, size_t length, PgbrError *error)
{
	json_error_t where;
	json_t *value;
	Shape shape = read_shape(text, length);

	if (shape.depth > MAX_DEPTH)
	{
		pgbr_error_set(error, PGBR_ERROR_BAD_REQUEST, "JSON is nested more than %d levels deep",
					   MAX_DEPTH);
		return NULL;
	}
	if (shape.values > MAX_VALUES)
	{
		pgbr_error_set(error, PGBR_ERROR_BAD_REQUEST, "JSON has more than %d values", MAX_VALUES);
		return NULL;
	}
	value = json_loadb(text, length, JSON_REJECT_DUPLICATES, &where);
	if (value == NULL)
		pgbr_error_set(error, PGBR_ERROR_BAD_REQUEST, "not valid JSON at line %d, column %d: %s",
					   where.line, where.column, where.text);
	return value;
}

const char *
json_text(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

long long
json_number(const json_t *object, const char *key, long long otherwise)
{
	const json_t *value = json_object_get(object, key);

	return json_is_integer(value) ? json_integer_value(value) : otherwise;
}

bool
json_flag(const json_t *object, const char *key)
{
	return json_is_true(json_object_get(object, key));
}

bool
json_put_text(json_t *object, const char *key, const char *text)
{
	json_t *value = text ? json_string(text) : NULL;

	return json_object_set_new(object, key, value ? value : json_null()) == 0;
}

static int
append(const char *data, size_t length, void *argument)
{
	StrBuf *buf = argument;

	/* jansson hands over whole characters, and escapes C0 alone */
	pgbr_put_visible_json(buf, data, length);
	return buf->failed ? -1 : 0;
}

bool
json_write(const json_t *value, StrBuf *buf)
{
	return json_dump_callback(value, append, buf,
							  JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15)) == 0;
}
