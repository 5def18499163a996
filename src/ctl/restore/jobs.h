/*
 * jobs.h
 *		The jobs of a restore on the sidecars: asked for once, found again by their names, waited
 *		for.
 */
#ifndef PGBR_CTL_RESTORE_JOBS_H
#define PGBR_CTL_RESTORE_JOBS_H

#include "ctl/restore/run_context.h"

#include <jansson.h>
#include <stdbool.h>

/*
 * Have a member do a step's job, or find the job that does it already. *job is the caller's.
 * arguments are taken over.
 */
extern bool restore_job_start(RestoreRun *run, RestoreStep step, const char *member,
							  const char *kind, json_t *arguments, json_t **job, PgbrError *error);

/*
 * The job that restore_job_start returned in this run, as it is now; *job is NULL when there is
 * none.
 */
extern bool restore_job_find(RestoreRun *run, RestoreStep step, const char *member, json_t **job,
							 PgbrError *error);

/*
 * Wait for the end of the job that restore_job_start returned. A job that was interrupted by a
 * restart of its sidecar is asked for again. True: it has succeeded, and *job is its last state.
 * With until_begun it returns as soon as the job writes.
 */
extern bool restore_job_wait(RestoreRun *run, RestoreStep step, const char *member, json_t **job,
							 bool until_begun, PgbrError *error);

#endif
