/*
 * step.h
 *		The steps of a restore that are done on a member's own node: marking the point to come back
 *		to, stopping PostgreSQL, saving its WAL, keeping the old data directory, restoring, and
 *		recovering behind a private socket.
 *
 * A step is a job. Each can be run again after it was killed at any moment, and then gives the
 * result that it would have given; arguments are held to their grammar here, whoever checked them
 * before. What a step must remember lies in STATE_DIR/restore/ID.
 *
 * node_step_run is called by one thread at a time. node_step_check is pure.
 */
#ifndef PGBR_SIDECAR_STEPS_STEP_H
#define PGBR_SIDECAR_STEPS_STEP_H

#include "common/error.h"
#include "sidecar/config/config.h"
#include "sidecar/pgbackrest/info_cache.h"
#include "sidecar/queue/job.h"
#include "sidecar/queue/job_queue.h"

#include <jansson.h>

#define NODE_RESULT_SIZE 8192 /* bytes of a result as JSON, at most */

typedef struct NodeStepContext
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
} NodeStepContext;

/* Whether arguments are what a step of this kind ("node-stop") takes. INVALID_VALUE naming the
 * member; also for a kind that is no step. */
extern bool node_step_check(const char *kind, const json_t *arguments, PgbrError *error);

/* Do the step: sets the job's state and what belongs to it (exit_code, error, message, hint), and
 * the context's result. */
extern void node_step_run(NodeStepContext *context, Job *job);

#endif
