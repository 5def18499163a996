/*
 * sidecar.h
 *		Asking the sidecar: a request becomes jsonb, or an error that tells the user what to do.
 *
 * The only caller of common/http_client here. The settings say where the sidecar is and which token
 * or certificate it gets. A request ends within its time-out and within about 0.2 s of a cancel.
 * Results are palloc'd. A request that raises an error leaves nothing behind.
 */
#ifndef PGBR_SIDECAR_H
#define PGBR_SIDECAR_H

#include "common/error.h"
#include "extension/answer.h"

typedef struct SidecarRequest
{
	const char *method; /* "GET", "POST" or "DELETE" */
	const char *path;	/* PGBR_PATH_...; values in it come from sidecar_escape */
	Jsonb *body;		/* or NULL */
	const AnswerMember *answer;
	int timeout_ms;		  /* 0: pgbackrest_ctl.sidecar_timeout */
	const char *base_url; /* NULL: pgbackrest_ctl.sidecar_url */
	const char *key;	  /* the Idempotency-Key of a POST; NULL: one of its own */
	const char *job_id;	  /* the answer must be about this job; NULL: about any */
} SidecarRequest;

/*
 * Ask, and raise an error when the answer is not what was asked for. The error's SQLSTATE follows
 * from one table in sidecar.c.
 *
 * A POST has its own Idempotency-Key and is sent a second time when the connection breaks, so a job
 * is neither lost nor made twice. A GET is repeated when the server interrupts it to do something
 * else.
 */
extern Jsonb *sidecar_ask(const SidecarRequest *request);

/*
 * The same, but a failure returns NULL and fills *error, so that the caller can go on. A cancel and
 * an answer that can't be read are raised all the same.
 */
extern Jsonb *sidecar_try(const SidecarRequest *request, PgbrError *error);

/* Give a failure the message and the hint with which sidecar_ask would have raised it. */
extern void sidecar_explain(PgbrError *error);

/* Convert a text of such an error from UTF-8 to the database's encoding; palloc'd or text
 * itself. */
extern const char *sidecar_error_text(const char *text);

/* Raise the error that sidecar_ask would have raised. */
extern void sidecar_raise(const PgbrError *error) __attribute__((noreturn));

/* GET a path; a shorthand. */
extern Jsonb *sidecar_get(const char *path, const AnswerMember *answer);

/* The claimed_by of the API: the session's role and database, made to fit it (UTF-8, no control
 * characters, not too long); in the database's encoding. */
extern char *sidecar_claim(void);

/* A text of the database's encoding for a URL's path segment or query value. */
extern char *sidecar_escape(const char *text);

/* Wait a while, as a wait for the sidecar; raises a cancel. */
extern void sidecar_pause(int milliseconds);

/* Call in PG_CATCH: turn the caught error into a failure of the sidecar, and go on. */
extern void sidecar_catch(MemoryContext context, PgbrError *error);

/*
 * Call in PG_CATCH; never returns. Raises the caught error again with one more detail and, when a
 * user cancelled, with the hint (or NULL).
 */
extern void sidecar_rethrow(MemoryContext context, const char *detail, const char *cancel_hint)
	__attribute__((noreturn));

#endif
