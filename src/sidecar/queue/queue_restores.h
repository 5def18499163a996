/*
 * queue_restores.h
 *		The restore that holds this member, and the journals of all of them. They lie in the same
 *		store and behind the same lock as the jobs, for a restore decides which jobs are accepted
 *		and run.
 *
 * As job_queue.h.
 */
#ifndef PGBR_SIDECAR_QUEUE_QUEUE_RESTORES_H
#define PGBR_SIDECAR_QUEUE_QUEUE_RESTORES_H

#include "common/error.h"
#include "sidecar/queue/restore_lock.h"
#include "sidecar/queue/restore_store.h"

typedef struct JobQueue JobQueue;

/* Do what restore_put_decide allows. record, which the caller has initialized, is then what is on
 * disk. */
extern bool job_queue_put_restore(JobQueue *queue, const RestorePut *put, RestoreRecord *record,
								  int *holder_seconds_left, PgbrError *error);

/* NOT_FOUND. */
extern bool job_queue_get_restore(JobQueue *queue, const char *id, RestoreRecord *record,
								  int *holder_seconds_left, PgbrError *error);

/* Call back for the newest, newest first, with the queue locked. */
typedef void (*RestoreRecordVisitor)(const RestoreRecord *record, int holder_seconds_left,
									 void *argument);
extern bool job_queue_list_restores(JobQueue *queue, int limit, RestoreRecordVisitor visit,
									void *argument, PgbrError *error);

/* The active restore and the running job, "" for none; both of JOB_ID_SIZE. */
extern void job_queue_at_work(JobQueue *queue, char *restore, char *running);

/* For the queue itself: end a restore that has done nothing yet and whose holder is gone. The
 * caller holds the lock of the queue. */
extern void job_queue_give_up(JobQueue *queue);

#endif
