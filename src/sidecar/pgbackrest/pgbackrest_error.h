/*
 * pgbackrest_error.h
 *		What pgbackrest's errors are called, what of their text belongs in a message, and what a
 *		user can do about them: pure.
 *
 * The names of the exit codes are those of pgBackRest's own list (its build/error.yaml).
 */
#ifndef PGBR_SIDECAR_PGBACKREST_PGBACKREST_ERROR_H
#define PGBR_SIDECAR_PGBACKREST_PGBACKREST_ERROR_H

#include <stddef.h>

/*
 * pgBackRest's name of an exit code, e.g. 50: "lock-acquire"; "unknown" for one it does not have.
 */
extern const char *pgbackrest_error_name(int exit_code);

/* What a user can do about an exit code, or about what an error says, which knows more; a sentence
 * of ours, or NULL. */
extern const char *pgbackrest_code_hint(int exit_code);
extern const char *pgbackrest_text_hint(const char *text);

/* Where in the lines of an error we are: pgbackrest prints a refused HTTP request and its answer
 * whole. Begins as ERROR_TEXT. */
typedef enum ErrorPart
{
	ERROR_TEXT,
	ERROR_HTTP_REQUEST,
	ERROR_HTTP_HEADERS,
	ERROR_HTTP_ANSWER,
} ErrorPart;

/*
 * Cut a line of an error down to what belongs in a message: a line of text, a request, a store's
 * own error code. Moves *line to its begin and gives its length; 0 for nothing.
 */
extern size_t pgbackrest_error_line(ErrorPart *part, const char **line);

/* Put an error of several lines in one, cut down in this way and without pgbackrest's hints. */
extern void pgbackrest_error_text(const char *lines, char *text, size_t size);

/* Append to a text that has size bytes, with a separator when there is something to separate. */
extern void pgbackrest_append(char *target, size_t size, const char *separator, const char *text,
							  size_t length);

#endif
