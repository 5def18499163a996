/*
 * step_context.h
 *		What a step of a restore is given, and what it gives back. All texts and parts are borrowed;
 *		one thread at a time uses it.
 */
#ifndef PGBR_SIDECAR_RESTORE_STEP_CONTEXT_H
#define PGBR_SIDECAR_RESTORE_STEP_CONTEXT_H

#include "sidecar/config/config.h"
#include "sidecar/pgbackrest/info_cache.h"
#include "sidecar/queue/job.h"
#include "sidecar/queue/job_queue.h"

#include <jansson.h>

#define STEP_RESULT_SIZE 8192 /* bytes of a result as JSON, at most */

typedef struct StepContext
{
	const SidecarConfig *config;
	JobQueue *queue;	 /* progress, the wish to stop, restore points */
	InfoCache *cache;	 /* the archive's id */
	const char *restore; /* id of the restore that the job belongs to; in the grammar of job ids */
	const char *data_directory; /* remembered or given; "" when nobody knows */
	const char *postgres_bin; /* folder of PostgreSQL's programs, or "": those of postmaster.opts */
	const char *mark;		  /* PROCESS_MARK of what the step starts */
	const json_t *arguments;  /* as they were posted; NULL counts as {} */
	void (*log_line)(void *argument, const char *line); /* one line of the job's log */
	void *argument;
	json_t *result; /* out: the caller's to free; NULL when there is none */
} StepContext;

#endif
