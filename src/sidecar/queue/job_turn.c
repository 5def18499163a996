/*
 * job_turn.c
 *		See job_turn.h.
 */
#include "sidecar/queue/job_turn.h"

#include "program/clock.h"
#include "program/condition.h"
#include "program/log.h"
#include "sidecar/queue/coalesced_jobs.h"
#include "sidecar/queue/job_queue_state.h"
#include "sidecar/queue/queue_restores.h"

#include <string.h>
#include <unistd.h>

/* How long to wait before the store is tried again after it failed, in ms. */
#define RETRY_MS 1000

static bool
take_first(const Job *job, void *argument)
{
	*(Job *) argument = *job;
	return false;
}

/* False when the store failed. *found: a job was waiting and is now marked running. */
static bool
take_locked(JobQueue *queue, Job *job, bool *found, PgbrError *error)
{
	PgbrJobState queued = PGBR_STATE_QUEUED;
	JobFilter filter = {.state = &queued, .covered_by = "", .limit = 1, .oldest_first = true};

	if (queue->hold.id[0] && !queue->hold.resumed)
		filter.steps_of = queue->hold.id;
	job->seq = 0;
	*found = false;
	if (!job_store_list(queue->store, &filter, take_first, job, error))
		return false;
	if (job->seq == 0)
		return true;
	job->state = PGBR_STATE_RUNNING;
	job->started_at = clock_now_ms();
	*found = coalesced_jobs_change(queue->store, job, error);
	return *found;
}

bool
job_queue_take(JobQueue *queue, Job *job)
{
	bool found = false;
	bool reported = false;

	pthread_mutex_lock(&queue->lock);
	while (!queue->stopping && !found)
	{
		PgbrError error;
		int64_t give_up_at;

		job_queue_give_up(queue);
		give_up_at = restore_give_up_at(&queue->hold);
		if (!take_locked(queue, job, &found, &error))
		{
			if (!reported)
				log_error(NULL, "could not start the next job", &error);
			reported = true;
			condition_wait_until(&queue->changed, &queue->lock, clock_monotonic_ms() + RETRY_MS);
		}
		else if (!found && give_up_at < INT64_MAX)
			condition_wait_until(&queue->changed, &queue->lock, give_up_at);
		else if (!found)
			pthread_cond_wait(&queue->changed, &queue->lock);
	}
	if (found)
	{
		strcpy(queue->running, job->id);
		queue->progress = (JobProgress){NULL, 0, -1, -1};
		queue->cancelled = false;
		pthread_cond_broadcast(&queue->changed);
	}
	pthread_mutex_unlock(&queue->lock);
	return found;
}

void
job_queue_progress(JobQueue *queue, const JobProgress *progress)
{
	pthread_mutex_lock(&queue->lock);
	queue->progress = *progress;
	pthread_mutex_unlock(&queue->lock);
}

bool
job_queue_finish(JobQueue *queue, const Job *job, PgbrError *error)
{
	bool ok;

	pthread_mutex_lock(&queue->lock);
	ok = coalesced_jobs_change(queue->store, job, error);
	if (ok)
	{
		uint64_t count;

		queue->running[0] = '\0';
		if (!queue->stopping)
			(void) !read(queue->stop_fd, &count, sizeof(count));
		job_queue_purge(queue);
		pthread_cond_broadcast(&queue->changed);
	}
	pthread_mutex_unlock(&queue->lock);
	return ok;
}

int
job_queue_stop_fd(JobQueue *queue)
{
	return queue->stop_fd;
}

bool
job_queue_cancelled(JobQueue *queue)
{
	bool cancelled;

	pthread_mutex_lock(&queue->lock);
	cancelled = queue->cancelled;
	pthread_mutex_unlock(&queue->lock);
	return cancelled;
}
