/*
 * strbuf.h
 *		A growable, always NUL-terminated byte buffer on malloc.
 *
 * Embedded in its owner: strbuf_init, strbuf_done. Running out of memory does not stop the caller:
 * the buffer remembers it (failed) and ignores what follows, so a long sequence of appends is
 * checked once, at its end. Not thread-safe.
 */
#ifndef PGBR_STRBUF_H
#define PGBR_STRBUF_H

#include <stdbool.h>
#include <stddef.h>

typedef struct StrBuf
{
	char *data;		 /* never NULL after strbuf_init; "" while empty */
	size_t length;	 /* bytes, without the NUL */
	size_t capacity; /* bytes allocated; 0 while data is the shared "" */
	bool failed;	 /* an append was lost: out of memory */
} StrBuf;

extern void strbuf_init(StrBuf *buf);
extern void strbuf_done(StrBuf *buf); /* may be called twice */
extern void strbuf_clear(StrBuf *buf);
extern void strbuf_keep_line(StrBuf *buf); /* the first one, without its newline */
extern void strbuf_append(StrBuf *buf, const void *data, size_t length);
extern void strbuf_puts(StrBuf *buf, const char *text);
extern void strbuf_putc(StrBuf *buf, char c);
extern void
strbuf_printf(StrBuf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));

/*
 * Append text percent-encoded for a URL's path segment or query value (RFC 3986 unreserved kept).
 */
extern void strbuf_put_url(StrBuf *buf, const char *text);

/* Hand the bytes over: the caller frees them with free(). NULL when an append was lost. The buffer
 * is empty and usable afterwards. */
extern char *strbuf_take(StrBuf *buf);

#endif
