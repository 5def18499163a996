/*
 * job_runner.h
 *		The thread that takes jobs from the queue, one at a time, and runs pgbackrest for them.
 */
#ifndef PGBR_SIDECAR_RUNNER_JOB_RUNNER_H
#define PGBR_SIDECAR_RUNNER_JOB_RUNNER_H

#include "common/error.h"
#include "sidecar/config/config.h"
#include "sidecar/pgbackrest/info_cache.h"
#include "sidecar/queue/job_queue.h"

typedef struct JobRunner JobRunner;

/* Start the thread. What is passed in must outlive it. NULL on failure. */
extern JobRunner *
job_runner_start(const SidecarConfig *config, JobQueue *queue, InfoCache *cache, PgbrError *error);

/* Wait for the thread's end, which job_queue_stop brings about, and free it: a running pgbackrest
 * has ended by then and its job is on disk as interrupted or ended. */
extern void job_runner_join(JobRunner *runner);

/* End what a sidecar that crashed has left running for this state folder. Before the queue is
 * opened. */
extern void job_runner_end_leftovers(const SidecarConfig *config);

#endif
