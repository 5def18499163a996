/*
 * state.h
 *		Which step of a restore comes next, by the journal and by what was seen of the cluster.
 *
 * All of it is pure: a run that goes on after it was killed asks here what is still right. A step is
 * done again when what it had brought about is gone: PostgreSQL that was stopped runs again, Patroni
 * is no longer paused.
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

/* What was seen of the cluster before a run goes on. */
typedef struct RestoreSeen
{
	bool paused;
	bool leader_running;
	bool replica_running; /* one of those that are to be restored */
} RestoreSeen;

/* Set back the steps whose effect is gone; true when there is one. As long as no data was touched, the pause is done
 * again in any case, and sees who leads. */
extern bool
restore_state_revise(const RestorePlan *plan, RestoreStepState *states, const RestoreSeen *seen);

/* The first step of the plan that is not over; false when all are. */
extern bool
restore_state_next(const RestorePlan *plan, const RestoreStepState *states, RestoreStep *next);

/* True when a data directory may have been written to: from now on only another restore helps. */
extern bool restore_state_touched(const RestorePlan *plan, const RestoreStepState *states);

/* True when Patroni has the members again, by the state of RESTORE_RESUME and whether Patroni is paused now: one that has
 * failed there may have got it resumed all the same. */
extern bool restore_state_resumed(RestoreStepState resume, bool paused);

/* True when the leader takes writes again, or has never stopped. */
extern bool restore_state_serves(const RestorePlan *plan, const RestoreStepState *states);

#endif
