/*
 * job_queue.h
 *		Which jobs are accepted, in which order they run, and which coalesce. The queue knows
 *		neither HTTP nor how a job is run: job_runner takes from it, by job_turn.h. The restore
 *		that holds this member is in queue_restores.h, other records in queue_facts.h; all four
 *		share one queue and one lock.
 *
 * Thread-safe: any thread may call anything. When a function returns true its effect is on disk;
 * after a failure nothing has changed. One job runs at a time.
 */
#ifndef PGBR_SIDECAR_QUEUE_JOB_QUEUE_H
#define PGBR_SIDECAR_QUEUE_JOB_QUEUE_H

#include "common/error.h"
#include "sidecar/queue/job.h"
#include "sidecar/queue/job_store.h"

typedef struct JobQueue JobQueue;

/*
 * Take over the store; the queue closes it. Jobs that were running when the previous sidecar went
 * down become interrupted: the caller must have ended their processes before. log_dir is the folder
 * of the job logs. NULL on failure.
 */
extern JobQueue *job_queue_new(JobStore *store, const char *log_dir, int max_queued,
							   int retention_days, PgbrError *error);
extern void job_queue_free(JobQueue *queue); /* no other thread uses it any more */

/*
 * Accept a job. holder drives the restore that the job belongs to, or is "". While a restore is
 * active only its holder may add jobs (RESTORE_IN_PROGRESS, CONFLICT), only its steps run, and all
 * other jobs wait.
 *
 * key is the Idempotency-Key or NULL. If it was used before for the same request, the first job is
 * returned and *repeated is set; for another request it is refused (INVALID_VALUE). QUEUE_FULL,
 * UNAVAILABLE while stopping, STORAGE.
 */
extern bool job_queue_submit(JobQueue *queue, const JobRequest *request, const char *holder,
							 const char *key, Job *job, bool *repeated, PgbrError *error);

/* A job as it is now, with its progress. NOT_FOUND. */
extern bool job_queue_get(JobQueue *queue, const char *id, Job *job, PgbrError *error);

/*
 * As job_queue_get, but returns when the state has changed since the call, after seconds, or when
 * the queue stops. About once a second it asks is_gone whether the client has gone.
 */
extern bool
job_queue_wait(JobQueue *queue, const char *id, int seconds, bool (*is_gone)(void *argument),
			   void *argument, Job *job, PgbrError *error);

/* Call back for each job that the filter lets through, with the queue locked. */
extern bool job_queue_list(JobQueue *queue, const JobFilter *filter, JobVisitor visit,
						   void *argument, PgbrError *error);

/*
 * Cancel a job. A queued or coalesced job is cancelled when this returns. A running job is asked to
 * stop; job_queue_wait tells when it has stopped. Jobs that were coalesced into it are queued
 * again. CONFLICT when it has ended.
 */
extern bool job_queue_cancel(JobQueue *queue, const char *id, Job *job, PgbrError *error);

/* Could a job be accepted now? STORAGE or QUEUE_FULL when not. */
extern bool job_queue_check(JobQueue *queue, PgbrError *error);

/* Stop: accept no job, hand out no job, and end all waits. */
extern void job_queue_stop(JobQueue *queue);
extern bool job_queue_stopping(JobQueue *queue);

/*
 * For job_turn: forget ended jobs that are old, and their logs. The lock of the queue is held; a
 * failure is logged.
 */
extern void job_queue_purge(JobQueue *queue);

/* The path of a job's log. The name is made of seq, never of anything from outside. */
extern void job_queue_log_path(JobQueue *queue, const Job *job, char *path, size_t size);

#endif
