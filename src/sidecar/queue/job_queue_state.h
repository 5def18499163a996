/*
 * job_queue_state.h
 *		What the queue is made of: for job_queue, job_turn, queue_restores and queue_facts alone.
 */
#ifndef PGBR_SIDECAR_QUEUE_JOB_QUEUE_STATE_H
#define PGBR_SIDECAR_QUEUE_JOB_QUEUE_STATE_H

#include "sidecar/queue/job.h"
#include "sidecar/queue/job_store.h"
#include "sidecar/queue/restore_lock.h"

#include <pthread.h>

typedef struct JobQueue
{
	pthread_mutex_t lock;	/* guards all below */
	pthread_cond_t changed; /* a job's state, the end of a restore, or stopping */
	JobStore *store;
	RestoreHold hold; /* the restore that holds this member; other jobs wait until it ends */
	char log_dir[4000];
	int max_queued;
	int retention_days;
	int stop_fd;
	bool stopping;
	bool cancelled; /* the running job is to stop */
	char running[JOB_ID_SIZE];
	JobProgress progress; /* of the running job */
} JobQueue;

#endif
