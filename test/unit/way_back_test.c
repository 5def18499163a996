// links: ctl/plan/plan ctl/plan/planner ctl/plan/step ctl/plan/request ctl/plan/findings ctl/plan/plan_json ctl/plan/preflight ctl/plan/preflight_files ctl/plan/kept ctl/plan/target ctl/plan/left_branch ctl/plan/backup_set ctl/plan/wal_proof ctl/plan/way_back ctl/plan/damage ctl/plan/verify ctl/facts/facts ctl/facts/same_server ctl/facts/damaged ctl/facts/timeline_path ctl/print/units
/*
 * way_back_test.c
 *		The way back of a restore: where it starts from and why there is none; whether plan and way
 *		back still hold right before the stop; and backups that turned out to be damaged.
 */
#include "restore_past.h"

#include "ctl/facts/damaged.h"
#include "ctl/plan/damage.h"
#include "ctl/plan/planner.h"
#include "ctl/plan/way_back.h"

typedef struct Case
{
	const char *type;
	const char *target;
	const char *set;
	const char *timeline;
	const char *wanted; /* the set, or a part of the refusal after '!' */
	uint32_t wanted_timeline;
} Case;

static bool
plan(const RestoreFacts *facts, const Case *test, RestorePlan *made, RestoreRefusal *refusal)
{
	RestoreRequest request = {0};
	PgbrError error = PGBR_ERROR_INIT;

	if (!recovery_target_parse(&request.target, test->type, test->target, false, test->set,
							   test->timeline, &error))
		fail_msg("%s", error.message);
	return restore_plan_make(&request, facts, made, refusal);
}

static void
check(const RestoreFacts *facts, const Case *test)
{
	RestorePlan made;
	RestoreRefusal refusal;

	if (!plan(facts, test, &made, &refusal))
	{
		assert_int_equal(test->wanted[0], '!');
		assert_non_null(strstr(refusal.error.message, test->wanted + 1));
		return;
	}
	assert_string_equal(made.set, test->wanted);
	assert_int_equal(made.target_timeline, test->wanted_timeline);
}

static void
take_out(RestoreFacts *facts, uint32_t timeline, uint64_t segment)
{
	assert_true(wal_archive_remove(&facts->archive, timeline, segment));
}

static void
check_way_back(const RestoreFacts *facts, const Case *test, const char *set, const char *reason)
{
	RestorePlan made;
	RestoreRefusal refusal;

	if (!plan(facts, test, &made, &refusal))
		fail_msg("refused: %s", refusal.error.message);
	assert_string_equal(made.way_back.set, set);
	assert_int_equal(made.way_back.repo, set[0] ? 1 : 0);
	assert_string_equal(made.way_back.reason, reason);
}

/* The WAL to the target may be whole while the undo would find a gap. */
static void
test_way_back(void **state)
{
	static const Case early = {"lsn", "0/D000000", NULL, NULL, I, 3};
	static const char gap[] =
		"WAL segment 00000003000000000000001F is not in the repository. It is needed on the way "
		"from backup " F2 " to the target; recovery would end before it.";
	RestoreFacts facts;
	RestorePlan made;
	RestoreRefusal refusal;

	(void) state;
	make_past(&facts);
	check_way_back(&facts, &early, F2, "");
	assert_true(plan(&facts, &early, &made, &refusal));
	assert_string_equal(made.way_back.first_segment, "00000003000000000000001C");
	/* what is before the latest backup is not needed */
	take_out(&facts, 3, 27);
	check_way_back(&facts, &early, F2, "");
	take_out(&facts, 3, 31);
	check_way_back(&facts, &early, "", gap);
	assert_true(plan(&facts, &early, &made, &refusal));
	assert_false(way_back_refuse(&made, &refusal));
	assert_int_equal(refusal.error.code, PGBR_ERROR_CONFLICT);
	assert_string_equal(
		refusal.error.message,
		"there would be no way back: undo could not return to the end of timeline 3");
	assert_non_null(strstr(refusal.error.detail, gap));
	assert_non_null(strstr(refusal.error.hint, "--no-way-back"));
	restore_facts_done(&facts);

	/* from an older one, when the latest is damaged; and with none that is whole */
	make_past(&facts);
	facts.backups[3].error = true;
	check_way_back(&facts, &early, D, "");
	take_out(&facts, 3, 27);
	check_way_back(
		&facts, &early, "",
		"WAL segment 00000003000000000000001B is not in the repository. It is needed on the way "
		"from backup " D " to the target; recovery would end before it.");
	restore_facts_done(&facts);

	/* what waits for the archiver is archived by the undo point */
	make_past(&facts);
	take_out(&facts, 3, 33);
	facts.members[0].unarchived = 1;
	check_way_back(&facts, &early, F2, "");
	facts.members[0].unarchived = 0;
	check_way_back(
		&facts, &early, "",
		"WAL segment 000000030000000000000021 is not in the repository. It is needed on the way "
		"from backup " F2 " to the target; recovery would end before it.");
	restore_facts_done(&facts);
}

/* The way back of a restore that is done: to the end of a timeline that was left. */
static void
test_way_back_later(void **state)
{
	RestoreRequest request = {
		.target = {.type = RECOVERY_DEFAULT, .timeline = 1},
		.undo = true,
	};
	RestoreFacts facts;
	RestorePlan made;
	RestoreRefusal refusal;
	WayBack way;

	(void) state;
	make_past(&facts);
	way_back_find(&facts, 1, 20 * SEGMENT + 100, &way);
	assert_string_equal(way.set, I);
	assert_string_equal(way.first_segment, "000000010000000000000009");
	/* the last segment is gone: what is left has no gap, and yet the undo would end too early */
	take_out(&facts, 1, 20);
	way_back_find(&facts, 1, 20 * SEGMENT, &way);
	assert_string_equal(way.set, I);
	way_back_find(&facts, 1, 20 * SEGMENT + 100, &way);
	assert_string_equal(way.set, "");
	assert_string_equal(way.reason,
						"WAL segment 000000010000000000000014 is not in the repository");
	facts.undo_lsn = 20 * SEGMENT + 100;
	assert_false(restore_plan_make(&request, &facts, &made, &refusal));
	assert_string_equal(refusal.error.message,
						"WAL segment 000000010000000000000014 is not in the repository");
	assert_string_equal(refusal.error.detail,
						"It holds the point to which this undo returns, 0/14000064 on timeline 1; "
						"recovery would end before it.");
	/* the expiry has taken all of it */
	facts.backups[0].broken = true;
	way_back_find(&facts, 1, 20 * SEGMENT, &way);
	assert_string_equal(way.set, "");
	assert_non_null(strstr(way.reason, "there is no backup from which timeline 1 can be reached"));
	restore_facts_done(&facts);
}

/* Somebody expires a backup or WAL between the plan and the stop. */
static void
test_still_holds(void **state)
{
	static const Case to_d = {"time", "2027-01-15 08:30:00Z", NULL, "2", D, 2};
	uint64_t end = 34 * SEGMENT;
	RestoreFacts facts;
	RestorePlan made;
	RestoreRefusal refusal;
	PgbrError error = PGBR_ERROR_INIT;

	(void) state;
	make_past(&facts);
	assert_true(plan(&facts, &to_d, &made, &refusal));
	assert_true(restore_plan_still_holds(&made, &facts, end, &error));
	/* the undo point's own WAL */
	assert_false(restore_plan_still_holds(&made, &facts, end + 1, &error));
	assert_string_equal(error.message,
						"WAL segment 000000030000000000000022 is not in the repository");
	assert_string_equal(error.detail, "The way back needs it: undo would not be possible.");
	take_out(&facts, 2, 30);
	assert_false(restore_plan_still_holds(&made, &facts, end, &error));
	assert_string_equal(error.message,
						"WAL segment 00000002000000000000001E is not in the repository");
	restore_facts_done(&facts);

	/* the backup on which that of the plan is based */
	make_past(&facts);
	strcpy(facts.backups[0].label, "20270115-070300F");
	assert_false(restore_plan_still_holds(&made, &facts, end, &error));
	assert_string_equal(error.message, "backup " F " is no longer in repository 1");
	assert_non_null(strstr(error.hint, "Run the same command again"));
	restore_facts_done(&facts);

	/* that of the way back */
	make_past(&facts);
	facts.backup_count--;
	assert_false(restore_plan_still_holds(&made, &facts, end, &error));
	assert_string_equal(error.message, "backup " F2 " is no longer in repository 1");
	assert_string_equal(error.detail, "The way back needs it: undo would not be possible.");
	restore_facts_done(&facts);
}

static void
test_damage_find(void **state)
{
	static const char repo[] = "raised from local-1 protocol: unable to open missing file "
							   "'/r/backup/main/" F "/pg_data/base/5/1255.lz4' for read";
	static const struct
	{
		const char *error;
		const char *message;
		const char *label; /* NULL: no damage */
	} said[] = {
		{"file-missing", repo, F},
		{"format", "raised from local-1 protocol: lz4 error: [-18] contentChecksum_invalid", F},
		{"format", "raised from local-1 protocol: unexpected eof in compressed data", F},
		{"checksum", "error restoring '/d/base/5/1255': actual checksum 'x' does not match", F},
		{"crypto", "raised from local-1 protocol: unable to flush", F},
		/* what is wrong there is not the backup */
		{"crypto", "unable to verify certificate presented by 'localhost:9000'", NULL},
		{"format", "unable to load info file '/r/backup/main/backup.info': cipher header invalid",
		 NULL},
		{"file-missing", "unable to open missing file '/r/backup/main/backup.info' for read", NULL},
		{"file-missing", "unable to open missing file '/etc/ca.pem' for read", NULL},
		{"file-write", "unable to write '/d/base/5/1255'", NULL},
		{"killed", repo, NULL},
	};
	char label[RECOVERY_SET_SIZE];

	(void) state;
	for (size_t i = 0; i < sizeof(said) / sizeof(said[0]); i++)
	{
		if (damage_find(said[i].error, said[i].message, I, label) != (said[i].label != NULL))
			fail_msg("%s: %s", said[i].error, said[i].message);
		if (said[i].label)
			assert_string_equal(label, said[i].label);
	}
}

/* A backup that a restore has found damaged is not taken again, unless it is named. */
static void
test_met_damage(void **state)
{
	static const Case latest = {NULL, NULL, NULL, NULL, D, 3};
	static const Case named = {NULL, NULL, F2, NULL, F2, 3};
	static const Case none = {NULL, NULL, NULL, NULL, "!there is no backup from which", 0};
	static const char journals[] =
		"{'restores':[{'id':'20270115T085500-ab12','updated_at':'2027-01-15T08:59:30Z','document':"
		"{'damaged':{'" F2 "':'unexpected eof','no label':'x'}}},{'id':'x','document':null}]}";
	char text[sizeof(journals)];
	RestoreFacts facts;
	RestorePlan made;
	RestoreRefusal refusal;
	json_t *answer;

	(void) state;
	strcpy(text, journals);
	for (char *at = text; *at; at++)
		*at = *at == '\'' ? '"' : *at;
	answer = json_loads(text, 0, NULL);
	make_past(&facts);
	check(&facts, &(Case){NULL, NULL, NULL, NULL, F2, 3});
	assert_true(plan(&facts, &(Case){NULL, NULL, NULL, NULL, F2, 3}, &made, &refusal));
	assert_string_equal(made.older_set, D);
	restore_facts_read_damaged(&facts, answer);
	assert_int_equal(facts.damage_count, 1);
	check(&facts, &latest);
	assert_true(plan(&facts, &latest, &made, &refusal));
	assert_string_equal(made.older_set, "");
	assert_string_equal(made.way_back.set, D);
	assert_string_equal(made.warnings[made.warning_count - 1],
						"Backup " F2 " is passed over: restore 20270115T085500-ab12 found " F2
						" damaged: unexpected eof. --set=" F2 " tries it again.");
	check(&facts, &named);
	assert_true(plan(&facts, &named, &made, &refusal));
	assert_string_equal(made.warnings[made.warning_count - 1],
						"Backup " F2 " is taken although restore 20270115T085500-ab12 found " F2
						" damaged: unexpected eof.");
	/* the files were read since, and are whole */
	facts.verified_at = AT(60);
	check(&facts, &(Case){NULL, NULL, NULL, NULL, F2, 3});
	facts.verified_at = AT(59);
	/* those that are based on a damaged one */
	strcpy(facts.damages[1].label, F);
	facts.damages[1].at = AT(59) + 30;
	facts.damage_count = 2;
	assert_false(plan(&facts, &none, &made, &refusal));
	check(&facts, &none);
	assert_string_equal(refusal.nearest[0].set, F);
	assert_non_null(strstr(refusal.error.detail, "is damaged"));
	restore_facts_done(&facts);
	json_decref(answer);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_way_back),	cmocka_unit_test(test_way_back_later),
		cmocka_unit_test(test_still_holds), cmocka_unit_test(test_damage_find),
		cmocka_unit_test(test_met_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
