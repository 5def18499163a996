// links: ctl/plan/plan ctl/plan/planner ctl/plan/step ctl/plan/request ctl/plan/findings ctl/plan/plan_json ctl/plan/preflight ctl/plan/preflight_files ctl/plan/kept ctl/plan/state ctl/plan/target ctl/plan/left_branch ctl/plan/backup_set ctl/plan/wal_proof ctl/plan/way_back ctl/facts/facts ctl/facts/same_server ctl/facts/damaged ctl/facts/timeline_path ctl/print/units
/*
 * restore_kept_test.c
 *		A member that is kept as the way back of a restore: whom a plan keeps, by whom an undo goes
 *		back, and what is refused meanwhile.
 */
#include "restore_past.h"

#include "ctl/plan/plan_json.h"
#include "ctl/plan/planner.h"

typedef struct Case
{
	const char *message; /* a part of the refusal; NULL: none, and a warning instead */
	const char *warning; /* NULL: no matter */
	void (*arrange)(RestoreFacts *facts, RestoreRequest *request);
} Case;

#define ARRANGE(name) static void name(RestoreFacts *facts, RestoreRequest *request)

/* m3 is kept as the way back of a restore that has left timeline 2. */
static void
keep_m3(RestoreFacts *facts)
{
	FactMember *member = &facts->members[2];

	strcpy(member->kept_for, "20270115T083900-1234");
	member->running = false;
	member->replica = true;
	member->timeline = 2;
}
ARRANGE(keep)
{
	facts->members[2].replica = true;
	strcpy(request->keep, "m3");
}
ARRANGE(keep_of_two)
{
	keep(facts, request);
	strcpy(request->without[request->without_count++], "m2");
}
ARRANGE(keep_leader)
{
	(void) facts;
	strcpy(request->keep, "m1");
}
ARRANGE(keep_stranger)
{
	(void) facts;
	strcpy(request->keep, "m9");
}
ARRANGE(keep_left_out)
{
	(void) facts;
	strcpy(request->without[request->without_count++], "m2");
	strcpy(request->keep, "m2");
}
ARRANGE(keep_down)
{
	keep(facts, request);
	facts->members[2].running = false;
}
ARRANGE(keep_primary)
{
	keep(facts, request);
	facts->members[2].replica = false;
}
ARRANGE(keep_elsewhere)
{
	keep(facts, request);
	facts->members[2].timeline = 2;
}
ARRANGE(keep_unknown)
{
	keep(facts, request);
	facts->members[2].lsn = 0;
}
ARRANGE(keep_behind)
{
	keep(facts, request);
	facts->members[2].lsn -= 16 * SEGMENT + 1;
}
ARRANGE(keep_not_behind)
{
	keep(facts, request);
	facts->members[2].lsn -= 16 * SEGMENT;
}
ARRANGE(is_kept)
{
	(void) request;
	keep_m3(facts);
}
ARRANGE(is_kept_for_another)
{
	keep_m3(facts);
	request->undo = true;
	request->target.timeline = 2;
	strcpy(facts->undone_keep, "m2");
}
ARRANGE(is_kept_all_replicas)
{
	keep_m3(facts);
	request->replicas_only = true;
}
ARRANGE(undo_by_none)
{
	keep_m3(facts);
	request->undo = true;
	request->target.timeline = 2;
	strcpy(facts->undone_keep, "m3");
}
ARRANGE(undo_by_running)
{
	undo_by_none(facts, request);
	facts->members[2].running = true;
}
ARRANGE(undo_by_primary)
{
	undo_by_none(facts, request);
	facts->members[2].replica = false;
}
ARRANGE(undo_by_other_timeline)
{
	undo_by_none(facts, request);
	facts->members[2].timeline = 3;
}
ARRANGE(undo_by_unknown)
{
	undo_by_none(facts, request);
	facts->members[2].postgres_bin[0] = '\0';
}
ARRANGE(undo_by_repository)
{
	undo_by_none(facts, request);
	request->from_repository = true;
}

ARRANGE(is_kept_other_replica)
{
	is_kept_all_replicas(facts, request);
	strcpy(request->only[request->only_count++], "m2");
}
ARRANGE(is_given_up)
{
	is_kept_all_replicas(facts, request);
	strcpy(request->only[request->only_count++], "m3");
	strcpy(request->accept, "20270115T083900-1234");
}
ARRANGE(is_kept_by_replaced)
{
	(void) request;
	keep_m3(facts);
	facts->undo_retry = facts->replaces_full = true;
}
ARRANGE(is_kept_while_replicas)
{
	(void) request;
	keep_m3(facts);
	facts->undo_retry = true;
}
ARRANGE(keep_again)
{
	is_kept_by_replaced(facts, request);
	facts->members[2].timeline = 3;
	strcpy(request->keep, "m3");
}
ARRANGE(keep_again_elsewhere)
{
	keep_again(facts, request);
	facts->members[2].timeline = 2;
}

static const Case cases[] = {
	{NULL,
	 "\"m3\" stays as it is, stopped, as the way back. Until \"undo\" or \"restore "
	 "--accept\" the cluster has 2 members, and",
	 keep},
	{NULL, "the cluster has 1 member: it has no replica, so a failover is not possible",
	 keep_of_two},
	{"\"m1\" can't be kept: it is the leader", NULL, keep_leader},
	{"no member \"m9\"", NULL, keep_stranger},
	{"\"m2\" can't be kept: it is left out", NULL, keep_left_out},
	{"\"m3\" can't be kept: its PostgreSQL does not run", NULL, keep_down},
	{"\"m3\" can't be kept: it is not known to be a replica", NULL, keep_primary},
	{"\"m3\" can't be kept: it is not on the leader's timeline", NULL, keep_elsewhere},
	{"\"m3\" can't be kept: how far it has replayed is not known", NULL, keep_unknown},
	{"\"m3\" can't be kept: it is 256MB behind the leader", NULL, keep_behind},
	{NULL, "\"m3\" stays as it is", keep_not_behind},
	{"\"m3\" is kept as the way back of restore 20270115T083900-1234", NULL, is_kept},
	{"\"m3\" is kept as the way back", NULL, is_kept_for_another},
	{"\"m3\" is kept as the way back", NULL, is_kept_all_replicas},
	{NULL, "of no use: its PostgreSQL runs", undo_by_running},
	{NULL, "of no use: its control data is not that of a replica", undo_by_primary},
	{NULL, "of no use: it is on another timeline", undo_by_other_timeline},
	{NULL, "of no use: the folder of PostgreSQL's programs", undo_by_unknown},
	{NULL, "\"m3\" was kept for this undo; it is restored from the repository", undo_by_repository},
	{NULL, NULL, is_kept_other_replica},
	{NULL, NULL, is_given_up},
	{NULL, NULL, is_kept_by_replaced},
	{"\"m3\" is kept as the way back", NULL, is_kept_while_replicas},
	{NULL, "\"m3\" stays as it is", keep_again},
	{"\"m3\" can't be kept: its PostgreSQL does not run", NULL, keep_again_elsewhere},
};

static void
test_cases(void **state)
{
	(void) state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		const Case *one = &cases[i];
		RestoreRequest request = {0};
		RestoreFacts facts;
		RestorePlan made;
		RestoreRefusal refusal;
		bool ok;
		bool warned = one->warning == NULL;

		make_past(&facts);
		one->arrange(&facts, &request);
		ok = restore_plan_make(&request, &facts, &made, &refusal);
		if (ok != (one->message == NULL))
			fail_msg("case %zu: %s", i, ok ? "not refused" : refusal.error.message);
		if (!ok && strstr(refusal.error.message, one->message) == NULL)
			fail_msg("%s: %s", one->message, refusal.error.message);
		if (!ok && refusal.error.hint[0] == '\0')
			fail_msg("%s: there is no hint", one->message);
		for (int j = 0; ok && !warned && j < made.warning_count; j++)
			warned = strstr(made.warnings[j], one->warning) != NULL;
		if (ok && !warned)
			fail_msg("no warning \"%s\"", one->warning);
		if (ok && one->arrange != undo_by_none && restore_plan_from_kept(&made))
			fail_msg("case %zu goes by the member", i);
		restore_facts_done(&facts);
	}
}

static bool
has_step(const RestorePlan *plan, RestoreStep step)
{
	for (int i = 0; i < plan->step_count; i++)
	{
		if (plan->steps[i] == step)
			return true;
	}
	return false;
}

/* What a plan that keeps one says of it, and that the way back is part of the request. */
static void
test_keep(void **state)
{
	RestoreRequest request = {0};
	RestoreRequest other;
	RestoreFacts facts;
	RestorePlan made;
	RestoreRefusal refusal;

	(void) state;
	make_past(&facts);
	keep(&facts, &request);
	assert_true(restore_plan_make(&request, &facts, &made, &refusal));
	assert_true(made.members[2].kept);
	assert_false(made.members[1].kept);
	assert_false(made.members[2].was_kept);
	assert_false(made.members[2].left_out);
	assert_true(made.check_timeline);
	assert_string_equal(restore_plan_led_by(&made), "m1");
	other = request;
	assert_true(restore_request_equal(&request, &other));
	other.keep[0] = '\0';
	assert_false(restore_request_equal(&request, &other));
	other = request;
	strcpy(other.accept, "20270115T083900-1234");
	assert_false(restore_request_equal(&request, &other));
	other = request;
	other.from_repository = true;
	assert_false(restore_request_equal(&request, &other));
	restore_facts_done(&facts);
}

/* The undo: the member leads afterwards, who leads is one of the replicas then. */
static void
test_undo(void **state)
{
	RestoreRequest request = {0};
	RestoreFacts facts;
	RestorePlan made;
	RestorePlan read;
	RestoreRefusal refusal;
	PgbrError error;
	json_t *json;
	json_t *again;

	(void) state;
	make_past(&facts);
	undo_by_none(&facts, &request);
	assert_true(restore_plan_make(&request, &facts, &made, &refusal));
	assert_true(restore_plan_from_kept(&made));
	assert_string_equal(made.leader, "m3");
	assert_string_equal(made.leading, "m1");
	assert_string_equal(restore_plan_led_by(&made), "m1");
	assert_int_equal(made.old_timeline, 3);
	assert_int_equal(made.target_timeline, 2);
	assert_int_equal(made.seconds, 10);
	assert_false(made.members[0].leader);
	assert_true(made.members[2].leader);
	assert_false(made.members[2].kept);
	assert_true(made.members[2].was_kept);
	assert_false(made.members[1].was_kept);
	assert_true(has_step(&made, RESTORE_UNDO_POINT));
	assert_true(has_step(&made, RESTORE_STOP_LEADER));
	assert_false(has_step(&made, RESTORE_START_RESTORE));
	assert_false(has_step(&made, RESTORE_RESTORE_LEADER));
	assert_false(has_step(&made, RESTORE_START_REPLICAS));
	assert_true(has_step(&made, RESTORE_RECOVER));
	assert_true(has_step(&made, RESTORE_RESTORE_REPLICAS));
	json = restore_plan_json(&made);
	assert_true(restore_plan_read(json, &read, &error));
	again = restore_plan_json(&read);
	assert_true(json_equal(json, again));
	json_object_set_new(json, "leading", json_string("nobody"));
	assert_false(restore_plan_read(json, &read, &error));
	json_decref(json);
	json_decref(again);
	/* a journal of an earlier version has none of these */
	json = restore_plan_json(&made);
	json_object_del(json, "leading");
	json_object_del(json_object_get(json, "request"), "keep");
	json_object_del(json_object_get(json, "request"), "accept");
	assert_true(restore_plan_read(json, &read, &error));
	assert_false(restore_plan_from_kept(&read));
	json_decref(json);
	restore_facts_done(&facts);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_keep),
		cmocka_unit_test(test_undo),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
