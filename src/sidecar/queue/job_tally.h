/*
 * job_tally.h
 *		The outcome of the jobs by kind and type: the last success, the last failure, and the
 *		failures since. For metrics, and for clients that ask for it.
 *
 * A tally reads the whole store once and later only what is new, so asking is cheap. It skips
 * coalesced jobs: their outcome is that of the job that ran. Thread-safe.
 */
#ifndef PGBR_SIDECAR_QUEUE_JOB_TALLY_H
#define PGBR_SIDECAR_QUEUE_JOB_TALLY_H

#include "common/error.h"
#include "sidecar/queue/job_queue.h"

#include <stdint.h>

#define JOB_TALLY_KINDS PGBR_JOB_KIND_COUNT
#define JOB_TALLY_TYPES 3 /* by PgbrBackupType; jobs that are no backups stand at 0 */

typedef struct JobCount
{
	int64_t last_success; /* ms since 1970; 0: never */
	int64_t last_failure; /* of failed and interrupted ones */
	int64_t last_end;
	int64_t last_duration_ms; /* of the last one that was run */
	int last_exit_code;		  /* -1: it had none */
	int failures_in_a_row;
	int64_t succeeded; /* how many are known */
	int64_t failed;
} JobCount;

typedef struct JobSummary
{
	JobCount counts[JOB_TALLY_KINDS][JOB_TALLY_TYPES];
	int queued;	 /* waiting and not coalesced */
	int covered; /* coalesced into another job that has not ended */
	Job running; /* seq 0: none */
} JobSummary;

/* Count a job that has ended. Jobs are given in the order of their acceptance. Pure. */
extern void job_summary_add(JobSummary *summary, const Job *job);

typedef struct JobTally JobTally;

extern JobTally *job_tally_new(void); /* NULL: out of memory */
extern void job_tally_free(JobTally *tally);

/* How it stands now. Fails as job_queue_list does. */
extern bool job_tally_read(JobTally *tally, JobQueue *queue, JobSummary *summary, PgbrError *error);

#endif
