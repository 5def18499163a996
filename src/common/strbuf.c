/*
 * strbuf.c
 *		See strbuf.h.
 */
#include "common/strbuf.h"

#include "common/memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char empty[1] = "";

void
strbuf_init(StrBuf *buf)
{
	*buf = (StrBuf){empty, 0, 0, false};
}

void
strbuf_done(StrBuf *buf)
{
	if (buf->capacity > 0)
		free(buf->data);
	strbuf_init(buf);
}

void
strbuf_clear(StrBuf *buf)
{
	buf->length = 0;
	buf->failed = false;
	if (buf->capacity > 0)
		buf->data[0] = '\0';
}

void
strbuf_keep_line(StrBuf *buf)
{
	/* the "" of all empty buffers is not written: threads share it */
	if (buf->capacity == 0)
		return;
	buf->length = strcspn(buf->data, "\n");
	buf->data[buf->length] = '\0';
}

static bool
reserve(StrBuf *buf, size_t more)
{
	size_t capacity = buf->capacity == 0 ? 64 : buf->capacity;
	char *data;

	if (buf->failed)
		return false;
	if (buf->capacity > 0 && more < buf->capacity - buf->length)
		return true;
	while (capacity - buf->length <= more)
	{
		if (capacity > (size_t) -1 / 2)
		{
			buf->failed = true;
			return false;
		}
		capacity *= 2;
	}
	data = memory_resize(buf->capacity == 0 ? NULL : buf->data, capacity);
	if (data == NULL)
	{
		buf->failed = true;
		return false;
	}
	buf->data = data;
	buf->capacity = capacity;
	buf->data[buf->length] = '\0';
	return true;
}

void
strbuf_append(StrBuf *buf, const void *data, size_t length)
{
	if (length == 0 || !reserve(buf, length))
		return;
	memcpy(buf->data + buf->length, data, length);
	buf->length += length;
	buf->data[buf->length] = '\0';
}

void
strbuf_puts(StrBuf *buf, const char *text)
{
	strbuf_append(buf, text, strlen(text));
}

void
strbuf_putc(StrBuf *buf, char c)
{
	strbuf_append(buf, &c, 1);
}

void
strbuf_printf(StrBuf *buf, const char *format, ...)
{
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(NULL, 0, format, arguments);
	va_end(arguments);
	if (length < 0 || !reserve(buf, (size_t) length))
		return;
	va_start(arguments, format);
	vsnprintf(buf->data + buf->length, (size_t) length + 1, format, arguments);
	va_end(arguments);
	buf->length += (size_t) length;
}

void
strbuf_put_url(StrBuf *buf, const char *text)
{
	static const char hex[] = "0123456789ABCDEF";

	for (const unsigned char *p = (const unsigned char *) text; *p; p++)
	{
		if ((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9') ||
			strchr("-._~", *p) != NULL)
			strbuf_putc(buf, (char) *p);
		else
		{
			strbuf_putc(buf, '%');
			strbuf_putc(buf, hex[*p >> 4]);
			strbuf_putc(buf, hex[*p & 15]);
		}
	}
}

char *
strbuf_take(StrBuf *buf)
{
	char *data;

	if (buf->capacity == 0)
		reserve(buf, 1);
	data = buf->failed ? NULL : buf->data;
	if (data == NULL)
		strbuf_done(buf);
	strbuf_init(buf);
	return data;
}
