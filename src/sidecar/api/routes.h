/*
 * routes.h
 *		Which request goes to which handler: one table, and the checks that every request passes
 *		before its handler sees it.
 */
#ifndef PGBR_SIDECAR_API_ROUTES_H
#define PGBR_SIDECAR_API_ROUTES_H

#include "sidecar/http/auth.h"
#include "sidecar/api/jobs.h"
#include "sidecar/http/message.h"

/*
 * Check what can be checked before the body is read: path, method, authorization, content type and
 * query. True: the request may go on to routes_handle. False: the response is complete.
 */
extern bool routes_admit(Auth *auth, const HttpRequest *request, HttpResponse *response);

/* Answer with a refusal in the form that the clients of the request's face know: a problem, or plain
 * text. */
extern void
routes_refuse(const HttpRequest *request, const PgbrError *error, HttpResponse *response);

/* True for a request that anyone may make to see whether the sidecar works. */
extern bool routes_is_probe(const HttpRequest *request);

/* Answer a request that was admitted. */
extern void routes_handle(Sidecar *sidecar, HttpRequest *request, HttpResponse *response);

#endif
