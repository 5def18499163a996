/*
 * decide.h
 *		From a request to a plan: gather the facts, decide, have the backup verified, decide again.
 *
 * Changes nothing but that a verify job may run on the leader's sidecar. One thread uses a cluster at a
 * time.
 */
#ifndef PGBR_CTL_RESTORE_DECIDE_H
#define PGBR_CTL_RESTORE_DECIDE_H

#include "ctl/client/cluster.h"
#include "ctl/plan/plan.h"

#include <stdbool.h>

/* Whether pgbackrest is to read the files of the repository before anything stops. */
typedef enum RestoreVerifying
{
	RESTORE_VERIFY_SMALL, /* when that takes seconds; else the last verify job counts */
	RESTORE_VERIFY_YES,
	RESTORE_VERIFY_NO,
} RestoreVerifying;

typedef struct DecideOptions
{
	RestoreVerifying verifying;
	/* there is an active restore, which this one goes on with or replaces: a cluster that is paused and sidecars that
	 * are locked are no hindrance */
	bool retry;
	/* what that one had planned, and the timeline that its leader was on last, or 0 while it has touched no data: once
	 * it has, the control data of those that are down may be gone, or be those of a backup; NULL: not known */
	const RestorePlan *before;
	uint32_t timeline_before;
	uint32_t
		timeline_followed; /* on which the same target was found then; 0: another one is asked for */
	const char *newest;	   /* the id of the newest restore that is known; NULL: there is none */
	void (*tell)(const char *text); /* told what takes long; NULL: nobody is */
} DecideOptions;

/*
 * Make the plan. False with refusal->error set when it was refused, whose code is CONFLICT or INVALID_VALUE;
 * false with error set, and refusal->error.code NONE, when the facts can't be had.
 */
extern bool
restore_decide(Cluster *cluster, const RestoreRequest *request, const DecideOptions *how,
			   RestorePlan *plan, RestoreRefusal *refusal, PgbrError *error);

#endif
