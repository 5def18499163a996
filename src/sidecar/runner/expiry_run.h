/*
 * expiry_run.h
 *		Runs the jobs that remove backups, a backup with its expire and an expire, so that pinned
 *		ones stay.
 *
 * Without pins these are pgbackrest's own. With pins pgbackrest is kept from expiring by itself,
 * and expiry.h's plan is run instead. When it is not known what is pinned, nothing is removed.
 */
#ifndef PGBR_SIDECAR_RUNNER_EXPIRY_RUN_H
#define PGBR_SIDECAR_RUNNER_EXPIRY_RUN_H

#include "sidecar/config/config.h"
#include "sidecar/pgbackrest/info_cache.h"
#include "sidecar/queue/job.h"
#include "sidecar/queue/job_queue.h"
#include "sidecar/pgbackrest/command_line.h"
#include "sidecar/pgbackrest/pgbackrest.h"

#include <stdbool.h>

typedef struct ExpiryRun
{
	const SidecarConfig *config;
	JobQueue *queue;
	InfoCache *cache;
	Job *job; /* its state and what belongs to it are set */
	/* Run a command line, which is taken over, to its end, and set the job's outcome by it. False
	 * when the job is not to go on: it was cancelled, or the sidecar stops. */
	bool (*run_command)(void *argument, Command *command);
	void (*log_line)(void *argument, const char *line);
	void *argument;
} ExpiryRun;

/* Do the job. Called by the one thread that runs jobs. */
extern void expiry_run(ExpiryRun *run);

#endif
