/*
 * job_queue.h
 *		What is accepted, in which order it is done, and what covers what. The queue knows neither
 *		HTTP nor how a job is run: job_runner takes from it.
 *
 * Thread-safe: any thread may call anything. Every function that returns true has its effect on
 * disk; after a failure nothing has changed. One job runs at a time.
 */
#ifndef PGBR_SIDECAR_QUEUE_JOB_QUEUE_H
#define PGBR_SIDECAR_QUEUE_JOB_QUEUE_H

#include "common/error.h"
#include "sidecar/queue/job.h"
#include "sidecar/queue/job_store.h"

typedef struct JobQueue JobQueue;

/*
 * Take over the store, which the queue closes. Jobs that were running when the last sidecar went
 * down become interrupted: by the time of this call nothing of them may be left running. log_dir is
 * where job logs lie. NULL on failure.
 */
extern JobQueue *job_queue_new(JobStore *store, const char *log_dir, int max_queued,
							   int retention_days, PgbrError *error);
extern void job_queue_free(JobQueue *queue); /* no other thread uses it any more */

/*
 * Accept a job. holder is who drives the restore that it belongs to, or "": while a restore is
 * active only its holder's jobs are accepted (RESTORE_IN_PROGRESS, CONFLICT), only its steps are
 * run, and all others wait. key is the Idempotency-Key or NULL: when it was used before, the first job is given
 * back and *repeated is set; with another request it is refused (INVALID_VALUE). QUEUE_FULL,
 * UNAVAILABLE while stopping, STORAGE.
 */
extern bool job_queue_submit(JobQueue *queue, const JobRequest *request, const char *holder,
							 const char *key, Job *job, bool *repeated, PgbrError *error);

/* A job as it is now, with its progress. NOT_FOUND. */
extern bool job_queue_get(JobQueue *queue, const char *id, Job *job, PgbrError *error);

/*
 * As job_queue_get, but returns when the state is no longer what it was at the call, after seconds,
 * or when the queue stops; is_gone is asked about once a second whether anybody still wants the
 * answer.
 */
extern bool
job_queue_wait(JobQueue *queue, const char *id, int seconds, bool (*is_gone)(void *argument),
			   void *argument, Job *job, PgbrError *error);

/* Call back for each job that the filter lets through, with the queue locked. */
extern bool job_queue_list(JobQueue *queue, const JobFilter *filter, JobVisitor visit,
						   void *argument, PgbrError *error);

/*
 * Cancel. A queued job, and one that is covered, is cancelled at the return. A running one is
 * asked to stop: job_queue_wait tells when it has. Jobs that it covered are queued again. CONFLICT
 * when it has ended.
 */
extern bool job_queue_cancel(JobQueue *queue, const char *id, Job *job, PgbrError *error);

/* Could a job be accepted now? STORAGE or QUEUE_FULL when not. */
extern bool job_queue_check(JobQueue *queue, PgbrError *error);

/* Accept and hand out nothing any more, and end all waits. */
extern void job_queue_stop(JobQueue *queue);
extern bool job_queue_stopping(JobQueue *queue);

/* For job_turn: forget ended jobs that are old, and their logs. The lock of the queue is held; a failure is
 * logged. */
extern void job_queue_purge(JobQueue *queue);

/* Where a job's log lies: a file named by its seq, never by anything from outside. */
extern void job_queue_log_path(JobQueue *queue, const Job *job, char *path, size_t size);

#endif
