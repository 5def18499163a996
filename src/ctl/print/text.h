/*
 * text.h
 *		Text that came from elsewhere, laid out for a terminal.
 *
 * src/common/visible.h decides what is unsafe there and how it is escaped. Widths are the
 * terminal columns that wcwidth gives, so the process must have set LC_CTYPE to a UTF-8 locale; in
 * another one more characters are escaped, never fewer. All functions are pure but for the buffer
 * they append to.
 */
#ifndef PGBR_CTL_PRINT_TEXT_H
#define PGBR_CTL_PRINT_TEXT_H

#include "common/strbuf.h"

#include <stdbool.h>
#include <stddef.h>

/* Append text with everything unprintable escaped. A newline is kept; a tab becomes blanks up to
 * the next multiple of 8 columns of its line. */
extern void text_put_visible(StrBuf *buf, const char *text);

/* Terminal columns of visible text, up to its first newline. */
extern int text_width(const char *visible);

/* Append as much of visible text as fits into so many columns. */
extern void text_put_cut(StrBuf *buf, const char *visible, int columns);

/* How many bytes of a line of visible text fit into so many columns: up to a blank where there is
 * one, else up to the character that is too much; at least one character. *next is where the text
 * goes on, after the blanks or the newline. */
extern size_t text_break(const char *visible, int columns, const char **next);

/* Append text with everything unprintable escaped, in lines of at most so many columns that end
 * with a newline; all but the first begin with so many blanks. */
extern void text_put_wrapped(StrBuf *buf, const char *text, int columns, int indent);

/* Append visible text of several lines, each within so many columns. What a line goes on with
 * stands below its second part, where two blanks set that off (" target time 12:00"), else
 * indented. */
extern void text_put_page(StrBuf *buf, const char *visible, int columns);

/* Append a command for a shell, whose first line begins after so many columns: a line that goes on
 * ends with "\", never within quotes, and the next begins with as many blanks. A newline is
 * appended. A word that is wider than a line stays whole. */
extern void text_put_command(StrBuf *buf, const char *visible, int columns, int indent);

/* True when text holds a character that must not reach a terminal raw: a control character other
 * than newline, or one that turns the direction of reading. */
extern bool text_has_control(const char *text);

/* Append a value as COPY's text format has it, so COPY FROM reads it back; NULL is \N. */
extern void text_put_copy(StrBuf *buf, const char *text);

#endif
