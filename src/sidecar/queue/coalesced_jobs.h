/*
 * coalesced_jobs.h
 *		Maintains covered_by in the store: which waiting job is coalesced into which, and what
 *		happens to the coalesced jobs when the other one starts, ends or is cancelled.
 *
 * The caller holds the lock of the queue.
 */
#ifndef PGBR_SIDECAR_QUEUE_COALESCED_JOBS_H
#define PGBR_SIDECAR_QUEUE_COALESCED_JOBS_H

#include "common/error.h"
#include "sidecar/queue/job.h"
#include "sidecar/queue/job_store.h"

/* Coalesce the waiting jobs as far as possible. Inside a transaction. */
extern bool coalesce_queued_jobs(JobStore *store, PgbrError *error);

/*
 * Write a job and the jobs that were coalesced into it, as one change. They share its state and
 * outcome, but return to the queue when it alone is cancelled.
 */
extern bool coalesced_jobs_change(JobStore *store, const Job *job, PgbrError *error);

#endif
