/*
 * job_watch.h
 *		Wait for the end of a job and show how it goes on: redrawn in place on a terminal, a line for
 *		every change elsewhere.
 *
 * The wait outlives a restart of the sidecar, a time limit and Ctrl-C only end the wait: the job
 * goes on in any case. Ctrl-C ends it only where the caller catches it (see interrupt.h).
 */
#ifndef PGBR_CTL_CLIENT_JOB_WATCH_H
#define PGBR_CTL_CLIENT_JOB_WATCH_H

#include "common/error.h"
#include "ctl/client/sidecar_client.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

/* How long a sidecar that doesn't answer is asked again before the wait is given up. */
#define JOB_WATCH_OUTAGE_S 60

typedef enum JobWatchEnd
{
	JOB_WATCH_FINISHED,	   /* the job is in a final state */
	JOB_WATCH_TIMED_OUT,   /* the limit has passed */
	JOB_WATCH_INTERRUPTED, /* Ctrl-C */
	JOB_WATCH_FAILED,	   /* the error says why its state can't be learned */
} JobWatchEnd;

/*
 * Wait. *job holds the job as it was told last and is replaced on the way; it is the caller's. limit
 * is in seconds, 0 for none. Progress goes to the stream, or nowhere when it is NULL.
 */
extern JobWatchEnd
job_watch(const SidecarClient *client, json_t **job, int limit, FILE *stream, PgbrError *error);

#endif
