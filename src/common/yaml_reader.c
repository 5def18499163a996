/*
 * yaml_reader.c
 *		See yaml_reader.h. The words of null and booleans are those of Helm's YAML 1.1.
 */
#include "common/yaml_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_DIRECTIVES 100

static bool
yaml_out_of_memory(PgbrError *error)
{
	return pgbr_error_set(error, PGBR_ERROR_INTERNAL, "out of memory");
}

static bool
read_all(int file, size_t limit, char **data, size_t *length)
{
	ssize_t got = 1;

	while (got != 0 && *length <= limit)
	{
		got = read(file, *data + *length, limit + 1 - *length);
		if (got < 0 && errno != EINTR)
			return false;
		*length += got > 0 ? (size_t) got : 0;
	}
	return true;
}

/* Opened without waiting: a pipe of that name must not stop the caller. */
bool
yaml_reader_load(const char *path, size_t limit, char **data, size_t *length, PgbrError *error)
{
	int file = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	struct stat status;
	bool ok = false;

	*data = NULL;
	*length = 0;
	if (file < 0 || fstat(file, &status) != 0)
		pgbr_error_set(error, PGBR_ERROR_CONFIG, "could not open file \"%s\": %s", path,
					   strerror(errno));
	else if (!S_ISREG(status.st_mode))
		pgbr_error_set(error, PGBR_ERROR_CONFIG, "file \"%s\" is not a regular file", path);
	else if ((*data = malloc(limit + 1)) == NULL)
		yaml_out_of_memory(error);
	else if (!read_all(file, limit, data, length))
		pgbr_error_set(error, PGBR_ERROR_CONFIG, "could not read file \"%s\": %s", path,
					   strerror(errno));
	else if (*length > limit)
		pgbr_error_set(error, PGBR_ERROR_CONFIG, "file \"%s\" is larger than %zu bytes", path,
					   limit);
	else
		ok = true;
	if (file >= 0)
		close(file);
	return ok;
}

/*
 * libyaml compares each %TAG directive with all before it: a file full of them would take seconds.
 */
static bool
has_many_directives(const char *data, size_t length)
{
	const char *end = data + length;
	int count = 0;

	while (data < end && (data = memmem(data, (size_t) (end - data), "%TAG", 4)) != NULL)
	{
		if (++count > MAX_DIRECTIVES)
			return true;
		data += 4;
	}
	return false;
}

bool
yaml_reader_init(YamlReader *reader, const char *name, const char *data, size_t length,
				 PgbrError *error)
{
	memset(reader, 0, sizeof(*reader));
	reader->name = name;
	reader->error = error;
	if (!yaml_parser_initialize(&reader->parser))
		return yaml_out_of_memory(error);
	if (has_many_directives(data, length))
		return pgbr_error_set(error, PGBR_ERROR_CONFIG,
							  "values file \"%s\" has more than %d %%TAG directives", name,
							  MAX_DIRECTIVES);
	yaml_parser_set_input_string(&reader->parser, (const unsigned char *) data, length);
	return true;
}

void
yaml_reader_done(YamlReader *reader)
{
	yaml_event_delete(&reader->event);
	yaml_parser_delete(&reader->parser);
}

static bool
place(const YamlReader *reader, yaml_mark_t mark, PgbrError *error)
{
	return pgbr_error_detail(error, "File \"%s\", line %zu, column %zu.", reader->name,
							 mark.line + 1, mark.column + 1);
}

bool
yaml_reader_place(const YamlReader *reader, PgbrError *error)
{
	return place(reader, reader->event.start_mark, error);
}

static bool
parser_failed(YamlReader *reader)
{
	const yaml_parser_t *parser = &reader->parser;

	if (parser->error == YAML_MEMORY_ERROR)
		return yaml_out_of_memory(reader->error);
	pgbr_error_set(reader->error, PGBR_ERROR_CONFIG, "values file \"%s\" is not YAML: %s",
				   reader->name, parser->problem ? parser->problem : "unknown reason");
	pgbr_error_hint(reader->error, "Indent with blanks, not tabs, and put texts with special "
								   "characters, such as schedules, in quotes.");
	/* bytes that are not text are found before lines are counted */
	if (parser->error == YAML_READER_ERROR)
		return pgbr_error_detail(reader->error, "File \"%s\", byte %zu.", reader->name,
								 parser->problem_offset);
	return place(reader, parser->problem_mark, reader->error);
}

bool
yaml_reader_next(YamlReader *reader)
{
	yaml_event_delete(&reader->event);
	if (!yaml_parser_parse(&reader->parser, &reader->event))
		return parser_failed(reader);
	switch (reader->event.type)
	{
		case YAML_MAPPING_START_EVENT:
		case YAML_SEQUENCE_START_EVENT:
			if (++reader->depth <= YAML_READER_MAX_DEPTH)
				return true;
			pgbr_error_set(reader->error, PGBR_ERROR_CONFIG,
						   "values file \"%s\" is nested more than %d levels deep", reader->name,
						   YAML_READER_MAX_DEPTH);
			return yaml_reader_place(reader, reader->error);
		case YAML_MAPPING_END_EVENT:
		case YAML_SEQUENCE_END_EVENT:
			reader->depth--;
			return true;
		default:
			return true;
	}
}

bool
yaml_reader_skip(YamlReader *reader)
{
	int outside = reader->depth - 1;

	if (reader->event.type != YAML_MAPPING_START_EVENT &&
		reader->event.type != YAML_SEQUENCE_START_EVENT)
		return true;
	while (reader->depth > outside)
	{
		if (!yaml_reader_next(reader))
			return false;
	}
	return true;
}

const char *
yaml_reader_text(const yaml_event_t *event)
{
	const char *text = (const char *) event->data.scalar.value;

	if (event->type != YAML_SCALAR_EVENT || strlen(text) != event->data.scalar.length)
		return NULL;
	return text;
}

/* The text of a scalar whose type depends on how it looks; NULL for any other event. */
static const char *
plain_text(const yaml_event_t *event)
{
	const char *text = yaml_reader_text(event);

	if (text == NULL || event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE ||
		!event->data.scalar.plain_implicit)
		return NULL;
	return text;
}

static bool
is_one_of(const char *text, const char *const *words)
{
	for (; text && *words; words++)
	{
		if (strcmp(text, *words) == 0)
			return true;
	}
	return false;
}

bool
yaml_reader_is_unset(const yaml_event_t *event)
{
	static const char *const words[] = {"~", "null", "Null", "NULL", NULL};
	const char *text = yaml_reader_text(event);

	return text && (*text == '\0' || is_one_of(plain_text(event), words));
}

bool
yaml_reader_is_true(const yaml_event_t *event)
{
	static const char *const words[] = {"true", "True", "TRUE", "yes", "Yes",
										"YES",	"on",	"On",	"ON",  NULL};

	return is_one_of(plain_text(event), words);
}

bool
yaml_reader_is_false(const yaml_event_t *event)
{
	static const char *const words[] = {"false", "False", "FALSE", "no",  "No",
										"NO",	 "off",	  "Off",   "OFF", NULL};

	return is_one_of(plain_text(event), words);
}

#define DIGITS "0123456789"

bool
yaml_reader_is_digits(const yaml_event_t *event)
{
	const char *text = plain_text(event);

	return text && *text && text[strspn(text, DIGITS)] == '\0';
}

bool
yaml_reader_is_number(const yaml_event_t *event)
{
	const char *text = plain_text(event);
	size_t whole;
	size_t part = 0;

	if (text == NULL)
		return false;
	text += *text == '-' || *text == '+';
	if (text[0] == '0' && text[1] == 'x')
		return text[2] && text[2 + strspn(text + 2, DIGITS "abcdefABCDEF")] == '\0';
	whole = strspn(text, DIGITS);
	text += whole;
	if (*text == '.')
	{
		part = strspn(text + 1, DIGITS);
		text += 1 + part;
	}
	if (whole + part == 0)
		return false;
	if (*text == 'e' || *text == 'E')
	{
		text += text[1] == '-' || text[1] == '+' ? 2 : 1;
		if (*text == '\0')
			return false;
		text += strspn(text, DIGITS);
	}
	return *text == '\0';
}
