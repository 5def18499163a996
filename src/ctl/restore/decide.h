/*
 * decide.h
 *		From a request to a plan: gather the facts, plan, have the backup verified, plan again.
 *
 * Changes nothing, except that a verify job may run on the leader's sidecar. One thread uses a
 * cluster at a time.
 */
#ifndef PGBR_CTL_RESTORE_DECIDE_H
#define PGBR_CTL_RESTORE_DECIDE_H

#include "ctl/client/cluster.h"
#include "ctl/plan/plan.h"

#include <stdbool.h>

/* Whether pgbackrest reads the files of the repository before anything is stopped. */
typedef enum RestoreVerifying
{
	RESTORE_VERIFY_SMALL, /* when that takes seconds; else the last verify job counts */
	RESTORE_VERIFY_YES,
	RESTORE_VERIFY_NO,
} RestoreVerifying;

typedef struct DecideOptions
{
	RestoreVerifying verifying;
	/*
	 * There is an active restore, and this one continues or replaces it. A paused cluster and
	 * locked sidecars are then no reason to refuse.
	 */
	bool retry;
	/*
	 * The plan of that restore; NULL: not known. And the last timeline of its leader; 0 while it
	 * has touched no data. After that, the control data of a member that is down may be missing or
	 * be that of a backup.
	 */
	const RestorePlan *before;
	const char *led_before; /* restore_journal_leads of its journal */
	uint32_t timeline_before;
	/* the same target was found on this timeline then; 0: another target is asked for */
	uint32_t timeline_followed;
	const char *undone_keep;		/* whom the restore that is undone has kept; NULL: nobody */
	uint64_t undo_lsn;				/* of an undo: where its undo point is; 0: not known */
	const char *newest;				/* the ID of the newest known restore; NULL: there is none */
	void (*tell)(const char *text); /* called with what takes long; may be NULL */
} DecideOptions;

/*
 * Make the plan. False with refusal->error set (CONFLICT or INVALID_VALUE) when the plan is
 * refused. False with error set, and refusal->error.code NONE, when the facts can't be gathered.
 */
extern bool
restore_decide(Cluster *cluster, const RestoreRequest *request, const DecideOptions *how,
			   RestorePlan *plan, RestoreRefusal *refusal, PgbrError *error);

#endif
