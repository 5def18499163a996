/*
 * body.h
 *		Reads the bodies of requests that are neither jobs (job.h) nor steps (step_arguments.h): a
 *		restore point, and what is written of a restore. Pure.
 */
#ifndef PGBR_SIDECAR_API_BODY_H
#define PGBR_SIDECAR_API_BODY_H

#include "common/error.h"
#include "common/strbuf.h"
#include "sidecar/queue/job_store.h"
#include "sidecar/queue/restore_lock.h"

#include <jansson.h>

/* The id of a restore becomes part of paths as well, so none is hidden or leads upwards. */
extern bool body_is_restore_id(const char *text);

/* BAD_REQUEST or INVALID_VALUE, naming the member. */
extern bool body_read_point(const json_t *body, RestorePoint *point, PgbrError *error);

/* The same of a PUT, whose id is the caller's. document, which is empty before, holds the
 * canonical text that put borrows, as the body lends the others. */
extern bool body_read_put(const json_t *body, RestorePut *put, StrBuf *document, PgbrError *error);

#endif
