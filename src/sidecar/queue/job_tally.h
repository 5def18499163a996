/*
 * job_tally.h
 *		What became of the jobs, by kind and type: when one last succeeded and failed, how many have
 *		failed since. For metrics, and for clients that ask how it goes.
 *
 * A tally goes over the store once and from then on only over what came after, so that asking is
 * cheap. Jobs that another one covered are left out: their outcome is that one's. Thread-safe.
 */
#ifndef PGBR_SIDECAR_QUEUE_JOB_TALLY_H
#define PGBR_SIDECAR_QUEUE_JOB_TALLY_H

#include "common/error.h"
#include "sidecar/queue/job_queue.h"

#include <stdint.h>

#define JOB_TALLY_KINDS 32
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
	int queued;	 /* that wait and are covered by none */
	int covered; /* that wait for the end of another */
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
