/*
 * fuzz_json.h
 *		Mutations of JSON that keep it JSON, for fuzzers of what reads it: values are replaced by
 *		others, also from elsewhere in the document, left out, repeated, or changed byte by byte.
 *
 * The document begins at the first brace or bracket of the input; what stands before it, a line
 * that says what it is, mostly stays as it is. Include it once, in the fuzzer.
 */
#ifndef PGBR_TEST_FUZZ_JSON_H
#define PGBR_TEST_FUZZ_JSON_H

#include "fuzz.h"

#include <jansson.h>
#include <stdbool.h>

extern size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);
extern size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned int seed);

/* What readers stumble over. */
static const char *const fuzz_values[] = {
	"null",
	"true",
	"false",
	"0",
	"-1",
	"1",
	"16777216",
	"2147483648",
	"4294967295",
	"4294967296",
	"253402300800",
	"9223372036854775807",
	"-9223372036854775808",
	"1e308",
	"-0.5",
	"[]",
	"{}",
	"[[]]",
	"\"\"",
	"\"-x\"",
	"\"../../../../etc\"",
	"\"a\\nb\"",
	"\"\\u001b[2J\"",
	"\"\\u202e\\u009b\"",
	"\"'\\\"\\\\$(x)`;|%p\"",
	"\"15-1\"",
	"\"0/0\"",
	"\"FFFFFFFF/FFFFFFFF\"",
	"\"000000010000000000000001\"",
	"\"FFFFFFFFFFFFFFFFFFFFFFFF\"",
	"\"20261122-100000F\"",
	"\"20261122-100000F_20261122-110000D\"",
	"\"9999-12-31T23:59:59.999Z\"",
	"\"18446744073709551615\"",
	"\"http://[::1]:8008/patroni\"",
};

typedef struct FuzzPlace
{
	json_t *holder; /* object or array; NULL: the whole */
	const char *key;
	size_t index;
	json_t *value;
} FuzzPlace;

/* The place of the number *left in a walk through the document; counts *left down. */
static bool
fuzz_find(json_t *holder, size_t *left, FuzzPlace *place)
{
	const char *key;
	size_t index;
	json_t *value;

	if (json_is_object(holder))
	{
		json_object_foreach(holder, key, value)
		{
			*place = (FuzzPlace){holder, key, 0, value};
			if ((*left)-- == 0 || fuzz_find(value, left, place))
				return true;
		}
	}
	json_array_foreach(holder, index, value)
	{
		*place = (FuzzPlace){holder, NULL, index, value};
		if ((*left)-- == 0 || fuzz_find(value, left, place))
			return true;
	}
	return false;
}

static bool
fuzz_pick(json_t *document, unsigned int random, FuzzPlace *place)
{
	size_t most = SIZE_MAX;
	size_t count;

	fuzz_find(document, &most, place);
	count = SIZE_MAX - most;
	if (count == 0)
		return false;
	count = random % count;
	return fuzz_find(document, &count, place);
}

static void
fuzz_put(const FuzzPlace *place, json_t *value)
{
	if (place->key)
		json_object_set_new(place->holder, place->key, value);
	else
		json_array_set_new(place->holder, place->index, value);
}

static json_t *
fuzz_bytes(const json_t *text)
{
	uint8_t bytes[512];
	size_t length = json_string_length(text);
	json_t *changed;

	if (length > sizeof(bytes) / 2)
		length = sizeof(bytes) / 2;
	memcpy(bytes, json_string_value(text), length);
	length = LLVMFuzzerMutate(bytes, length, sizeof(bytes));
	changed = json_stringn((const char *) bytes, length);
	return changed ? changed : json_string("?");
}

static void
fuzz_change(json_t *document, unsigned int seed)
{
	FuzzPlace place;
	FuzzPlace other;

	if (!fuzz_pick(document, seed / 64, &place))
		return;
	switch (seed % 8)
	{
		case 0:
			if (place.key)
				json_object_del(place.holder, place.key);
			else
				json_array_remove(place.holder, place.index);
			break;
		case 1:
			if (place.key == NULL)
				json_array_insert_new(place.holder, place.index, json_deep_copy(place.value));
			break;
		case 2:
		case 3:
			if (fuzz_pick(document, seed / 512, &other))
				fuzz_put(&place, json_deep_copy(other.value));
			break;
		case 4:
		case 5:
			if (json_is_string(place.value))
				fuzz_put(&place, fuzz_bytes(place.value));
			else if (json_is_integer(place.value))
				fuzz_put(&place,
						 json_integer((json_int_t) ((uint64_t) json_integer_value(place.value) +
													seed / 8 % 5 - 2)));
			break;
		default:
			fuzz_put(
				&place,
				json_loads(fuzz_values[seed / 8 % (sizeof(fuzz_values) / sizeof(fuzz_values[0]))],
						   JSON_DECODE_ANY, NULL));
			break;
	}
}

size_t
LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned int seed)
{
	size_t begin = 0;
	size_t length;
	json_t *document;
	char *text;

	while (begin < size && data[begin] != '{' && data[begin] != '[')
		begin++;
	document = json_loadb((const char *) data + begin, size - begin, 0, NULL);
	seed = seed * 2654435761u >> 3;
	if (document == NULL || seed % 16 == 0)
	{
		json_decref(document);
		return LLVMFuzzerMutate(data, size, max);
	}
	for (unsigned int i = 0; i <= seed / 16 % 3; i++)
		fuzz_change(document, (seed ^ i * 40503u) * 2246822519u >> 4);
	text = json_dumps(document, JSON_COMPACT);
	json_decref(document);
	length = text ? strlen(text) : 0;
	if (length > 0 && begin + length <= max)
	{
		memcpy(data + begin, text, length);
		size = begin + length;
	}
	free(text);
	return size;
}

#endif
