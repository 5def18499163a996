/*
 * job_tally.c
 *		See job_tally.h.
 *
 * What the tally keeps are the jobs up to the first that has not ended: nothing changes about them
 * any more. Those from there on are few, and are counted anew each time.
 */
#include "sidecar/queue/job_tally.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct JobTally
{
	pthread_mutex_t lock; /* guards all below */
	int64_t settled;	  /* all jobs up to this seq have ended and are counted in summary */
	JobSummary summary;
};

void
job_summary_add(JobSummary *summary, const Job *job)
{
	bool is_backup = job->request.kind == PGBR_JOB_BACKUP;
	JobCount *count;

	if (job->covered_by[0] || job->state == PGBR_STATE_CANCELLED ||
		(int) job->request.kind >= JOB_TALLY_KINDS)
		return;
	count = &summary->counts[job->request.kind][is_backup ? job->request.type : 0];
	count->last_end = job->finished_at;
	count->last_duration_ms = job->started_at ? job->finished_at - job->started_at : 0;
	count->last_exit_code = job->exit_code;
	if (job->state == PGBR_STATE_SUCCEEDED)
	{
		count->last_success = job->finished_at;
		count->failures_in_a_row = 0;
		count->succeeded++;
		return;
	}
	count->last_failure = job->finished_at;
	count->failures_in_a_row++;
	count->failed++;
}

JobTally *
job_tally_new(void)
{
	JobTally *tally = calloc(1, sizeof(*tally));

	if (tally)
		pthread_mutex_init(&tally->lock, NULL);
	return tally;
}

void
job_tally_free(JobTally *tally)
{
	if (tally == NULL)
		return;
	pthread_mutex_destroy(&tally->lock);
	free(tally);
}

typedef struct Counting
{
	JobTally *tally;
	JobSummary *summary; /* of those that may still change */
	bool settled;		 /* all so far have ended */
} Counting;

static bool
count_job(const Job *job, void *argument)
{
	Counting *counting = argument;
	bool final = pgbr_job_state_is_final(job->state);

	if (!final && counting->settled)
	{
		*counting->summary = counting->tally->summary;
		counting->settled = false;
	}
	if (final)
		job_summary_add(counting->settled ? &counting->tally->summary : counting->summary, job);
	else if (job->covered_by[0])
		counting->summary->covered++;
	else if (job->state == PGBR_STATE_RUNNING)
		counting->summary->running = *job;
	else
		counting->summary->queued++;
	if (counting->settled)
		counting->tally->settled = job->seq;
	return true;
}

bool
job_tally_read(JobTally *tally, JobQueue *queue, JobSummary *summary, PgbrError *error)
{
	Counting counting = {tally, summary, true};
	JobFilter filter = {.oldest_first = true};
	bool ok;

	pthread_mutex_lock(&tally->lock);
	filter.after = tally->settled;
	ok = job_queue_list(queue, &filter, count_job, &counting, error);
	if (ok && counting.settled)
		*summary = tally->summary;
	pthread_mutex_unlock(&tally->lock);
	return ok;
}
