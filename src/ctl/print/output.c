/*
 * output.c
 *		See output.h.
 */
#include "ctl/print/output.h"

#include "common/visible.h"
#include "ctl/print/text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <yaml.h>

#define JSON_INDENTATION 2

/* the digits that a double preserves, so 0.1 is printed as 0.1 */
#define REAL_DIGITS 15

static const char *const formats[] = {
	[OUTPUT_PRETTY] = "pretty",
	[OUTPUT_TSV] = "tsv",
	[OUTPUT_JSON] = "json",
	[OUTPUT_YAML] = "yaml",
};

bool
output_format_parse(const char *name, OutputFormat *format)
{
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
	{
		if (strcmp(formats[i], name) == 0)
		{
			*format = (OutputFormat) i;
			return true;
		}
	}
	return false;
}

bool
output_is_document(OutputFormat format)
{
	return format == OUTPUT_JSON || format == OUTPUT_YAML;
}

void
output_put_json(const json_t *document, StrBuf *out)
{
	char *text = json_dumps(document, JSON_INDENT(JSON_INDENTATION) | JSON_ENCODE_ANY |
										  JSON_REAL_PRECISION(REAL_DIGITS));

	if (text == NULL)
	{
		out->failed = true;
		return;
	}
	pgbr_put_visible_json(out, text, strlen(text));
	strbuf_putc(out, '\n');
	free(text);
}

static int
take_yaml(void *argument, unsigned char *data, size_t length)
{
	StrBuf *buf = argument;

	strbuf_append(buf, data, length);
	return !buf->failed;
}

/*
 * The resolvers of YAML 1.1 and 1.2 see numbers, dates, nulls, booleans, "<<" and "=" in plain
 * scalars. Quoting one text too many does no harm, so the test is by first character and by word.
 */
static bool
could_be_another_type(const char *text)
{
	static const char *const words[] = {"null", "true", "false", "yes", "no",
										"on",	"off",	"y",	 "n"};

	if (text[0] == '\0' || strchr("0123456789+-.~=<", text[0]))
		return true;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
	{
		if (strcasecmp(words[i], text) == 0)
			return true;
	}
	return false;
}

static bool
emit_scalar(yaml_emitter_t *emitter, const char *text, bool is_text)
{
	yaml_event_t event;
	yaml_scalar_style_t style = YAML_PLAIN_SCALAR_STYLE;
	bool plain = !is_text || !could_be_another_type(text);

	/* double quotes are the one style in which pgbr_put_visible_json may put an escape */
	if (is_text && text_has_control(text))
		style = YAML_DOUBLE_QUOTED_SCALAR_STYLE;
	/* a file within the document, as in a ConfigMap, stays readable */
	else if (is_text && strchr(text, '\n'))
		style = YAML_LITERAL_SCALAR_STYLE;
	return yaml_scalar_event_initialize(&event, NULL, NULL, (const yaml_char_t *) text,
										(int) strlen(text), plain, is_text, style) &&
		   yaml_emitter_emit(emitter, &event);
}

static bool emit_value(yaml_emitter_t *emitter, const json_t *value);

static bool
emit_object(yaml_emitter_t *emitter, const json_t *object)
{
	yaml_event_t event;
	const char *key;
	json_t *member;
	bool ok =
		yaml_mapping_start_event_initialize(&event, NULL, NULL, 1, YAML_BLOCK_MAPPING_STYLE) &&
		yaml_emitter_emit(emitter, &event);

	json_object_foreach((json_t *) object, key, member)
	{
		ok = ok && emit_scalar(emitter, key, true) && emit_value(emitter, member);
	}
	return ok && yaml_mapping_end_event_initialize(&event) && yaml_emitter_emit(emitter, &event);
}

static bool
emit_array(yaml_emitter_t *emitter, const json_t *array)
{
	yaml_event_t event;
	size_t index;
	json_t *element;
	bool ok =
		yaml_sequence_start_event_initialize(&event, NULL, NULL, 1, YAML_BLOCK_SEQUENCE_STYLE) &&
		yaml_emitter_emit(emitter, &event);

	json_array_foreach(array, index, element)
	{
		ok = ok && emit_value(emitter, element);
	}
	return ok && yaml_sequence_end_event_initialize(&event) && yaml_emitter_emit(emitter, &event);
}

static bool
emit_value(yaml_emitter_t *emitter, const json_t *value)
{
	char *text;
	bool ok;

	if (json_is_object(value))
		return emit_object(emitter, value);
	if (json_is_array(value))
		return emit_array(emitter, value);
	if (json_is_string(value))
		return emit_scalar(emitter, json_string_value(value), true);
	/* numbers, booleans and null are written alike in both languages */
	text = json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(REAL_DIGITS));
	ok = text && emit_scalar(emitter, text, false);
	free(text);
	return ok;
}

static bool
emit_document(yaml_emitter_t *emitter, const json_t *document)
{
	yaml_event_t event;

	return yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING) &&
		   yaml_emitter_emit(emitter, &event) &&
		   yaml_document_start_event_initialize(&event, NULL, NULL, NULL, 1) &&
		   yaml_emitter_emit(emitter, &event) && emit_value(emitter, document) &&
		   yaml_document_end_event_initialize(&event, 1) && yaml_emitter_emit(emitter, &event) &&
		   yaml_stream_end_event_initialize(&event) && yaml_emitter_emit(emitter, &event);
}

void
output_put_yaml(const json_t *document, StrBuf *out)
{
	yaml_emitter_t emitter;
	StrBuf raw;

	strbuf_init(&raw);
	if (!yaml_emitter_initialize(&emitter))
	{
		out->failed = true;
		return;
	}
	yaml_emitter_set_output(&emitter, take_yaml, &raw);
	yaml_emitter_set_unicode(&emitter, 1);
	yaml_emitter_set_width(&emitter, -1);
	if (emit_document(&emitter, document) && !raw.failed)
		pgbr_put_visible_json(out, raw.data, raw.length);
	else
		out->failed = true;
	yaml_emitter_delete(&emitter);
	strbuf_done(&raw);
}

void
output_put_document(const json_t *document, OutputFormat format, StrBuf *out)
{
	if (format == OUTPUT_JSON)
		output_put_json(document, out);
	else
		output_put_yaml(document, out);
}

void
output_put_table(const Table *table, OutputFormat format, int columns, StrBuf *out)
{
	if (format == OUTPUT_TSV)
		table_put_tsv(table, out);
	else
		table_put_aligned(table, columns, out);
}

int
output_terminal_columns(FILE *stream)
{
	struct winsize size;

	if (!isatty(fileno(stream)))
		return 0;
	if (ioctl(fileno(stream), TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
		return size.ws_col;
	return 80;
}

int
output_columns(FILE *stream)
{
	int columns = output_terminal_columns(stream);

	if (columns == 0 || columns > OUTPUT_COLUMNS)
		return OUTPUT_COLUMNS;
	return columns < OUTPUT_COLUMNS_LEAST ? OUTPUT_COLUMNS_LEAST : columns;
}

bool
output_print(FILE *stream, const StrBuf *out, PgbrError *error)
{
	if (out->failed)
		return pgbr_error_set(error, PGBR_ERROR_INTERNAL, "out of memory");
	if (fwrite(out->data, 1, out->length, stream) != out->length || fflush(stream) != 0)
		return pgbr_error_set(error, PGBR_ERROR_INTERNAL, "could not write the output: %s",
							  strerror(errno));
	return true;
}
