/*
 * job_cover.h
 *		Keeps covered_by right in the store: which waiting job does the work of which, and what
 *		becomes of the covered when the one that covers them starts, ends or is cancelled.
 *
 * Under job_queue's lock, like the store.
 */
#ifndef PGBR_SIDECAR_QUEUE_JOB_COVER_H
#define PGBR_SIDECAR_QUEUE_JOB_COVER_H

#include "common/error.h"
#include "sidecar/queue/job.h"
#include "sidecar/queue/job_store.h"

/* Let the jobs that wait cover each other, as far as they can. Inside a transaction. */
extern bool job_cover_queued(JobStore *store, PgbrError *error);

/*
 * Write a job and what follows from it for those it covers, as one change: they share its state and
 * its outcome, but go back to the queue when it alone is cancelled.
 */
extern bool job_cover_change(JobStore *store, const Job *job, PgbrError *error);

#endif
