// links: ctl/plan/plan ctl/plan/planner ctl/plan/step ctl/plan/request ctl/plan/findings ctl/plan/plan_json ctl/plan/preflight ctl/plan/preflight_files ctl/plan/kept ctl/plan/target ctl/plan/left_branch ctl/plan/backup_set ctl/plan/wal_proof ctl/plan/verify ctl/facts/facts ctl/facts/same_server ctl/facts/member_checks ctl/facts/timeline_path ctl/print/units
/*
 * restore_sidecars_test.c
 *		What a plan demands of the members' sidecars: one of its own for each, and what they check
 *		of themselves.
 */
#include "restore_past.h"

#include "ctl/facts/member_checks.h"
#include "ctl/plan/planner.h"

static void
share_sidecar(RestoreFacts *facts)
{
	strcpy(facts->members[2].identity, facts->members[0].identity);
}

static void
fail_check(FactMember *member)
{
	strcpy(member->failed_check, "spool-path");
	strcpy(member->failed_reason, "/var/spool/pgbackrest: Permission denied");
}

/* The refusal of one sidecar for two members says where both were asked and what to do. */
static void
test_same_sidecar(void **state)
{
	RestoreRequest request = {0};
	RestoreFacts facts;
	RestorePlan made;
	RestoreRefusal refusal;

	(void) state;
	make_past(&facts);
	strcpy(facts.members[2].data_directory, "/srv/data");
	share_sidecar(&facts);
	assert_false(restore_plan_make(&request, &facts, &made, &refusal));
	assert_int_equal(refusal.error.code, PGBR_ERROR_CONFLICT);
	assert_string_equal(refusal.error.detail,
						"http://m1:8430 and http://m3:8430 answer for data directory "
						"\"/srv/data\".");
	assert_string_equal(refusal.error.hint,
						"Name the sidecar of each: --sidecar=m1=URL --sidecar=m3=URL. Without it "
						"the sidecar is asked on the host of the member's REST API, at port 8430: "
						"on a host with two members each sidecar needs a port of its own.");
	/* what is left out is not written */
	strcpy(request.without[request.without_count++], "m3");
	assert_true(restore_plan_make(&request, &facts, &made, &refusal));
	strcpy(facts.members[0].data_directory_id, "boot:1:2");
	strcpy(facts.members[1].data_directory_id, "boot:1:2");
	assert_false(restore_plan_make(&request, &facts, &made, &refusal));
	assert_string_equal(refusal.error.message,
						"members \"m1\" and \"m2\" have the same data directory");
	facts.members[1].data_directory_id[0] = '\0';
	request.without_count = 0;
	/* a restore that is gone on with refuses as well, and knows its members without Patroni */
	facts.undo_retry = true;
	assert_false(restore_plan_make(&request, &facts, &made, &refusal));
	strcpy(facts.members[2].identity, "another");
	facts.members[1].unlisted = true;
	assert_true(restore_plan_make(&request, &facts, &made, &refusal));
	assert_string_equal(made.members[2].sidecar_url, "http://m3:8430");
	assert_int_equal(made.unproven_count, 0);
	facts.members[2].uncompared = true;
	facts.members[1].identity[0] = '\0';
	assert_true(restore_plan_make(&request, &facts, &made, &refusal));
	assert_string_equal(made.unproven[0], "That member \"m2\" has a sidecar of its own: it does "
										  "not tell its identity.");
	assert_string_equal(made.unproven[1], "That the sidecar asked for member \"m3\" is its own: "
										  "Patroni there does not answer.");
	restore_facts_done(&facts);
}

/* What a sidecar's doctor says of the folders: the first failure that a restore meets counts. */
static void
test_checks(void **state)
{
	json_t *doctor =
		json_pack("{s{sb} s[{ss ss} {ss ss ss} {ss ss ss} {ss ss ss ss} {ss ss ss}]}", "node",
				  "running", 1, "checks", "name", "cron", "outcome", "fail", "name", "lock-path",
				  "outcome", "warn", "reason", "a", "name", "recovery", "outcome", "unknown",
				  "reason", "b", "name", "spool-path", "outcome", "fail", "reason", "/spool: no",
				  "cure", "Give it.", "name", "state-folder", "outcome", "fail", "reason", "c");
	RestoreRequest request = {.replicas_only = true};
	RestoreFacts facts;
	RestorePlan made;
	RestoreRefusal refusal;
	PgbrError error;

	(void) state;
	assert_non_null(doctor);
	make_past(&facts);
	assert_true(restore_facts_read_doctor(&facts.members[0], doctor, &error));
	assert_string_equal(facts.members[0].failed_check, "spool-path");
	assert_string_equal(facts.members[0].failed_reason, "/spool: no");
	assert_string_equal(facts.members[0].failed_cure, "Give it.");
	restore_facts_done(&facts);

	/* of a leader that is left alone nothing is written */
	make_past(&facts);
	fail_check(&facts.members[1]);
	strcpy(facts.members[1].failed_cure, "Give it.");
	request.only_count = 1;
	strcpy(request.only[0], "m3");
	assert_true(restore_plan_make(&request, &facts, &made, &refusal));
	strcpy(request.only[0], "m2");
	assert_false(restore_plan_make(&request, &facts, &made, &refusal));
	assert_string_equal(refusal.error.detail, "The sidecar's check \"spool-path\" fails.");
	assert_string_equal(refusal.error.hint, "Give it.");
	/* a data directory that a restore has left half-way can't be read */
	facts.undo_retry = true;
	assert_false(restore_plan_make(&request, &facts, &made, &refusal));
	strcpy(facts.members[1].failed_check, "recovery");
	assert_true(restore_plan_make(&request, &facts, &made, &refusal));
	restore_facts_done(&facts);
	/* an answer without the node is none */
	json_object_del(doctor, "node");
	assert_false(restore_facts_read_doctor(&facts.members[0], doctor, &error));
	json_decref(doctor);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_sidecar),
		cmocka_unit_test(test_checks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
