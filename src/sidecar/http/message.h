/*
 * message.h
 *		A request and its answer, as routes and handlers see them: no socket, no library.
 *
 * The request lends all its texts for the time of the call. The response is embedded in its owner
 * (http_response_init, http_response_done).
 */
#ifndef PGBR_SIDECAR_HTTP_MESSAGE_H
#define PGBR_SIDECAR_HTTP_MESSAGE_H

#include "common/error.h"
#include "common/strbuf.h"
#include "sidecar/config/caller.h"
#include "sidecar/pgbackrest/info_cache.h"
#include "sidecar/queue/job.h"
#include "sidecar/config/listener.h"

#include <jansson.h>
#include <stdbool.h>

#define HTTP_MAX_BODY  65536
#define HTTP_MAX_PUT   (1024 * 1024) /* of a body that is kept as a document */
#define HTTP_MAX_QUERY 8

typedef struct HttpQuery
{
	const char *key;
	const char *value; /* "" when there is none */
} HttpQuery;

typedef struct HttpRequest
{
	Face face; /* of the listener it came to */
	const char *method;
	const char *path;		   /* decoded */
	const char *parameter;	   /* what stands for the {...} of the route, or NULL */
	const char *authorization; /* headers; NULL when missing */
	const char *content_type;
	const char *idempotency_key;
	Caller caller;
	const char *peer;		 /* its address, or "socket" */
	bool is_probe;			 /* anyone may ask it, to see whether the sidecar works */
	const char *uncertified; /* why no client certificate counts, or NULL */
	HttpQuery query[HTTP_MAX_QUERY];
	int query_count;
	bool query_overflow; /* more than HTTP_MAX_QUERY */
	const char *body;
	size_t body_length;
	bool (*is_gone)(void *argument); /* has the client hung up? */
	void *gone_argument;
} HttpRequest;

typedef struct HttpResponse
{
	int status;
	const char *content_type; /* a constant */
	StrBuf body;
	/* sent after the body in this order, without being unpacked whole; the documents are
	 * released by http_response_done, the texts are constants; each may be NULL */
	InfoDocument *first_document;
	const char *middle;
	InfoDocument *document;
	const char *tail;
	char location[128];
	char concerns[JOB_ID_SIZE]; /* the job or restore that was changed, for the audit, or "" */
	char claimed_by[129];		/* who asked for it by his own word, for the audit, or "" */
	char allow[64];
	bool authenticate; /* say that a bearer token is required */
	int retry_after;   /* seconds, or 0 */
	bool hang_up;	   /* close the connection after it */
} HttpResponse;

extern void http_response_init(HttpResponse *response);
extern void http_response_done(HttpResponse *response);

/* Bytes of all that is sent, and a piece of it from offset on: bytes copied, at least one
 * before the end; 0 at the end and when out of memory. */
extern size_t http_response_length(const HttpResponse *response);
extern size_t
http_response_read(const HttpResponse *response, size_t offset, char *buffer, size_t size);

/* Answer with a JSON value, whose reference is taken; NULL (out of memory) answers 500. */
extern void http_answer_json(HttpResponse *response, int status, json_t *value);

/* Answer with a problem (RFC 9457). exit_code is pgbackrest's, or -1. */
extern void http_answer_problem(HttpResponse *response, const PgbrError *error, int exit_code);

/* In the place of an answer that could not be made whole; takes no memory. To clients of the
 * API as a problem, to others as text. */
extern void http_answer_no_memory(HttpResponse *response, bool is_api);

/* Answer with a job and where it is found. */
extern void http_answer_job(HttpResponse *response, int status, const Job *job);

/* Tell the audit which job this is about; http_answer_job does. */
extern void http_concerns(HttpResponse *response, const Job *job);

/* Answer with text, which is copied. */
extern void http_answer_text(HttpResponse *response, int status, const char *text);

/* Answer as the programs did that existing clients were written for: a status and a line of
 * text. */
extern void http_answer_refusal(HttpResponse *response, const PgbrError *error);

/* Answer with a refusal in the form that the clients of the request's listener know: a problem,
 * or plain text. */
extern void http_refuse(const HttpRequest *request, const PgbrError *error, HttpResponse *response);

/* The value of a query parameter, or NULL. */
extern const char *http_query(const HttpRequest *request, const char *key);

/* Check the Idempotency-Key, if there is one: 1 to 128 printable ASCII characters.
 * INVALID_VALUE. */
extern bool http_check_key(const HttpRequest *request, PgbrError *error);

/* A query parameter that is a whole number from least to most; *value is left alone when it is
 * missing. INVALID_VALUE otherwise. */
extern bool http_query_count(const HttpRequest *request, const char *key, int least, int most,
							 int *value, PgbrError *error);

/* Take what ?claimed_by= says of who asks, where the request has no job to say it in.
 * INVALID_VALUE. */
extern bool http_take_claim(const HttpRequest *request, HttpResponse *response, PgbrError *error);

#endif
