/*
 * error.h
 *		What went wrong, in the words a user needs: one struct for all layers.
 *
 * A fallible function returns bool and takes a PgbrError * last; it fills it when it returns false
 * and leaves it alone otherwise. The struct owns no memory: it can live on the stack, be copied
 * and be dropped. Text that does not fit is cut at a character's boundary. Whatever goes into it,
 * its texts are UTF-8 and visible (visible.h): they may be shown at a terminal, in a log and in
 * SQL.
 *
 * The codes are the "code" member of an RFC 9457 answer, so both ends of the HTTP interface share
 * this one table. They are part of the published contract (docs/reference/openapi.yaml): add, never
 * rename.
 */
#ifndef PGBR_ERROR_H
#define PGBR_ERROR_H

#include <stdbool.h>
#include <stddef.h>

/* name, text on the wire, HTTP status the sidecar answers with */
#define PGBR_ERROR_CODES(X)                                  \
	X(NONE, "none", 200)                                     \
	X(INTERNAL, "internal", 500)                             \
	X(BAD_REQUEST, "bad-request", 400)                       \
	X(UNAUTHORIZED, "unauthorized", 401)                     \
	X(FORBIDDEN, "forbidden", 403)                           \
	X(NOT_FOUND, "not-found", 404)                           \
	X(METHOD_NOT_ALLOWED, "method-not-allowed", 405)         \
	X(CONFLICT, "conflict", 409)                             \
	X(DUPLICATE, "duplicate", 409)                           \
	X(RESTORE_IN_PROGRESS, "restore-in-progress", 409)       \
	X(TOO_LARGE, "too-large", 413)                           \
	X(UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", 415) \
	X(MISDIRECTED, "misdirected", 421)                       \
	X(INVALID_VALUE, "invalid-value", 422)                   \
	X(QUEUE_FULL, "queue-full", 429)                         \
	X(PGBACKREST, "pgbackrest", 502)                         \
	X(UNAVAILABLE, "unavailable", 503)                       \
	X(STORAGE, "storage", 507)                               \
	/* below: seen by a client only, never sent */           \
	X(UNREACHABLE, "unreachable", 0)                         \
	X(TIMEOUT, "timeout", 0)                                 \
	X(TLS, "tls", 0)                                         \
	X(PROTOCOL, "protocol", 0)                               \
	X(ABORTED, "aborted", 0)                                 \
	X(CONFIG, "config", 0)

typedef enum PgbrErrorCode
{
#define X(name, text, status) PGBR_ERROR_##name,
	PGBR_ERROR_CODES(X)
#undef X
} PgbrErrorCode;

typedef struct PgbrError
{
	PgbrErrorCode code;
	char message[1024]; /* lower case, no full stop; names the value */
	char detail[1024];	/* sentences, or empty */
	char hint[512];		/* what the user can do, sentences, or empty */
} PgbrError;

#define PGBR_ERROR_INIT             \
	{                               \
		PGBR_ERROR_NONE, "", "", "" \
	}

/* Set code and message; detail and hint become empty. Returns false, so that a caller can write
 * "return pgbr_error_set(...)". error may be NULL. */
extern bool pgbr_error_set(PgbrError *error, PgbrErrorCode code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Add to an error that was set. Both return false; error may be NULL. */
extern bool
pgbr_error_detail(PgbrError *error, const char *format, ...) __attribute__((format(printf, 2, 3)));
extern bool
pgbr_error_hint(PgbrError *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The text on the wire; never NULL. */
extern const char *pgbr_error_code_name(PgbrErrorCode code);

/* The code of a text from the wire; PGBR_ERROR_INTERNAL for one that is unknown. */
extern PgbrErrorCode pgbr_error_code_parse(const char *name);

/* The HTTP status the sidecar answers with; 500 for a code that is never sent. */
extern int pgbr_error_http_status(PgbrErrorCode code);

/* Cut text to at most size - 1 bytes without splitting a UTF-8 character, into target. */
extern void pgbr_copy_text(char *target, size_t size, const char *text);

#endif
