/*
 * coalesced_jobs.c
 *		See coalesced_jobs.h. job_coalesce.c decides which job is coalesced into which.
 */
#include "sidecar/queue/coalesced_jobs.h"

#include "sidecar/queue/job_coalesce.h"

#include <stdlib.h>
#include <string.h>

/* Coalesce one waiting job into another, together with the jobs that were coalesced into it. */
static bool
cover(JobStore *store, Job *job, const Job *by, PgbrError *error)
{
	JobFilter filter = {.covered_by = job->id, .oldest_first = true};
	JobArray array;
	bool ok = true;

	strcpy(job->covered_by, by->id);
	if (!job_store_update(store, job, error) || !job_store_load(store, &filter, &array, error))
		return false;
	for (int i = 0; ok && i < array.count; i++)
	{
		if (pgbr_job_state_is_final(array.jobs[i]->state))
			continue;
		strcpy(array.jobs[i]->covered_by, by->id);
		ok = job_store_update(store, array.jobs[i], error);
	}
	job_array_done(&array);
	return ok;
}

/* Coalesce the waiting jobs as far as possible. Inside a transaction. */
bool
coalesce_queued_jobs(JobStore *store, PgbrError *error)
{
	PgbrJobState queued = PGBR_STATE_QUEUED;
	JobFilter filter = {.state = &queued, .covered_by = "", .oldest_first = true};
	JobArray array;
	int covered;
	int by;
	bool ok = true;

	if (!job_store_load(store, &filter, &array, error))
		return false;
	while (ok && job_find_cover((const Job *const *) array.jobs, array.count, &covered, &by))
	{
		Job *job = array.jobs[covered];

		ok = cover(store, job, array.jobs[by], error);
		array.count--;
		memmove(&array.jobs[covered], &array.jobs[covered + 1],
				(size_t) (array.count - covered) * sizeof(*array.jobs));
		free(job);
	}
	job_array_done(&array);
	return ok;
}

/* When a job ends, give its outcome to the jobs that were coalesced into it. If it alone was
 * cancelled, put them back into the queue. Inside a transaction. */
static bool
settle_covered(JobStore *store, const Job *job, PgbrError *error)
{
	JobFilter filter = {.covered_by = job->id, .oldest_first = true};
	JobArray array;
	bool ok = true;

	if (!job_store_load(store, &filter, &array, error))
		return false;
	for (int i = 0; ok && i < array.count; i++)
	{
		Job *covered = array.jobs[i];

		if (pgbr_job_state_is_final(covered->state))
			continue;
		if (job->state == PGBR_STATE_CANCELLED)
		{
			covered->state = PGBR_STATE_QUEUED;
			covered->covered_by[0] = '\0';
			covered->started_at = 0;
		}
		else
		{
			covered->state = job->state;
			covered->started_at = job->started_at;
			covered->finished_at = job->finished_at;
			covered->exit_code = job->exit_code;
			strcpy(covered->label, job->label);
			strcpy(covered->error, job->error);
			strcpy(covered->message, job->message);
			strcpy(covered->hint, job->hint);
		}
		ok = job_store_update(store, covered, error);
	}
	job_array_done(&array);
	return ok && (job->state != PGBR_STATE_CANCELLED || coalesce_queued_jobs(store, error));
}

/* Write a job and the jobs that were coalesced into it, as one change. */
bool
coalesced_jobs_change(JobStore *store, const Job *job, PgbrError *error)
{
	if (!job_store_begin(store, error))
		return false;
	if (job_store_update(store, job, error) && settle_covered(store, job, error))
		return job_store_commit(store, error);
	job_store_rollback(store);
	return false;
}
