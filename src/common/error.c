/*
 * error.c
 *		See error.h. No logging and no exit: that is up to who decides what happens next.
 */
#include "common/error.h"

#include "common/visible.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct
{
	const char *name;
	int http_status;
} error_codes[] = {
#define X(name, text, status) {text, status},
	PGBR_ERROR_CODES(X)
#undef X
};

#define ERROR_CODE_COUNT (sizeof(error_codes) / sizeof(error_codes[0]))

/* Drop the bytes of a last character that vsnprintf cut in two. */
static void
trim_partial_character(char *text)
{
	size_t length = strlen(text);
	size_t start = length;
	unsigned char lead;
	size_t want;

	while (start > 0 && ((unsigned char) text[start - 1] & 0xC0) == 0x80)
		start--;
	if (start == 0)
		return;
	lead = (unsigned char) text[start - 1];
	want = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 1;
	if (length - (start - 1) < want)
		text[start - 1] = '\0';
}

/* What is told in an error came from anywhere, and goes anywhere. */
static void
format_text(char *target, size_t size, const char *format, va_list arguments)
{
	char text[sizeof(((PgbrError *) NULL)->message)];

	if (vsnprintf(text, sizeof(text), format, arguments) >= (int) sizeof(text))
		trim_partial_character(text);
	pgbr_copy_visible(target, size, text);
}

void
pgbr_copy_text(char *target, size_t size, const char *text)
{
	if (snprintf(target, size, "%s", text) >= (int) size)
		trim_partial_character(target);
}

bool
pgbr_error_set(PgbrError *error, PgbrErrorCode code, const char *format, ...)
{
	va_list arguments;

	if (error == NULL)
		return false;
	error->code = code;
	error->detail[0] = '\0';
	error->hint[0] = '\0';
	va_start(arguments, format);
	format_text(error->message, sizeof(error->message), format, arguments);
	va_end(arguments);
	return false;
}

bool
pgbr_error_detail(PgbrError *error, const char *format, ...)
{
	va_list arguments;

	if (error == NULL)
		return false;
	va_start(arguments, format);
	format_text(error->detail, sizeof(error->detail), format, arguments);
	va_end(arguments);
	return false;
}

bool
pgbr_error_hint(PgbrError *error, const char *format, ...)
{
	va_list arguments;

	if (error == NULL)
		return false;
	va_start(arguments, format);
	format_text(error->hint, sizeof(error->hint), format, arguments);
	va_end(arguments);
	return false;
}

const char *
pgbr_error_code_name(PgbrErrorCode code)
{
	return (size_t) code < ERROR_CODE_COUNT ? error_codes[code].name : "internal";
}

PgbrErrorCode
pgbr_error_code_parse(const char *name)
{
	for (size_t i = 0; i < ERROR_CODE_COUNT; i++)
	{
		if (strcmp(error_codes[i].name, name) == 0)
			return (PgbrErrorCode) i;
	}
	return PGBR_ERROR_INTERNAL;
}

int
pgbr_error_http_status(PgbrErrorCode code)
{
	int status = (size_t) code < ERROR_CODE_COUNT ? error_codes[code].http_status : 0;

	return status == 0 ? 500 : status;
}
