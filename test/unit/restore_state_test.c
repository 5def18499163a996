// links: ctl/plan/state ctl/plan/plan ctl/plan/planner ctl/plan/step ctl/plan/request ctl/plan/findings ctl/plan/preflight ctl/plan/preflight_files ctl/plan/kept ctl/plan/backup_set ctl/plan/target ctl/plan/left_branch ctl/plan/wal_proof ctl/plan/way_back ctl/facts/facts ctl/facts/damaged ctl/facts/timeline_path ctl/print/units
/*
 * restore_state_test.c
 *		Which step comes next, after a run was left at any of them and the cluster was changed
 *		meanwhile.
 */
#include "ctl/plan/state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* A plan with every step of its kind. */
static void
make_plan(RestorePlan *plan, bool replicas_only)
{
	memset(plan, 0, sizeof(*plan));
	plan->request.replicas_only = replicas_only;
	for (int i = 0; i < RESTORE_STEP_COUNT; i++)
	{
		const RestoreStepInfo *info = restore_step_info((RestoreStep) i);

		if (replicas_only ? info->in_replicas_only : info->in_full)
			plan->steps[plan->step_count++] = (RestoreStep) i;
	}
}

/* All steps before this one are done. */
static void
set_done_before(const RestorePlan *plan, RestoreStepState *states, RestoreStep step)
{
	memset(states, 0, RESTORE_STEP_COUNT * sizeof(*states));
	for (int i = 0; i < plan->step_count && plan->steps[i] != step; i++)
		states[plan->steps[i]] = RESTORE_STEP_DONE;
}

static RestoreStep
next(const RestorePlan *plan, const RestoreStepState *states)
{
	RestoreStep step;

	assert_true(restore_state_next(plan, states, &step));
	return step;
}

static void
test_goes_through_all(void **state)
{
	(void) state;
	for (int only = 0; only < 2; only++)
	{
		RestoreStepState states[RESTORE_STEP_COUNT] = {RESTORE_STEP_PENDING};
		RestorePlan plan;
		RestoreStep step;

		make_plan(&plan, only);
		for (int i = 0; i < plan.step_count; i++)
		{
			assert_int_equal(next(&plan, states), plan.steps[i]);
			states[plan.steps[i]] = RESTORE_STEP_FAILED;
			assert_int_equal(next(&plan, states), plan.steps[i]);
			states[plan.steps[i]] = i % 2 ? RESTORE_STEP_DONE : RESTORE_STEP_SKIPPED;
		}
		assert_false(restore_state_next(&plan, states, &step));
	}
}

/*
 * As the run has left it: nothing is done twice. As long as no data was touched, the run looks
 * again who leads, and what the repository has.
 */
static void
test_nothing_to_revise(void **state)
{
	RestorePlan plan;

	(void) state;
	make_plan(&plan, false);
	for (int i = 0; i < plan.step_count; i++)
	{
		RestoreStepState states[RESTORE_STEP_COUNT];
		RestoreSeen seen;

		set_done_before(&plan, states, plan.steps[i]);
		seen.paused = states[RESTORE_PAUSE] == RESTORE_STEP_DONE;
		seen.leader_running = states[RESTORE_STOP_LEADER] == RESTORE_STEP_PENDING ||
							  states[RESTORE_HAND_OVER] == RESTORE_STEP_DONE;
		seen.replica_running = states[RESTORE_STOP_REPLICAS] == RESTORE_STEP_PENDING;
		assert_false(restore_state_revise(&plan, states, &seen));
		if (seen.paused && !restore_state_touched(&plan, states))
		{
			assert_int_equal(next(&plan, states), RESTORE_WAIT_JOBS);
			states[RESTORE_WAIT_JOBS] = RESTORE_STEP_DONE;
			assert_int_equal(next(&plan, states), RESTORE_LOOK_AGAIN);
			states[RESTORE_LOOK_AGAIN] = RESTORE_STEP_DONE;
			assert_int_equal(next(&plan, states), RESTORE_PAUSE);
			assert_int_equal(states[RESTORE_PAUSE], RESTORE_STEP_STARTED);
			states[RESTORE_PAUSE] = RESTORE_STEP_DONE;
		}
		assert_int_equal(next(&plan, states), plan.steps[i]);
	}
}

static void
test_leader_was_started(void **state)
{
	static const struct
	{
		RestoreStep at;
		RestoreStep lost[4]; /* the steps that are done again; LOCK: no more */
	} cases[] = {
		{RESTORE_START_RESTORE, {RESTORE_STOP_LEADER, RESTORE_ARCHIVE}},
		{RESTORE_RESTORE_LEADER, {RESTORE_STOP_LEADER, RESTORE_START_RESTORE}},
		{RESTORE_RECOVER, {RESTORE_STOP_LEADER, RESTORE_START_RESTORE, RESTORE_RESTORE_LEADER}},
		/* recovered, but not handed over */
		{RESTORE_VERIFY, {RESTORE_STOP_LEADER}},
	};
	const RestoreSeen seen = {.paused = true, .leader_running = true};
	RestoreStepState states[RESTORE_STEP_COUNT];
	RestorePlan plan;

	(void) state;
	make_plan(&plan, false);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		set_done_before(&plan, states, cases[i].at);
		assert_true(restore_state_revise(&plan, states, &seen));
		for (int j = 0; j < plan.step_count && plan.steps[j] != cases[i].at; j++)
		{
			RestoreStep step = plan.steps[j];
			bool lost = false;

			for (int k = 0; k < 4; k++)
				lost = lost || (cases[i].lost[k] == step && step != RESTORE_LOCK);
			if ((states[step] == RESTORE_STEP_PENDING) != lost)
				fail_msg("at %s, %s is %s", restore_step_info(cases[i].at)->name,
						 restore_step_info(step)->name, restore_step_state_name(states[step]));
		}
	}
	/* recovery had begun when the leader was started */
	set_done_before(&plan, states, RESTORE_RECOVER);
	states[RESTORE_RECOVER] = RESTORE_STEP_STARTED;
	assert_true(restore_state_revise(&plan, states, &seen));
	assert_int_equal(states[RESTORE_RECOVER], RESTORE_STEP_PENDING);
	/* verified: that is what the hand-over is for */
	set_done_before(&plan, states, RESTORE_HAND_OVER);
	assert_false(restore_state_revise(&plan, states, &seen));
}

static void
test_replica_was_started(void **state)
{
	const RestoreSeen seen = {.paused = true, .leader_running = true, .replica_running = true};
	RestoreStepState states[RESTORE_STEP_COUNT];
	RestorePlan plan;

	(void) state;
	make_plan(&plan, false);
	set_done_before(&plan, states, RESTORE_UNFENCE);
	assert_true(restore_state_revise(&plan, states, &seen));
	assert_int_equal(next(&plan, states), RESTORE_STOP_REPLICAS);
	assert_int_equal(states[RESTORE_START_REPLICAS], RESTORE_STEP_PENDING);
	assert_int_equal(states[RESTORE_RESTORE_REPLICAS], RESTORE_STEP_PENDING);
	assert_int_equal(states[RESTORE_HAND_OVER], RESTORE_STEP_DONE);
	/* from then on it is meant to run */
	states[RESTORE_STOP_REPLICAS] = RESTORE_STEP_DONE;
	states[RESTORE_UNFENCE] = RESTORE_STEP_STARTED;
	assert_false(restore_state_revise(&plan, states, &seen));
}

static void
test_pause_was_ended(void **state)
{
	const RestoreSeen seen = {.paused = false};
	RestoreStepState states[RESTORE_STEP_COUNT];
	RestorePlan plan;

	(void) state;
	make_plan(&plan, true);
	set_done_before(&plan, states, RESTORE_START_REPLICAS);
	assert_true(restore_state_revise(&plan, states, &seen));
	assert_int_equal(next(&plan, states), RESTORE_WAIT_JOBS);
	assert_int_equal(states[RESTORE_PAUSE], RESTORE_STEP_STARTED);
}

static void
test_touched_and_serving(void **state)
{
	RestoreStepState states[RESTORE_STEP_COUNT];
	RestorePlan plan;

	(void) state;
	make_plan(&plan, false);
	set_done_before(&plan, states, RESTORE_START_RESTORE);
	assert_false(restore_state_touched(&plan, states));
	assert_false(restore_state_serves(&plan, states));
	states[RESTORE_START_RESTORE] = RESTORE_STEP_STARTED;
	assert_true(restore_state_touched(&plan, states));
	set_done_before(&plan, states, RESTORE_HISTORY_ARCHIVED);
	assert_true(restore_state_serves(&plan, states));
	set_done_before(&plan, states, RESTORE_STOP_LEADER);
	assert_true(restore_state_serves(&plan, states));
}

static void
test_words(void **state)
{
	(void) state;
	for (int i = RESTORE_STEP_PENDING; i <= RESTORE_STEP_SKIPPED; i++)
		assert_int_equal(restore_step_state_parse(restore_step_state_name((RestoreStepState) i)),
						 i);
	assert_int_equal(restore_step_state_parse("nonsense"), RESTORE_STEP_PENDING);
	assert_int_equal(restore_step_state_parse(NULL), RESTORE_STEP_PENDING);
}

static void
test_resumed(void **state)
{
	(void) state;
	assert_false(restore_state_resumed(RESTORE_STEP_PENDING, false));
	assert_false(restore_state_resumed(RESTORE_STEP_STARTED, true));
	assert_true(restore_state_resumed(RESTORE_STEP_STARTED, false));
	assert_true(restore_state_resumed(RESTORE_STEP_FAILED, false));
	/* paused again, by somebody */
	assert_true(restore_state_resumed(RESTORE_STEP_DONE, true));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_resumed),
		cmocka_unit_test(test_goes_through_all),
		cmocka_unit_test(test_nothing_to_revise),
		cmocka_unit_test(test_leader_was_started),
		cmocka_unit_test(test_replica_was_started),
		cmocka_unit_test(test_pause_was_ended),
		cmocka_unit_test(test_touched_and_serving),
		cmocka_unit_test(test_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
