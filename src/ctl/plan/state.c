/*
 * state.c
 *		See state.h.
 */
#include "ctl/plan/state.h"

#include <string.h>

static const char *const words[] = {
#define X(name, word) [RESTORE_STEP_##name] = word,
	RESTORE_STEP_STATES(X)
#undef X
};

const char *
restore_step_state_name(RestoreStepState state)
{
	return words[state];
}

RestoreStepState
restore_step_state_parse(const char *word)
{
	for (size_t i = 0; word && i < sizeof(words) / sizeof(words[0]); i++)
	{
		if (strcmp(words[i], word) == 0)
			return (RestoreStepState) i;
	}
	return RESTORE_STEP_PENDING;
}

static bool
is_over(RestoreStepState state)
{
	return state == RESTORE_STEP_DONE || state == RESTORE_STEP_SKIPPED;
}

static bool
set_back(RestoreStepState *states, RestoreStep step)
{
	bool changed = is_over(states[step]);

	states[step] = RESTORE_STEP_PENDING;
	return changed;
}

/* Not PENDING, which would say that nothing was done. */
static void
begin_again(RestoreStepState *states, RestoreStep step)
{
	if (is_over(states[step]))
		states[step] = RESTORE_STEP_STARTED;
}

/* The leader was stopped and is running again, and this restore did not hand it over. */
static bool
revise_leader(RestoreStepState *states)
{
	set_back(states, RESTORE_STOP_LEADER);
	/* the recovered data is intact, whoever started the server; it must not serve before it is
	 * verified */
	if (is_over(states[RESTORE_RECOVER]))
		return true;
	/* Patroni removed the target and replayed WAL past it */
	if (states[RESTORE_START_RESTORE] != RESTORE_STEP_PENDING)
	{
		set_back(states, RESTORE_START_RESTORE);
		set_back(states, RESTORE_RESTORE_LEADER);
		set_back(states, RESTORE_RECOVER);
	}
	else
		set_back(states, RESTORE_ARCHIVE);
	return true;
}

bool
restore_state_revise(const RestorePlan *plan, RestoreStepState *states, const RestoreSeen *seen)
{
	bool changed = false;

	/* from here on Patroni starts PostgreSQL, as intended */
	if (states[RESTORE_RESUME] != RESTORE_STEP_PENDING)
		return false;
	if (is_over(states[RESTORE_PAUSE]) && (!seen->paused || !restore_state_touched(plan, states)))
	{
		changed |= !seen->paused;
		/* the leader may have moved meanwhile; not PENDING, which would say that nothing was
		 * done */
		states[RESTORE_PAUSE] = RESTORE_STEP_STARTED;
	}
	/*
	 * a sidecar that missed the pause may have given up the restore and started a backup, and what
	 * is to be restored may have been expired
	 */
	if (states[RESTORE_PAUSE] != RESTORE_STEP_PENDING && !restore_state_touched(plan, states))
	{
		begin_again(states, RESTORE_WAIT_JOBS);
		begin_again(states, RESTORE_LOOK_AGAIN);
	}
	if (!plan->request.replicas_only && is_over(states[RESTORE_STOP_LEADER]) &&
		seen->leader_running && !is_over(states[RESTORE_VERIFY]))
		changed |= revise_leader(states);
	if (is_over(states[RESTORE_STOP_REPLICAS]) && seen->replica_running &&
		states[RESTORE_UNFENCE] == RESTORE_STEP_PENDING)
	{
		changed |= set_back(states, RESTORE_STOP_REPLICAS);
		changed |= set_back(states, RESTORE_START_REPLICAS);
		changed |= set_back(states, RESTORE_RESTORE_REPLICAS);
	}
	return changed;
}

bool
restore_state_next(const RestorePlan *plan, const RestoreStepState *states, RestoreStep *next)
{
	for (int i = 0; i < plan->step_count; i++)
	{
		*next = plan->steps[i];
		if (!is_over(states[*next]))
			return true;
	}
	return false;
}

bool
restore_state_resumed(RestoreStepState resume, bool paused)
{
	return resume == RESTORE_STEP_DONE || (resume != RESTORE_STEP_PENDING && !paused);
}

bool
restore_state_touched(const RestorePlan *plan, const RestoreStepState *states)
{
	for (int i = 0; i < plan->step_count; i++)
	{
		if (restore_step_info(plan->steps[i])->touches_data &&
			states[plan->steps[i]] != RESTORE_STEP_PENDING)
			return true;
	}
	return false;
}

bool
restore_state_serves(const RestorePlan *plan, const RestoreStepState *states)
{
	return plan->request.replicas_only || states[RESTORE_STOP_LEADER] == RESTORE_STEP_PENDING ||
		   is_over(states[RESTORE_HAND_OVER]);
}
