/*
 * compat_answer.h
 *		What the handlers for existing clients share: waiting for a job, and fresh information.
 */
#ifndef PGBR_SIDECAR_COMPAT_COMPAT_ANSWER_H
#define PGBR_SIDECAR_COMPAT_COMPAT_ANSWER_H

#include "sidecar/api/context.h"
#include "sidecar/http/message.h"

/* What pgbackrest says of the stanza now; the copy when it takes longer than 30 s. *document is
 * what it lives in, for the caller to release; both NULL when there is nothing to show, and the
 * response is then complete. */
extern const json_t *compat_fresh_stanza(Sidecar *sidecar, const HttpRequest *request,
										 json_t **document, HttpResponse *response);

/*
 * Wait until a job has ended. False: it was not seen to succeed, and the response is complete; the
 * job goes on when it is the client or the sidecar who left.
 */
extern bool
compat_wait(Sidecar *sidecar, const HttpRequest *request, Job *job, HttpResponse *response);

/* pgbackrest's failure as "exit status N"; another in its own words. */
extern void compat_answer_failure(HttpResponse *response, int exit_code, const char *message);

#endif
