/*
 * queue_restores.c
 *		See queue_restores.h.
 */
#include "sidecar/queue/queue_restores.h"

#include "program/clock.h"
#include "program/json.h"
#include "program/log.h"
#include "sidecar/queue/job_queue_state.h"

#include <string.h>

/* Cancel the steps of a restore that have not begun: it has ended. Inside a transaction. */
static bool
cancel_steps(JobQueue *queue, const char *id, PgbrError *error)
{
	PgbrJobState queued = PGBR_STATE_QUEUED;
	JobFilter filter = {.state = &queued, .steps_of = id, .oldest_first = true};
	JobArray array;
	bool ok = true;

	if (!job_store_load(queue->store, &filter, &array, error))
		return false;
	for (int i = 0; ok && i < array.count; i++)
	{
		Job *job = array.jobs[i];

		job->state = PGBR_STATE_CANCELLED;
		job->finished_at = clock_now_ms();
		strcpy(job->message, "the restore ended before this step began");
		ok = job_store_update(queue->store, job, error);
	}
	job_array_done(&array);
	return ok;
}

/* End the active restore: another one replaces it. Inside a transaction. */
static bool
replace_active(JobQueue *queue, PgbrError *error)
{
	RestoreRecord record;
	bool ok;

	restore_record_init(&record);
	ok = restore_store_find(queue->store, queue->hold.id, &record, error);
	if (ok)
	{
		record.state = RESTORE_REPLACED;
		record.updated_at = clock_now_ms();
		ok = restore_store_update(queue->store, &record, error) &&
			 cancel_steps(queue, queue->hold.id, error);
	}
	restore_record_done(&record);
	return ok;
}

/* Inside a transaction. */
static bool
write_record(JobQueue *queue, const RestorePut *put, const RestoreDecision *decision,
			 RestoreRecord *record, PgbrError *error)
{
	bool is_new = decision->step == RESTORE_PUT_CREATE;

	if (decision->replace && !replace_active(queue, error))
		return false;
	record->updated_at = clock_now_ms();
	record->state = put->done ? RESTORE_DONE : RESTORE_ACTIVE;
	strcpy(record->holder, put->holder);
	if (is_new)
	{
		strcpy(record->id, put->id);
		record->created_at = record->updated_at;
	}
	if (put->document || is_new)
	{
		record->revision = put->document ? put->revision : 0;
		strbuf_clear(&record->document);
		strbuf_puts(&record->document, put->document ? put->document : "null");
	}
	if (record->document.failed)
		return pgbr_error_set(error, PGBR_ERROR_INTERNAL, "out of memory");
	return (is_new ? restore_store_insert : restore_store_update)(queue->store, record, error) &&
		   (!decision->release || cancel_steps(queue, put->id, error)) &&
		   restore_store_purge(queue->store, error);
}

/* The change is on disk; change the lock in memory accordingly. */
static void
change_hold(JobQueue *queue, const RestorePut *put, const RestoreDecision *decision, int64_t now)
{
	RestoreHold *hold = &queue->hold;

	if (decision->hold)
	{
		if (strcmp(hold->id, put->id) != 0)
			log_event(LOG_LEVEL_INFO, put->id, "the restore begins: other jobs wait until it ends");
		else if (strcmp(hold->holder, put->holder) != 0)
			log_event(LOG_LEVEL_INFO, put->id, "the restore has a new holder");
		strcpy(hold->id, put->id);
		strcpy(hold->holder, put->holder);
		hold->until = now + (int64_t) put->lease_seconds * 1000;
		if (put->document)
		{
			hold->harmless = put->harmless;
			hold->resumed = put->resumed;
		}
		/* the runner looks again at how long it may wait, and at what waits */
		if (hold->harmless || hold->resumed)
			pthread_cond_broadcast(&queue->changed);
	}
	else if (decision->release)
	{
		log_event(LOG_LEVEL_INFO, put->id, "the restore has ended");
		*hold = (RestoreHold){0};
		/* the runner looks again at what waits */
		pthread_cond_broadcast(&queue->changed);
	}
}

static bool
end_given_up(JobQueue *queue, RestoreRecord *record, PgbrError *error)
{
	record->state = RESTORE_DONE;
	record->updated_at = clock_now_ms();
	if (!job_store_begin(queue->store, error))
		return false;
	if (restore_store_update(queue->store, record, error) &&
		cancel_steps(queue, record->id, error) && job_store_commit(queue->store, error))
		return true;
	job_store_rollback(queue->store);
	return false;
}

void
job_queue_give_up(JobQueue *queue)
{
	RestoreRecord record;
	PgbrError error;

	if (clock_monotonic_ms() < restore_give_up_at(&queue->hold))
		return;
	restore_record_init(&record);
	if (restore_store_find(queue->store, queue->hold.id, &record, &error) &&
		end_given_up(queue, &record, &error))
	{
		log_event(LOG_LEVEL_WARNING, record.id,
				  "the restore was abandoned: nobody continued it, and nothing had been done yet");
		queue->hold = (RestoreHold){0};
		pthread_cond_broadcast(&queue->changed);
	}
	else
	{
		log_error(queue->hold.id, "could not give up the restore", &error);
		queue->hold.until = clock_monotonic_ms();
	}
	restore_record_done(&record);
}

/* A holder that ends a restore writes into its journal how it ended. */
static bool
was_given_up(const RestoreRecord *record)
{
	json_t *document = record->state == RESTORE_DONE
						   ? json_parse(record->document.data, record->document.length, NULL)
						   : NULL;
	bool given_up =
		json_flag(document, "harmless") && !json_is_object(json_object_get(document, "outcome"));

	json_decref(document);
	return given_up;
}

static bool
put_locked(JobQueue *queue, const RestorePut *put, RestoreRecord *record, PgbrError *error)
{
	int64_t now = clock_monotonic_ms();
	PgbrError reason = PGBR_ERROR_INIT;
	RestoreStored stored;
	RestoreDecision decision;
	bool found = restore_store_find(queue->store, put->id, record, &reason);

	if (!found && reason.code != PGBR_ERROR_NOT_FOUND)
	{
		*error = reason;
		return false;
	}
	if (queue->stopping)
		return pgbr_error_set(error, PGBR_ERROR_UNAVAILABLE, "the sidecar is stopping");
	stored = (RestoreStored){record->state, record->revision,
							 put->document && strcmp(record->document.data, put->document) == 0,
							 strcmp(record->holder, put->holder) == 0, was_given_up(record)};
	if (!restore_put_decide(put, found ? &stored : NULL, &queue->hold, now, &decision, error))
		return false;
	if (decision.step == RESTORE_PUT_CREATE || decision.step == RESTORE_PUT_WRITE)
	{
		if (!job_store_begin(queue->store, error))
			return false;
		if (!write_record(queue, put, &decision, record, error))
		{
			job_store_rollback(queue->store);
			return false;
		}
		if (!job_store_commit(queue->store, error))
			return false;
	}
	change_hold(queue, put, &decision, now);
	return true;
}

/* Lock held. */
static int
seconds_left(const JobQueue *queue, const RestoreRecord *record)
{
	return strcmp(queue->hold.id, record->id) == 0
			   ? restore_seconds_left(&queue->hold, clock_monotonic_ms())
			   : 0;
}

bool
job_queue_put_restore(JobQueue *queue, const RestorePut *put, RestoreRecord *record,
					  int *holder_seconds_left, PgbrError *error)
{
	bool ok;

	pthread_mutex_lock(&queue->lock);
	ok = put_locked(queue, put, record, error);
	*holder_seconds_left = ok ? seconds_left(queue, record) : 0;
	pthread_mutex_unlock(&queue->lock);
	return ok;
}

bool
job_queue_get_restore(JobQueue *queue, const char *id, RestoreRecord *record,
					  int *holder_seconds_left, PgbrError *error)
{
	bool ok;

	pthread_mutex_lock(&queue->lock);
	ok = restore_store_find(queue->store, id, record, error);
	*holder_seconds_left = ok ? seconds_left(queue, record) : 0;
	pthread_mutex_unlock(&queue->lock);
	return ok;
}

typedef struct ListArgument
{
	JobQueue *queue;
	RestoreRecordVisitor visit;
	void *argument;
} ListArgument;

static void
visit_with_lease(const RestoreRecord *record, void *argument)
{
	ListArgument *list = argument;

	list->visit(record, seconds_left(list->queue, record), list->argument);
}

bool
job_queue_list_restores(JobQueue *queue, int limit, RestoreRecordVisitor visit, void *argument,
						PgbrError *error)
{
	ListArgument list = {queue, visit, argument};
	bool ok;

	pthread_mutex_lock(&queue->lock);
	ok = restore_store_list(queue->store, limit, visit_with_lease, &list, error);
	pthread_mutex_unlock(&queue->lock);
	return ok;
}

void
job_queue_at_work(JobQueue *queue, char *restore, char *running)
{
	pthread_mutex_lock(&queue->lock);
	strcpy(restore, queue->hold.id);
	strcpy(running, queue->running);
	pthread_mutex_unlock(&queue->lock);
}
