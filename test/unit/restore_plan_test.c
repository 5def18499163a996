// links: ctl/plan/plan ctl/plan/planner ctl/plan/step ctl/plan/request ctl/plan/findings ctl/plan/plan_json ctl/plan/preflight ctl/plan/preflight_files ctl/plan/kept ctl/plan/target ctl/plan/left_branch ctl/plan/backup_set ctl/plan/wal_proof ctl/plan/way_back ctl/plan/verify ctl/facts/facts ctl/facts/same_server ctl/facts/damaged ctl/facts/timeline_path ctl/print/units
/*
 * restore_plan_test.c
 *		A table of targets against a cluster with a past (restore_past.h): which backup, which
 *		timeline, or which refusal; with all WAL, with some missing, with damage.
 */
#include "restore_past.h"

#include "ctl/plan/planner.h"

typedef struct Case
{
	const char *type;
	const char *target;
	const char *set;
	const char *timeline;
	const char *wanted;		  /* the set, or a part of the refusal after '!' */
	uint32_t wanted_timeline; /* or that of the first target that is offered */
} Case;

static const Case cases[] = {
	/* the end */
	{NULL, NULL, NULL, NULL, F2, 3},
	{NULL, NULL, D, NULL, D, 3},
	{NULL, NULL, I, NULL, I, 3},
	{NULL, NULL, NULL, "2", D, 2},
	{NULL, NULL, NULL, "1", I, 1},
	{NULL, NULL, F2, "2", "!not on the way to timeline 2", 0},
	{NULL, NULL, D, "1", "!not on the way to timeline 1", 0},
	{NULL, NULL, NULL, "4", "!timeline 4 is not known", 3},
	{NULL, NULL, "20200101-000000F", NULL, "!there is no backup 20200101-000000F", 0},
	{"immediate", NULL, NULL, NULL, F2, 3},
	{"immediate", NULL, F, NULL, F, 3},
	{"immediate", NULL, NULL, "1", I, 1},
	/* times: the backup's second must be over */
	{"time", "2027-01-15 08:51:01Z", NULL, NULL, F2, 3},
	{"time", "2027-01-15 08:51:00.999999Z", NULL, NULL, D, 3},
	{"time", "2027-01-15 08:51:00Z", F2, NULL, "!too late for time", 0},
	{"time", "2027-01-15 08:59:59Z", D, NULL, D, 3},
	{"time", "2027-01-15 09:00:00Z", NULL, NULL, F2, 3},
	{"time", "2027-01-15 09:00:00.000001Z", NULL, NULL, "!is in the future", 0},
	{"time", "2030-01-15 09:00:00Z", NULL, NULL, "!is in the future", 0},
	{"time", "2027-01-15 08:04:00Z", NULL, NULL, "!there is no backup from which", 0},
	{"time", "2020-01-15 08:04:00Z", NULL, NULL, "!there is no backup from which", 0},
	{"time", "2027-01-15 08:04:01Z", NULL, NULL, F, 3},
	{"time", "2027-01-15 08:12:30Z", NULL, NULL, I, 3},
	/* what the first restore left out */
	{"time", "2027-01-15 08:12:31Z", NULL, NULL, "!lies on timeline 1", 1},
	{"time", "2027-01-15 08:20:00Z", NULL, NULL, "!lies on timeline 1", 1},
	{"time", "2027-01-15 08:12:31Z", NULL, "1", I, 1},
	{"time", "2027-01-15 08:12:31Z", NULL, "3", I, 3},
	{"time", "2027-01-15 08:12:31Z", NULL, "2", I, 2},
	{"time", "2027-01-15 08:20:01Z", NULL, "1", "!timeline 1 ended before", 1},
	{"time", "2027-01-15 08:30:00Z", NULL, "2", D, 2},
	{"time", "2027-01-15 08:39:01Z", NULL, "2", "!timeline 2 ended before", 2},
	/* LSNs */
	{"lsn", "0/22000100", NULL, NULL, F2, 3},
	{"lsn", "0/220003E8", NULL, NULL, F2, 3},
	{"lsn", "0/220003E9", NULL, NULL, "!past the end of timeline 3", 3},
	{"lsn", "0/1D000100", NULL, NULL, F2, 3},
	{"lsn", "0/1D0000FF", NULL, NULL, D, 3},
	{"lsn", "0/1D0000FF", F2, NULL, "!too late for lsn", 0},
	{"lsn", "0/D000000", NULL, NULL, I, 3},
	{"lsn", "0/D000000", NULL, "1", I, 1},
	{"lsn", "0/14FFFFFF", NULL, "1", I, 1},
	{"lsn", "0/15000000", NULL, "1", "!past the end of timeline 1", 1},
	{"lsn", "0/4000000", NULL, NULL, "!there is no backup from which", 0},
	{"lsn", "0/4000100", NULL, NULL, F, 3},
	/* names know their timeline */
	{"name", "good", NULL, NULL, D, 3},
	{"name", "left", NULL, NULL, I, 1},
	{"name", "left", NULL, "1", I, 1},
	{"name", "left", NULL, "3", "!on the way to timeline 3", 1},
	{"name", "left", F2, NULL, "!not on the way to timeline 1", 0},
	{"name", "twice", NULL, NULL, "!more than one restore point", 1},
	{"name", "twice", NULL, "1", I, 1},
	{"name", "twice", NULL, "3", D, 3},
	{"name", "twice", I, "3", "!too late for restore point", 3},
	{"name", "Goood", NULL, NULL, "!there is no restore point \"Goood\"", 2},
	/* transactions, by what was recorded with the backups and the restore points */
	{"xid", "3000", NULL, NULL, F2, 3},
	{"xid", "4999", NULL, NULL, F2, 3},
	{"xid", "2999", NULL, NULL, D, 3},
	{"xid", "2998", F2, NULL, F2, 3},
	{"xid", "2997", F2, NULL, "!too late for xid", 0},
	{"xid", "1999", NULL, NULL, I, 3},
	{"xid", "1000", NULL, NULL, F, 3},
	{"xid", "998", NULL, NULL, F, 3},
	{"xid", "997", NULL, NULL, "!there is no backup from which", 0},
	{"xid", "5000", NULL, NULL, "!was never assigned", 0},
	{"xid", "4294972296", NULL, NULL, "!was never assigned", 0},
	{"xid", "5000", NULL, "2", D, 2},
};

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
	char name[256];
	RestorePlan made;
	RestoreRefusal refusal;
	bool ok = plan(facts, test, &made, &refusal);

	snprintf(name, sizeof(name), "%s %s set %s timeline %s", test->type ? test->type : "default",
			 test->target ? test->target : "", test->set ? test->set : "-",
			 test->timeline ? test->timeline : "-");
	if (ok && test->wanted[0] == '!')
		fail_msg("%s: planned with %s, not refused", name, made.set);
	if (ok &&
		(strcmp(made.set, test->wanted) != 0 || made.target_timeline != test->wanted_timeline))
		fail_msg("%s: %s on timeline %u", name, made.set, made.target_timeline);
	if (!ok && test->wanted[0] != '!')
		fail_msg("%s: refused: %s (%s)", name, refusal.error.message, refusal.error.detail);
	if (!ok && strstr(refusal.error.message, test->wanted + 1) == NULL)
		fail_msg("%s: refused: %s", name, refusal.error.message);
	if (!ok && test->wanted_timeline != 0 &&
		(refusal.nearest_count == 0 || refusal.nearest[0].timeline != test->wanted_timeline))
		fail_msg("%s: %d offered, the first on timeline %u", name, refusal.nearest_count,
				 refusal.nearest[0].timeline);
}

static void
test_targets(void **state)
{
	RestoreFacts facts;

	(void) state;
	make_past(&facts);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		check(&facts, &cases[i]);
	restore_facts_done(&facts);
}

/*
 * Another try finds the target where the first has found it, and all there is where the leader was
 * last.
 */
static void
test_followed(void **state)
{
	static const Case followed[] = {
		{"time", "2027-01-15 08:30:00Z", NULL, NULL, D, 2},
		{"time", "2027-01-15 08:12:31Z", NULL, "1", I, 1},
		{NULL, NULL, NULL, NULL, F2, 3},
	};
	RestoreFacts facts;

	(void) state;
	make_past(&facts);
	facts.timeline_followed = 2;
	for (size_t i = 0; i < sizeof(followed) / sizeof(followed[0]); i++)
		check(&facts, &followed[i]);
	restore_facts_done(&facts);
}

/* What is offered instead must itself be accepted. */
static void
test_nearest(void **state)
{
	RestoreFacts facts;
	RestorePlan made;
	RestoreRefusal refusal;
	RestoreRefusal again;
	int offered = 0;

	(void) state;
	make_past(&facts);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		if (plan(&facts, &cases[i], &made, &refusal))
			continue;
		for (int j = 0; j < refusal.nearest_count; j++)
		{
			const RestoreNearest *nearest = &refusal.nearest[j];
			char timeline[16] = "";
			Case test = {nearest->type, nearest->target, nearest->set, timeline, "", 0};

			if (nearest->timeline)
				snprintf(timeline, sizeof(timeline), "%u", nearest->timeline);
			if (!plan(&facts, &test, &made, &again))
				fail_msg("after \"%s\", %s %s set %s timeline %s: %s", refusal.error.message,
						 nearest->type, nearest->target, nearest->set, timeline,
						 again.error.message);
			offered++;
		}
	}
	assert_true(offered > 20);
	restore_facts_done(&facts);
}

/* Whether the plan says that this could not be proven, or warns of it. */
static bool
has_note(const RestorePlan *made, const char *text)
{
	for (int i = 0; i < made->unproven_count; i++)
	{
		if (strcmp(made->unproven[i], text) == 0)
			return true;
	}
	for (int i = 0; i < made->warning_count; i++)
	{
		if (strcmp(made->warnings[i], text) == 0)
			return true;
	}
	return false;
}

static void
expect_note(const RestoreFacts *facts, const Case *test, const char *text, bool expected)
{
	RestorePlan made;
	RestoreRefusal refusal;

	if (!plan(facts, test, &made, &refusal))
		fail_msg("%s: refused: %s", text, refusal.error.message);
	if (has_note(&made, text) != expected)
		fail_msg("%s: %s", expected ? "missing" : "there", text);
}

/* It had begun before the only backup ended, and may have ended after it. */
static void
test_xid_in_backup(void **state)
{
	static const Case in = {"xid", "998", NULL, NULL, F, 3};
	static const Case past = {"xid", "1000", NULL, NULL, F, 3};
	static const Case named = {"xid", "2998", F2, NULL, F2, 3};
	static const Case better = {"xid", "2998", NULL, NULL, D, 3};
	static const char *const text = "That transaction 998 ended after backup " F
									", during which it had begun. If it did not, recovery fails, "
									"and nothing is lost.";
	static const char *const of_named = "That transaction 2998 ended after backup " F2
										", during which it had begun. If it did not, recovery "
										"fails, and nothing is lost.";
	RestoreFacts facts;

	(void) state;
	make_past(&facts);
	expect_note(&facts, &in, text, true);
	expect_note(&facts, &past, text, false);
	expect_note(&facts, &named, of_named, true);
	expect_note(&facts, &better, of_named, false);
	restore_facts_done(&facts);
}

/* A switch of WAL fills the last segment up. */
static void
test_padding(void **state)
{
	static const Case places[] = {
		{"lsn", "0/14001000", NULL, "1", I, 1},	  /* in it */
		{"lsn", "0/14000FFF", NULL, "1", I, 1},	  /* WAL that is known */
		{"lsn", "0/13FFFFFF", NULL, "1", I, 1},	  /* in the segment before */
		{"lsn", "0/22000100", NULL, NULL, F2, 3}, /* the leader's */
	};
	RestoreFacts facts;

	(void) state;
	make_past(&facts);
	add_point(&facts, "pgbr_undo_1", 1, 20 * SEGMENT + 0x1000, 20, 1900);
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
	{
		char text[256];

		snprintf(text, sizeof(text),
				 "That the WAL of timeline %u reaches %s: its last segment may end before. If it "
				 "does, recovery fails, and nothing is lost.",
				 places[i].wanted_timeline, places[i].target);
		expect_note(&facts, &places[i], text, i == 0);
	}
	restore_facts_done(&facts);
}

static void
test_losses(void **state)
{
	static const Case latest = {NULL, NULL, NULL, NULL, F2, 3};
	static const char *const lost =
		"Logical replication slots are not in a backup: the 2 on member \"m1\" are lost.";
	static const char *const unknown = "That member \"m1\" has no logical replication slot: a "
									   "backup has none, so any would be lost.";
	RestoreFacts facts;

	(void) state;
	make_past(&facts);
	expect_note(&facts, &latest,
				"Unlogged tables are empty afterwards: a backup does not have their rows.", true);
	expect_note(&facts, &latest, lost, false);
	expect_note(&facts, &latest, unknown, false);
	facts.members[0].logical_slots = 2;
	expect_note(&facts, &latest, lost, true);
	facts.members[0].logical_slots = -1;
	expect_note(&facts, &latest, unknown, true);
	restore_facts_done(&facts);
}

static void
take_out(RestoreFacts *facts, uint32_t timeline, uint64_t segment)
{
	assert_true(wal_archive_remove(&facts->archive, timeline, segment));
}

static void
test_missing_wal(void **state)
{
	static const Case to_end = {NULL, NULL, NULL, NULL, "!000000030000000000000020", 3};
	static const Case before = {"lsn", "0/1F000000", NULL, NULL, F2, 3};
	static const Case behind = {"lsn", "0/20000001", NULL, NULL, "!000000030000000000000020", 0};
	static const Case late = {"time", "2027-01-15 08:59:00Z",	   NULL,
							  NULL,	  "!000000030000000000000020", 0};
	static const Case known = {"time", "2027-01-15 08:52:00Z", NULL, NULL, F2, 3};
	static const Case alone = {"immediate", NULL, NULL, NULL, F2, 3};
	RestoreFacts facts;
	RestorePlan made;
	RestoreRefusal refusal;

	(void) state;
	make_past(&facts);
	take_out(&facts, 3, 32);
	assert_false(plan(&facts, &to_end, &made, &refusal));
	assert_non_null(strstr(refusal.error.message, "000000030000000000000020"));
	assert_int_equal(refusal.nearest_count, 1);
	assert_string_equal(refusal.nearest[0].target, "0/1F000000");
	check(&facts, &before);
	check(&facts, &behind);
	check(&facts, &late);
	check(&facts, &alone);
	/* a restore point tells that the time was before the gap */
	add_point(&facts, "later", 3, 31 * SEGMENT, 53, 3500);
	check(&facts, &known);
	check(&facts, &late);
	restore_facts_done(&facts);
}

/* Where timelines part, the newer one's segment holds what both need. */
static void
test_missing_at_fork(void **state)
{
	static const Case through = {NULL, NULL, D, NULL, D, 3};
	static const Case old = {NULL, NULL, I, NULL, I, 3};
	static const Case gap = {NULL, NULL, I, NULL, "!00000002000000000000000D", 0};
	static const Case fork = {NULL, NULL, I, NULL, "!00000002000000000000000C", 0};
	static const Case on_1 = {NULL, NULL, I, "1", I, 1};
	RestoreFacts facts;

	(void) state;
	make_past(&facts);
	/* not read on the way to timeline 3: what 1 and 2 wrote after they were left */
	for (uint64_t segment = 12; segment <= 20; segment++)
		take_out(&facts, 1, segment);
	for (uint64_t segment = 25; segment <= 30; segment++)
		take_out(&facts, 2, segment);
	check(&facts, &through);
	check(&facts, &old);
	take_out(&facts, 2, 13);
	check(&facts, &gap);
	check(&facts, &through);
	restore_facts_done(&facts);

	make_past(&facts);
	take_out(&facts, 2, 12);
	check(&facts, &fork);
	check(&facts, &on_1);
	restore_facts_done(&facts);
}

static void
test_not_archived_yet(void **state)
{
	static const Case good = {NULL, NULL, NULL, NULL, F2, 3};
	static const Case bad = {NULL, NULL, NULL, NULL, "!00000003000000000000001F", 0};
	RestoreFacts facts;

	(void) state;
	make_past(&facts);
	/* 31, 32, 33 wait, 34 is being written */
	for (uint64_t segment = 31; segment <= 33; segment++)
		take_out(&facts, 3, segment);
	facts.members[0].unarchived = 3;
	check(&facts, &good);
	/* one of them was dropped by the archiver */
	facts.members[0].unarchived = 2;
	check(&facts, &bad);
	facts.members[0].unarchived = -1;
	check(&facts, &good);
	restore_facts_done(&facts);
}

static void
test_damaged(void **state)
{
	static const Case latest = {NULL, NULL, NULL, NULL, D, 3};
	static const Case named = {NULL, NULL, F2, NULL, "!is damaged", 0};
	static const Case early = {"immediate", NULL, F, NULL, F, 3};
	static const Case based = {NULL, NULL, NULL, NULL, "!there is no backup from which", 0};
	static const char text[] =
		"2026-11-24 12:02:08.593 P01   INFO: invalid checksum "
		"'15-1/0000000300000000/000000030000000000000020-b3369af5.gz'\n"
		"2026-11-24 12:02:08.593 P01   INFO: invalid checksum '20270115-085000F/pg_data/base/5/1'\n"
		"2026-11-24 12:02:08.593 P01   INFO: invalid result 15-1/0000000300000000/"
		"00000003000000000000001F-974bba11.lz4: [29] raised from local-1 protocol: lz4 error\n"
		"stanza: main\nstatus: error\n"
		"  backup: 20270115-085000F, status: invalid, total files checked: 964\n"
		"  backup: 20270115-080300F, status: valid, total files checked: 964\n";
	RestoreFacts facts;
	RestorePlan made;
	RestoreRefusal refusal;
	PgbrError error;
	bool found;

	(void) state;
	make_past(&facts);
	facts.backups[3].error = true;
	check(&facts, &latest);
	check(&facts, &named);
	restore_facts_done(&facts);

	make_past(&facts);
	assert_true(restore_facts_read_verify(&facts, 1, text, &found, &error));
	assert_true(found);
	assert_true(facts.backups[3].broken);
	assert_false(facts.backups[0].broken);
	assert_false(wal_archive_has(&facts.archive, 3, 32));
	assert_true(wal_archive_has(&facts.archive, 3, 33));
	assert_false(wal_archive_has(&facts.archive, 3, 31));
	/* one that is past the target, too */
	expect_note(&facts, &early,
				"WAL segment 00000003000000000000001F is damaged in the repository: nothing is "
				"restored past it from an earlier backup, nor by undo.",
				true);
	restore_facts_done(&facts);

	/* all are based on the first full one, or are bad themselves */
	make_past(&facts);
	facts.backups[0].broken = facts.backups[3].broken = true;
	check(&facts, &based);
	assert_false(plan(&facts, &based, &made, &refusal));
	assert_non_null(strstr(refusal.error.detail, "damaged"));
	restore_facts_done(&facts);
}

/*
 * A restore that takes another's place is the newer one, even in the same second, and by a clock
 * that is behind.
 */
static void
test_id(void **state)
{
	static const Case latest = {NULL, NULL, NULL, NULL, F2, 3};
	static const char *const newest[] = {"",
										 "r1",
										 "20270115T090000-0fff",
										 "20270115T090000-f9ff",
										 "20270115T093000-ffff",
										 "20270115T093000-fffffffff"};
	static const char *const wanted[] = {"20270115T090000-1", "20270115T090000-1",
										 "20270115T090000-1", "20270115T090001-00",
										 "20270115T093001-",  "20270115T090000-1"};
	RestoreFacts facts;
	RestorePlan made;
	RestoreRefusal refusal;

	(void) state;
	for (size_t i = 0; i < sizeof(newest) / sizeof(newest[0]); i++)
	{
		make_past(&facts);
		facts.now_ms += 64;
		strcpy(facts.newest_restore, newest[i]);
		assert_true(plan(&facts, &latest, &made, &refusal));
		assert_memory_equal(made.id, wanted[i], strlen(wanted[i]));
		assert_int_equal(strlen(made.id), 20);
		assert_true(strcmp(made.id, newest[i]) > 0 || i == 1 || i == 5);
		restore_facts_done(&facts);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_id),
		cmocka_unit_test(test_targets),
		cmocka_unit_test(test_followed),
		cmocka_unit_test(test_nearest),
		cmocka_unit_test(test_xid_in_backup),
		cmocka_unit_test(test_padding),
		cmocka_unit_test(test_losses),
		cmocka_unit_test(test_missing_wal),
		cmocka_unit_test(test_missing_at_fork),
		cmocka_unit_test(test_not_archived_yet),
		cmocka_unit_test(test_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
