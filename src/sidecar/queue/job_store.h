/*
 * job_store.h
 *		Jobs and restore points on disk: SQLite, so that what was accepted survives a crash of the
 *		sidecar and of its host. Every change is on disk when the function returns.
 *
 * Holds no policy: job_queue decides. Not thread-safe by itself: job_queue's lock guards it.
 * Functions fail with STORAGE (disk full, unreadable, not ours) unless said otherwise, and then
 * nothing has changed.
 */
#ifndef PGBR_SIDECAR_QUEUE_JOB_STORE_H
#define PGBR_SIDECAR_QUEUE_JOB_STORE_H

#include "common/error.h"
#include "sidecar/queue/job.h"
#include "sidecar/queue/store_db.h"

/* Keep a new job; fills job->seq. key and fingerprint are the request's Idempotency-Key and its
 * canonical JSON, or NULL. */
extern bool job_store_insert(JobStore *store, Job *job, const char *key, const char *fingerprint,
							 PgbrError *error);

/* Write back everything that changes in a job's life: state, covered_by, times and outcome. */
extern bool job_store_update(JobStore *store, const Job *job, PgbrError *error);

/* Find a job: NOT_FOUND when there is none. */
extern bool job_store_find(JobStore *store, const char *id, Job *job, PgbrError *error);

/*
 * Find the job of an Idempotency-Key; *same tells whether it was asked for with this fingerprint.
 */
extern bool job_store_find_key(JobStore *store, const char *key, const char *fingerprint, Job *job,
							   bool *same, PgbrError *error);

typedef struct JobFilter
{
	const PgbrJobState *state; /* or NULL: any */
	const PgbrJobKind *kind;   /* or NULL: any */
	const char *covered_by;	   /* or NULL: any; "" for those that are covered by none */
	const char *steps_of;	   /* or NULL: any; a restore's id: its jobs, but for the backup */
	int64_t before;			   /* seq, or 0 */
	int64_t after;			   /* seq, or 0 */
	int limit;				   /* or 0: none */
	bool oldest_first;
} JobFilter;

/* Call back for each job; the Job is only lent. The callback returns false to stop. */
typedef bool (*JobVisitor)(const Job *job, void *argument);
extern bool job_store_list(JobStore *store, const JobFilter *filter, JobVisitor visit,
						   void *argument, PgbrError *error);

/* Jobs in memory, for as long as a decision takes. */
typedef struct JobArray
{
	Job **jobs;
	int count;
	bool failed; /* out of memory */
} JobArray;

/* All jobs that the filter lets through; the caller ends the array. Nothing to free on failure. */
extern bool
job_store_load(JobStore *store, const JobFilter *filter, JobArray *array, PgbrError *error);
extern void job_array_done(JobArray *array);

/*
 * The clock alone must not decide what is removed: a clock that is years ahead for a moment would
 * remove the whole history. So the newest rows always stay, and a maximum number of rows holds
 * whatever the clock says. Everything that is removed by age follows this rule.
 */
#define STORE_KEPT_ALWAYS 1000
#define STORE_KEPT_MOST	  20000

/* Remove jobs that ended before a moment, within these limits; calls back with the seq of each. */
extern bool job_store_purge(JobStore *store, int64_t before, void (*forget)(int64_t seq, void *),
							void *argument, PgbrError *error);

typedef struct RestorePoint
{
	char name[64];
	char lsn[20];
	int timeline;
	int64_t time; /* ms since 1970 */
	char xid[24];
	int64_t seq; /* the order in which they were kept here; 0: not yet */
} RestorePoint;

/* Keep a restore point; DUPLICATE when the name exists on its timeline. Only the newest
 * STORE_POINTS_MOST are kept. */
#define STORE_POINTS_MOST 10000
extern bool job_store_add_point(JobStore *store, const RestorePoint *point, PgbrError *error);

/* Call back for each, newest first; name NULL and timeline 0 mean any. */
typedef void (*PointVisitor)(const RestorePoint *point, void *argument);
extern bool job_store_list_points(JobStore *store, const char *name, int timeline,
								  PointVisitor visit, void *argument, PgbrError *error);

/* The first ones, at most limit, that were kept after a seq; oldest first. */
extern bool job_store_points_after(JobStore *store, int64_t seq, int limit, PointVisitor visit,
								   void *argument, PgbrError *error);

#endif
