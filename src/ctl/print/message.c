/*
 * message.c
 *		See message.h.
 */
#include "ctl/print/message.h"

#include "ctl/print/text.h"

#include <stdarg.h>
#include <stdio.h>

static void
message_put_line(const char *label, const char *text)
{
	StrBuf line;

	strbuf_init(&line);
	strbuf_printf(&line, PROGRAM_NAME ": %s: ", label);
	text_put_visible(&line, text);
	fprintf(stderr, "%s\n", line.data);
	strbuf_done(&line);
}

static void
put_error(const char *label, const PgbrError *error)
{
	message_put_line(label, error->message);
	if (error->detail[0])
		message_put_line("detail", error->detail);
	if (error->hint[0])
		message_put_line("hint", error->hint);
}

void
message_error(const PgbrError *error)
{
	put_error("error", error);
}

bool
message_problems(const PgbrError *problems, size_t count, PgbrError *error)
{
	for (size_t i = 0; i + 1 < count; i++)
		message_error(&problems[i]);
	*error = problems[count - 1];
	return false;
}

void
message_finding(const PgbrError *finding)
{
	put_error("warning", finding);
}

void
message_warning(const char *format, ...)
{
	char text[1024];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	message_put_line("warning", text);
}
