/*
 * job_watch.h
 *		Wait for the end of a job and show its progress: redrawn in place on a terminal, else one
 *		line for every change.
 *
 * The wait survives a restart of the sidecar if the caller wants that. A time limit or Ctrl-C ends
 * only the wait: the job goes on. Ctrl-C ends it only where the caller catches it (see
 * interrupt.h).
 */
#ifndef PGBR_CTL_CLIENT_JOB_WATCH_H
#define PGBR_CTL_CLIENT_JOB_WATCH_H

#include "common/error.h"
#include "ctl/client/sidecar_client.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

/* How long most callers retry while the sidecar does not answer before they give up the wait. */
#define JOB_WATCH_OUTAGE_S 60

typedef enum JobWatchEnd
{
	JOB_WATCH_FINISHED,	   /* the job is in a final state */
	JOB_WATCH_TIMED_OUT,   /* the limit has passed */
	JOB_WATCH_INTERRUPTED, /* Ctrl-C */
	JOB_WATCH_FAILED,	   /* the error says why its state can't be learned */
} JobWatchEnd;

/*
 * Wait. *job holds the last known state of the job and is replaced on the way; the caller frees it.
 * limit is in seconds, 0 for none. So is outage, for how long to retry while the sidecar does not
 * answer; 0: the first failure ends the wait. Progress goes to the stream, or nowhere when it is
 * NULL.
 */
extern JobWatchEnd job_watch(const SidecarClient *client, json_t **job, int limit, int outage,
							 FILE *stream, PgbrError *error);

#endif
