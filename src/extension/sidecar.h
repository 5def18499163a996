/*
 * sidecar.h
 *		Asking the sidecar: a request becomes jsonb, or an error that tells the user what to do.
 *
 * The only caller of common/http_client. Where the sidecar is and what it is shown comes from the
 * settings. A request ends within its time-out and within about 0.2 s of a cancel. What it returns
 * is palloc'd; nothing is left behind when it raises an error.
 */
#ifndef PGBR_SIDECAR_H
#define PGBR_SIDECAR_H

#include "common/error.h"
#include "extension/answer.h"

typedef struct SidecarRequest
{
	const char *method; /* "GET", "POST" or "DELETE" */
	const char *path;	/* PGBR_PATH_...; what is put in comes from sidecar_escape */
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
 * A POST carries an Idempotency-Key of its own and is sent a second time when the connection broke,
 * so a job is never lost to that nor asked for twice. A GET is repeated when the server has to
 * attend to something else in between.
 */
extern Jsonb *sidecar_ask(const SidecarRequest *request);

/*
 * The same, but a failure comes back as NULL and *error, so that the caller can go on. Still raised
 * are a cancel, and an answer that can't be read.
 */
extern Jsonb *sidecar_try(const SidecarRequest *request, PgbrError *error);

/* Give a failure the message and the hint with which sidecar_ask would have raised it. */
extern void sidecar_explain(PgbrError *error);

/* A text of such an error, which is UTF-8, in the database's encoding; palloc'd or the text itself. */
extern const char *sidecar_error_text(const char *text);

/* Raise the error that sidecar_ask would have raised. */
extern void sidecar_raise(const PgbrError *error) __attribute__((noreturn));

/* GET a path; a shorthand. */
extern Jsonb *sidecar_get(const char *path, const AnswerMember *answer);

/* Who asks by his own word: the session's role and database, within what the API takes as claimed_by
 * (UTF-8, no control characters, not too long); in the database's encoding. */
extern char *sidecar_claim(void);

/* A text of the database's encoding for a URL's path segment or query value. */
extern char *sidecar_escape(const char *text);

/* Wait a while, as a wait for the sidecar; raises a cancel. */
extern void sidecar_pause(int milliseconds);

/* To be called in PG_CATCH: take the caught error for the sidecar's failure, and go on. */
extern void sidecar_catch(MemoryContext context, PgbrError *error);

/*
 * To be called in PG_CATCH, and never returns: raise the caught error again with a detail more, and
 * for a user's cancel the hint (or NULL).
 */
extern void sidecar_rethrow(MemoryContext context, const char *detail, const char *cancel_hint)
	__attribute__((noreturn));

#endif
