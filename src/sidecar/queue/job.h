/*
 * job.h
 *		What a job is, how a request for a job is read, and which job coalesces into which: pure.
 *
 * A JobRequest and a Job are plain values that can be copied and dropped; they own no memory.
 */
#ifndef PGBR_SIDECAR_QUEUE_JOB_H
#define PGBR_SIDECAR_QUEUE_JOB_H

#include "common/error.h"
#include "common/vocabulary.h"
#include "sidecar/config/caller.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#define JOB_ID_SIZE			 65
#define JOB_LABEL_SIZE		 48
#define JOB_MAX_ANNOTATIONS	 32
#define JOB_ANNOTATIONS_SIZE 4096 /* bytes, as JSON */
#define JOB_ARGUMENTS_SIZE	 1024 /* the same */
#define JOB_RESULT_SIZE		 8193 /* the same */

typedef struct JobRequest
{
	PgbrJobKind kind;
	PgbrBackupType type;					/* of a backup */
	int repo;								/* 0: pgbackrest's own choice */
	bool dry_run;							/* of an expire */
	bool backup_standby;					/* of a backup: copy from a standby */
	char set[JOB_LABEL_SIZE];				/* a backup's label, or "" */
	char requested_by[CALLER_NAME_SIZE];	/* what the sidecar knows; not of the request */
	char claimed_by[129];					/* what the request says, or "" */
	char reason[257];						/* or "" */
	char annotations[JOB_ANNOTATIONS_SIZE]; /* JSON object with sorted keys, or "" */
	char restore[JOB_ID_SIZE];				/* the restore it belongs to, or "" */
	char arguments[JOB_ARGUMENTS_SIZE];		/* of a step: JSON object with sorted keys, or "" */
} JobRequest;

typedef struct JobProgress
{
	const char *phase; /* a constant, or NULL: none to show */
	int64_t bytes_done;
	int64_t bytes_total; /* -1: not known yet */
	double percent;		 /* -1: not known yet */
} JobProgress;

typedef struct Job
{
	int64_t seq; /* the order of acceptance */
	char id[JOB_ID_SIZE];
	JobRequest request;
	PgbrJobState state;
	char covered_by[JOB_ID_SIZE]; /* or "" */
	int64_t requested_at;		  /* ms since 1970; 0: not yet */
	int64_t started_at;
	int64_t finished_at;
	char label[JOB_LABEL_SIZE];
	int exit_code;	/* -1: none */
	char error[64]; /* or "" */
	char message[1024];
	char hint[512];
	char result[JOB_RESULT_SIZE]; /* of a step: JSON object, or "" */
	JobProgress progress;
} Job;

/* Read a request's JSON: known members only, each of its kind and in its grammar. BAD_REQUEST or
 * INVALID_VALUE. Steps are refused. */
extern bool job_request_read(const json_t *body, JobRequest *request, PgbrError *error);

/* The same for a job of a restore that holder drives. A step keeps its other members as arguments,
 * which step_check reads later; a backup and an annotation have none. holder is of JOB_ID_SIZE. */
extern bool job_restore_request_read(const json_t *body, const char *restore, JobRequest *request,
									 char *holder, PgbrError *error);

/* Say who asks, as the sidecar knows it. True. */
extern bool job_request_from(JobRequest *request, const Caller *caller);

/* The request as canonical JSON, without the caller: two requests ask for the same exactly when
 * these texts are equal. The caller owns a reference; NULL when out of memory. */
extern json_t *job_request_json(const JobRequest *request);

/* The job as the API shows it. The caller owns a reference; NULL when out of memory. */
extern json_t *job_json(const Job *job);

#endif
