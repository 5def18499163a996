/*
 * state.h
 *		Which step of a restore comes next, decided by the journal and by the state of the cluster.
 *
 * Pure. A run that continues after a kill asks here which steps still hold. A step is repeated when
 * its effect is gone: a stopped PostgreSQL runs again, or Patroni is no longer paused.
 */
#ifndef PGBR_CTL_PLAN_STATE_H
#define PGBR_CTL_PLAN_STATE_H

#include "ctl/plan/plan.h"

#include <stdbool.h>

/* name, word in the journal and in events */
#define RESTORE_STEP_STATES(X) \
	X(PENDING, "pending")      \
	X(STARTED, "started")      \
	X(DONE, "done")            \
	X(FAILED, "failed")        \
	X(SKIPPED, "skipped")

typedef enum RestoreStepState
{
#define X(name, word) RESTORE_STEP_##name,
	RESTORE_STEP_STATES(X)
#undef X
} RestoreStepState;

extern const char *restore_step_state_name(RestoreStepState state);

/* The state of a word; PENDING for any other. */
extern RestoreStepState restore_step_state_parse(const char *word);

/* The state of the cluster before a run continues. */
typedef struct RestoreSeen
{
	bool paused;
	bool leader_running;
	bool replica_running; /* one of those that are to be restored */
} RestoreSeen;

/* Reset the steps whose effect is gone; true when there is one. Until data is touched, the pause is
 * always repeated, because it also checks who leads. */
extern bool
restore_state_revise(const RestorePlan *plan, RestoreStepState *states, const RestoreSeen *seen);

/* The first step of the plan that is not over; false when all are. */
extern bool
restore_state_next(const RestorePlan *plan, const RestoreStepState *states, RestoreStep *next);

/* True when a data directory may have been written to: from now on only another restore helps. */
extern bool restore_state_touched(const RestorePlan *plan, const RestoreStepState *states);

/* True when Patroni controls the members again, by the state of RESTORE_RESUME and whether Patroni
 * is paused now: a resume that failed may still have taken effect. */
extern bool restore_state_resumed(RestoreStepState resume, bool paused);

/* True when the leader takes writes again, or has never stopped. */
extern bool restore_state_serves(const RestorePlan *plan, const RestoreStepState *states);

#endif
