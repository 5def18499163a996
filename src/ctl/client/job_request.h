/*
 * job_request.h
 *		The requests about one job that several callers send: its path, its log, and its next state.
 */
#ifndef PGBR_CTL_CLIENT_JOB_REQUEST_H
#define PGBR_CTL_CLIENT_JOB_REQUEST_H

#include "common/error.h"
#include "common/strbuf.h"
#include "ctl/client/sidecar_client.h"

#include <jansson.h>
#include <stdbool.h>

/* Append the path of a job. hold is the seconds for which the sidecar may hold the answer back
 * while nothing changes; 0 asks for the job as it is. */
extern void job_request_put_path(StrBuf *path, const char *id, int hold);

/* GET it; *job is the caller's. The response is not checked. */
extern bool job_request_get(const SidecarClient *client, const char *id, int hold, json_t **job,
							PgbrError *error);

/* What pgbackrest printed; *text is the caller's to free(). */
extern bool
job_request_get_log(const SidecarClient *client, const char *id, char **text, PgbrError *error);

/* Replace a job by its next state; takes over next. PROTOCOL when that is not of the same job: then
 * the job stays. */
extern bool job_request_take(json_t **job, json_t *next, PgbrError *error);

#endif
