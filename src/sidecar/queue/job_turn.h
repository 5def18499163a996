/*
 * job_turn.h
 *		The queue as the runner sees it: the next job, how far it is, its end, and whether it is to
 *		stop.
 *
 * As job_queue.h.
 */
#ifndef PGBR_SIDECAR_QUEUE_JOB_TURN_H
#define PGBR_SIDECAR_QUEUE_JOB_TURN_H

#include "sidecar/queue/job_queue.h"

/* Wait for the next job and mark it running. False when the queue stops. */
extern bool job_queue_take(JobQueue *queue, Job *job);

/* Show how far the running job is. Not on disk. */
extern void job_queue_progress(JobQueue *queue, const JobProgress *progress);

/* The running job has ended; job holds its outcome. On STORAGE call it again. */
extern bool job_queue_finish(JobQueue *queue, const Job *job, PgbrError *error);

/* A descriptor that becomes readable when the running job is to stop: cancelled, or the sidecar is
 * stopping. It is reset when a job is taken. */
extern int job_queue_stop_fd(JobQueue *queue);
extern bool job_queue_cancelled(JobQueue *queue);

#endif
