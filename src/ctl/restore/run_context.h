/*
 * run_context.h
 *		A run of a restore: what its steps share. run.c makes it.
 */
#ifndef PGBR_CTL_RESTORE_RUN_CONTEXT_H
#define PGBR_CTL_RESTORE_RUN_CONTEXT_H

#include "ctl/client/cluster.h"
#include "ctl/report/events.h"
#include "ctl/restore/journal.h"

#include <jansson.h>
#include <stdbool.h>

/* A job that this run has asked for or found. */
typedef struct RestoreJob
{
	RestoreStep step;
	char member[RESTORE_NAME_SIZE];
	char id[72];
	int tries;
	bool anew; /* do not take a job that an earlier run has asked for */
} RestoreJob;

/* A member has a job in few of the steps. */
#define RESTORE_JOBS_MAX (4 * RESTORE_MEMBERS_MAX)

typedef struct RestoreRun
{
	Cluster *cluster;
	RestoreJournal *journal;
	RestoreEvents *events;
	json_t *waits; /* [{"for", "seconds"}] */
	RestoreJob jobs[RESTORE_JOBS_MAX];
	int job_count;
	char skipped[200]; /* set by a step that had nothing to do: the reason */
	bool lost;		   /* another control binary holds the lock: nothing may be written any more */
} RestoreRun;

#endif
