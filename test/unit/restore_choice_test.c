// links: ctl/plan/plan ctl/plan/planner ctl/plan/step ctl/plan/request ctl/plan/findings ctl/plan/preflight ctl/plan/preflight_files ctl/plan/kept ctl/plan/target ctl/plan/left_branch ctl/plan/backup_set ctl/plan/wal_proof ctl/plan/way_back ctl/plan/verify ctl/facts/facts ctl/facts/same_server ctl/facts/damaged ctl/facts/timeline_path ctl/print/units
/*
 * restore_choice_test.c
 *		What a plan chooses where there is a choice: members that differ, two repositories, two
 *		databases of a stanza, transaction IDs with an epoch, names that exist twice.
 */
#include "restore_past.h"

#include "ctl/plan/planner.h"
#include "ctl/plan/verify.h"

static bool
plan_of(const RestoreFacts *facts, const RestoreRequest *request, const char *type,
		const char *target, const char *set, const char *timeline, RestorePlan *made,
		RestoreRefusal *refusal)
{
	RestoreRequest whole = *request;
	PgbrError error = PGBR_ERROR_INIT;

	if (!recovery_target_parse(&whole.target, type, target, false, set, timeline, &error))
		fail_msg("%s", error.message);
	return restore_plan_make(&whole, facts, made, refusal);
}

/* The plan of a target takes this backup. */
static void
takes(const RestoreFacts *facts, const char *type, const char *target, const char *timeline,
	  const char *set)
{
	RestoreRequest request = {0};
	RestorePlan made;
	RestoreRefusal refusal;

	if (!plan_of(facts, &request, type, target, NULL, timeline, &made, &refusal))
		fail_msg("%s %s: %s", type, target, refusal.error.message);
	if (strcmp(made.set, set) != 0)
		fail_msg("%s %s: %s, not %s", type, target, made.set, set);
}

static void
refuses(const RestoreFacts *facts, const RestoreRequest *request, const char *type,
		const char *target, const char *set, const char *timeline, const char *message)
{
	RestorePlan made;
	RestoreRefusal refusal;

	if (plan_of(facts, request, type, target, set, timeline, &made, &refusal))
		fail_msg("%s: planned with %s", message, made.set);
	assert_string_equal(refusal.error.message, message);
}

static bool
has_note(const RestorePlan *made, const char *text)
{
	for (int i = 0; i < made->warning_count; i++)
	{
		if (strstr(made->warnings[i], text))
			return true;
	}
	for (int i = 0; i < made->unproven_count; i++)
	{
		if (strstr(made->unproven[i], text))
			return true;
	}
	return false;
}

/* Without a leader the member with the most data is restored. */
static void
test_most_advanced(void **state)
{
	static const struct
	{
		uint32_t timelines[3];
		int ahead[3];
		const char *leader;
	} rows[] = {
		{{3, 3, 3}, {0, 100, 50}, "m2"},  {{3, 3, 3}, {0, 50, 100}, "m3"},
		{{3, 3, 3}, {100, 50, 0}, "m1"},  {{2, 3, 3}, {100, 0, 50}, "m3"},
		{{3, 2, 2}, {0, 100, 100}, "m1"}, {{2, 3, 2}, {100, 0, 100}, "m2"},
	};
	RestoreRequest request = {0};
	RestoreRequest without = {.without = {"m2"}, .without_count = 1};
	RestoreFacts facts;
	RestorePlan made;
	RestoreRefusal refusal;

	(void) state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
	{
		make_past(&facts);
		facts.leader[0] = '\0';
		for (int j = 0; j < 3; j++)
		{
			facts.members[j].running = false;
			facts.members[j].timeline = rows[i].timelines[j];
			facts.members[j].lsn = 34 * SEGMENT + 1000 + (uint64_t) rows[i].ahead[j];
		}
		assert_true(plan_of(&facts, &request, NULL, NULL, NULL, NULL, &made, &refusal));
		assert_string_equal(made.leader, rows[i].leader);
		assert_int_equal(made.old_timeline, 3);
		restore_facts_done(&facts);
	}
	/* one that is left out is not chosen, nor one that told nothing */
	make_past(&facts);
	facts.leader[0] = '\0';
	facts.members[1].lsn += 100;
	facts.members[2].lsn += 50;
	assert_true(plan_of(&facts, &without, NULL, NULL, NULL, NULL, &made, &refusal));
	assert_string_equal(made.leader, "m3");
	strcpy(facts.members[1].error, "gone");
	assert_true(plan_of(&facts, &without, NULL, NULL, NULL, NULL, &made, &refusal));
	assert_string_equal(made.leader, "m3");
	restore_facts_done(&facts);
}

static void
test_replicas_only(void **state)
{
	RestoreRequest all = {.replicas_only = true};
	RestoreRequest one = {.replicas_only = true, .only = {"m3"}, .only_count = 1};
	RestoreRequest none = {0};
	RestoreFacts facts;
	RestorePlan made;
	RestoreRefusal refusal;

	(void) state;
	make_past(&facts);
	/* of what is not stopped the process need not be seen */
	facts.members[0].unseen = true;
	assert_true(plan_of(&facts, &all, NULL, NULL, NULL, NULL, &made, &refusal));
	refuses(&facts, &none, NULL, NULL, NULL, NULL,
			"the process of PostgreSQL on member \"m1\" is not seen by its sidecar");
	facts.members[0].unseen = false;
	facts.members[1].unseen = true;
	assert_true(plan_of(&facts, &one, NULL, NULL, NULL, NULL, &made, &refusal));
	assert_false(has_note(&made, "Unlogged"));
	refuses(&facts, &all, NULL, NULL, NULL, NULL,
			"the process of PostgreSQL on member \"m2\" is not seen by its sidecar");
	facts.members[1].unseen = false;
	facts.members[2].unseen = true;
	refuses(&facts, &one, NULL, NULL, NULL, NULL,
			"the process of PostgreSQL on member \"m3\" is not seen by its sidecar");
	facts.members[2].unseen = false;
	/* Patroni still calls it the leader, or it runs and Patroni has none */
	facts.members[0].running = false;
	refuses(&facts, &all, NULL, NULL, NULL, NULL, "there is no leader that replicas could follow");
	facts.members[0].running = true;
	facts.leader[0] = '\0';
	refuses(&facts, &all, NULL, NULL, NULL, NULL, "there is no leader that replicas could follow");
	restore_facts_done(&facts);
}

static void
test_space(void **state)
{
	static const char *const unknown = "That member \"m2\" has enough space.";
	static const char *const outside = "That there is space for a copy of the data directory";
	RestoreRequest request = {0};
	RestoreRequest keep = {.keep_old = true};
	RestoreFacts facts;
	RestorePlan made;
	RestoreRefusal refusal;

	(void) state;
	make_past(&facts);
	assert_true(plan_of(&facts, &request, NULL, NULL, NULL, NULL, &made, &refusal));
	assert_false(has_note(&made, "enough space"));
	facts.members[1].free_bytes = -1;
	assert_true(plan_of(&facts, &request, NULL, NULL, NULL, NULL, &made, &refusal));
	assert_true(has_note(&made, unknown));
	facts.members[1].free_bytes = 0;
	refuses(&facts, &request, NULL, NULL, NULL, NULL,
			"member \"m2\" has not enough space: 64MB more are needed, 0B are free");
	facts.members[1].cluster_bytes = -1;
	assert_true(plan_of(&facts, &request, NULL, NULL, NULL, NULL, &made, &refusal));
	assert_true(has_note(&made, unknown));
	facts.members[1].free_bytes = 64 << 20;
	facts.members[1].cluster_bytes = 1000 << 20;
	assert_true(plan_of(&facts, &request, NULL, NULL, NULL, NULL, &made, &refusal));
	/* the copy of the leader's lies outside of its mount point */
	facts.members[0].is_mount = facts.members[1].is_mount = true;
	assert_true(plan_of(&facts, &request, NULL, NULL, NULL, NULL, &made, &refusal));
	assert_false(has_note(&made, outside));
	assert_true(plan_of(&facts, &keep, NULL, NULL, NULL, NULL, &made, &refusal));
	assert_true(has_note(&made, outside));
	restore_facts_done(&facts);
}

/* Of a member that is left out nothing else is told. */
static void
test_left_out(void **state)
{
	RestoreRequest request = {.without = {"m2"}, .without_count = 1};
	RestoreFacts facts;
	RestorePlan made;
	RestoreRefusal refusal;

	(void) state;
	make_past(&facts);
	strcpy(facts.members[1].running_job, "a job");
	strcpy(facts.members[1].mismatch, "Another.");
	strcpy(facts.members[2].running_job, "b job");
	assert_true(plan_of(&facts, &request, NULL, NULL, NULL, NULL, &made, &refusal));
	assert_true(has_note(
		&made, "Member \"m2\" is left out: it must not come back with its old data by itself. "
			   "check_timeline is set, so that it can't become the leader; then "
			   "\"pgbackrest_ctl restore --replicas-only --member=m2\" rebuilds it."));
	assert_false(has_note(&made, "a job"));
	assert_true(has_note(&made, "Job b job runs on member \"m3\""));
	restore_facts_done(&facts);
}

static void
set_database(RestoreFacts *facts, size_t backup, int repo, int database)
{
	facts->backups[backup].repo = repo;
	facts->backups[backup].database = database;
}

/* After stanza-upgrade the stanza has backups of two systems; a repository that was added later
 * counts anew. */
static void
test_databases(void **state)
{
	static const FactDatabase old = {1, 1, "6000000000000000001", "14"};
	static const FactDatabase current = {1, 2, "7000000000000000001", "15"};
	static const FactDatabase second = {2, 1, "7000000000000000001", "15"};
	RestoreRequest request = {0};
	RestoreFacts facts;

	(void) state;
	for (int newest_first = 0; newest_first < 2; newest_first++)
	{
		make_past(&facts);
		facts.database_count = 0;
		assert_true(restore_facts_add_database(&facts, newest_first ? &current : &old));
		assert_true(restore_facts_add_database(&facts, newest_first ? &old : &current));
		assert_true(restore_facts_add_database(&facts, &second));
		set_database(&facts, 0, 1, 2);
		set_database(&facts, 1, 1, 2);
		set_database(&facts, 2, 2, 1);
		set_database(&facts, 3, 1, 1);
		takes(&facts, NULL, NULL, NULL, D);
		refuses(&facts, &request, NULL, NULL, F2, NULL, "backup " F2 " is of another cluster");
		/* a database that no repository has */
		set_database(&facts, 2, 2, 2);
		takes(&facts, NULL, NULL, NULL, I);
		restore_facts_done(&facts);
	}
	/* the stanza was upgraded to another cluster */
	make_past(&facts);
	facts.databases[0] = current;
	facts.databases[0].id = 1;
	assert_true(
		restore_facts_add_database(&facts, &(FactDatabase){1, 2, "6000000000000000001", "15"}));
	refuses(&facts, &request, NULL, NULL, NULL, NULL,
			"the repository of stanza \"main\" belongs to another cluster");
	restore_facts_done(&facts);
}

static const FactBackup *
add_copy(RestoreFacts *facts, size_t backup, int repo)
{
	FactBackup copy = facts->backups[backup];

	copy.repo = repo;
	assert_true(restore_facts_add_backup(facts, &copy));
	return &facts->backups[facts->backup_count - 1];
}

/* The same backups in two repositories, and those that one of them lacks. */
static void
test_repositories(void **state)
{
	static const FactDatabase second = {2, 1, "7000000000000000001", "15"};
	RestoreRequest first = {.repo = 1};
	RestoreRequest other = {.repo = 2};
	RestoreRequest third = {.repo = 3};
	RestoreRequest any = {0};
	RestoreFacts facts;
	RestorePlan made;
	RestoreRefusal refusal;

	(void) state;
	for (int swapped = 0; swapped < 2; swapped++)
	{
		make_past(&facts);
		assert_true(restore_facts_add_database(&facts, &second));
		for (size_t i = 0; i < 4; i++)
			add_copy(&facts, i, 2);
		for (size_t i = 0; swapped && i < 8; i++)
			facts.backups[i].repo = 3 - facts.backups[i].repo;
		assert_true(plan_of(&facts, &any, NULL, NULL, NULL, NULL, &made, &refusal));
		assert_int_equal(made.repo, 1);
		assert_true(plan_of(&facts, &other, NULL, NULL, NULL, NULL, &made, &refusal));
		assert_int_equal(made.repo, 2);
		assert_string_equal(made.set, F2);
		assert_true(plan_of(&facts, &other, NULL, NULL, D, NULL, &made, &refusal));
		assert_int_equal(made.repo, 2);
		assert_string_equal(made.set, D);
		assert_true(plan_of(&facts, &first, NULL, NULL, D, NULL, &made, &refusal));
		assert_int_equal(made.repo, 1);
		refuses(&facts, &third, NULL, NULL, D, NULL, "there is no backup " D);
		refuses(&facts, &third, NULL, NULL, NULL, NULL,
				"there is no backup from which timeline 3 can be reached");
		restore_facts_done(&facts);
	}
	/* the newest is in the second one alone, and damaged there */
	make_past(&facts);
	assert_true(restore_facts_add_database(&facts, &second));
	facts.backups[3].repo = 2;
	assert_true(plan_of(&facts, &any, NULL, NULL, NULL, NULL, &made, &refusal));
	assert_int_equal(made.repo, 2);
	assert_true(plan_of(&facts, &first, NULL, NULL, NULL, NULL, &made, &refusal));
	assert_string_equal(made.set, D);
	facts.backups[3].broken = true;
	takes(&facts, NULL, NULL, NULL, D);
	refuses(&facts, &other, NULL, NULL, F2, NULL,
			"backup " F2 ", or one that it is based on, is damaged");
	refuses(&facts, &first, NULL, NULL, F2, NULL, "there is no backup " F2);
	restore_facts_done(&facts);
}

#define EPOCH (UINT64_C(1) << 32)

/* An ID without an epoch means the newest transaction of that number. */
static void
test_epoch(void **state)
{
	RestoreRequest request = {0};
	RestoreFacts facts;

	(void) state;
	make_past(&facts);
	facts.point_count = 0;
	facts.members[0].next_xid = EPOCH + 5000;
	facts.backups[0].snapshot_xmax = 1000;
	facts.backups[1].snapshot_xmax = 1500;
	facts.backups[2].snapshot_xmax = EPOCH + 1500;
	facts.backups[3].snapshot_xmax = EPOCH + 3000;
	for (int i = 0; i < 4; i++)
		facts.backups[i].snapshot_xmin = facts.backups[i].snapshot_xmax;
	takes(&facts, "xid", "4999", NULL, F2);
	takes(&facts, "xid", "3000", NULL, F2);
	takes(&facts, "xid", "2999", NULL, D);
	takes(&facts, "xid", "5000", NULL, I);
	takes(&facts, "xid", "4294967295", NULL, I);
	takes(&facts, "xid", "4294972295", NULL, F2);
	takes(&facts, "xid", "4294970295", NULL, D);
	refuses(&facts, &request, "xid", "4294972296", NULL, NULL,
			"transaction 4294972296 was never assigned");
	refuses(&facts, &request, "xid", "8589934592003", NULL, NULL,
			"transaction 8589934592003 was never assigned");
	/* on a timeline that was left the leader's epoch is the best guess */
	takes(&facts, "xid", "1600", "2", D);
	takes(&facts, "xid", "1499", "2", I);
	takes(&facts, "xid", "4294968896", "2", D);
	facts.members[0].next_xid = 0;
	takes(&facts, "xid", "1600", "2", I);
	/* in the first epoch there is none before */
	facts.members[0].next_xid = 5000;
	refuses(&facts, &request, "xid", "5000", NULL, NULL, "transaction 5000 was never assigned");
	restore_facts_done(&facts);
}

/* Restore points tell which transactions had begun where backups do not. */
static void
test_points_bound(void **state)
{
	static const char *const text = "That backup " F2 " had ended before transaction 3500 began.";
	RestoreRequest request = {0};
	RestoreFacts facts;
	RestorePlan made;
	RestoreRefusal refusal;

	(void) state;
	make_past(&facts);
	facts.point_count = 0;
	for (int i = 0; i < 4; i++)
		facts.backups[i].snapshot_xmax = facts.backups[i].snapshot_xmin = 0;
	assert_true(plan_of(&facts, &request, "xid", "3500", F2, NULL, &made, &refusal));
	assert_true(has_note(&made, text));
	add_point(&facts, "unknown", 3, 30 * SEGMENT, 51, 0);
	add_point(&facts, "second", 3, 32 * SEGMENT, 53, 3600);
	add_point(&facts, "first", 3, 31 * SEGMENT, 52, 3400);
	add_point(&facts, "third", 3, 33 * SEGMENT, 54, 3800);
	/* before the backup ended, and on another branch */
	add_point(&facts, "before", 3, 29 * SEGMENT, 50, 3100);
	add_point(&facts, "other", 2, 29 * SEGMENT + 512, 38, 2000);
	takes(&facts, "xid", "3400", NULL, F2);
	takes(&facts, "xid", "3399", NULL, D);
	takes(&facts, "xid", "3100", NULL, D);
	refuses(&facts, &request, "xid", "3099", NULL, NULL,
			"there is no backup from which xid 3099 on timeline 3 can be reached");
	refuses(&facts, &request, "xid", "3399", F2, NULL,
			"backup " F2 " is too late for xid 3399 on timeline 3");
	assert_true(plan_of(&facts, &request, "xid", "3400", F2, NULL, &made, &refusal));
	assert_false(has_note(&made, "had ended before transaction"));
	restore_facts_done(&facts);
}

/* A transaction or a time that was surely before WAL that is missing. */
static void
test_before_gap(void **state)
{
	static const char *const message = "WAL segment 000000030000000000000020 is not in the "
									   "repository";
	RestoreRequest request = {0};
	RestoreFacts facts;
	RestorePlan made;
	RestoreRefusal refusal;

	(void) state;
	make_past(&facts);
	facts.point_count = 0;
	assert_true(wal_archive_remove(&facts.archive, 3, 32));
	refuses(&facts, &request, "xid", "3399", NULL, NULL, message);
	add_point(&facts, "before", 3, 32 * SEGMENT, 53, 3400);
	takes(&facts, "xid", "3399", NULL, F2);
	refuses(&facts, &request, "xid", "3400", NULL, NULL, message);
	assert_true(plan_of(&facts, &request, "xid", "3399", NULL, NULL, &made, &refusal));
	assert_true(has_note(&made,
						 "That the target is before the WAL that is missing 4 segments after "
						 "the start of the backup. If it is not, recovery fails, and "
						 "nothing is lost."));
	assert_string_equal(made.last_segment, "00000003000000000000001F");
	assert_int_equal(made.wal_segments, 4);
	/* a point past the gap, of another branch, or before the backup, tells nothing */
	facts.points[0].lsn++;
	refuses(&facts, &request, "xid", "3399", NULL, NULL, message);
	facts.points[0] = (FactPoint){.name = "x", .timeline = 2, .lsn = 30 * SEGMENT, .xid = 3400};
	refuses(&facts, &request, "xid", "3399", NULL, NULL, message);
	facts.point_count = 0;
	/* a backup says it by what ran when it ended, and by when it began */
	add_backup(&facts, "20270115-085300F", "", 3, 30, 53, 3402);
	facts.backups[4].snapshot_xmax = 9000;
	takes(&facts, "xid", "3399", NULL, F2);
	refuses(&facts, &request, "xid", "3400", NULL, NULL, message);
	takes(&facts, "time", "2027-01-15 08:52:59.999999Z", NULL, F2);
	refuses(&facts, &request, "time", "2027-01-15 08:53:00Z", NULL, NULL, message);
	facts.backups[4].lsn_stop = 32 * SEGMENT + 1;
	refuses(&facts, &request, "xid", "3399", NULL, NULL, message);
	facts.backups[4].lsn_stop = 32 * SEGMENT;
	takes(&facts, "xid", "3399", NULL, F2);
	wal_segment_name(facts.backups[4].wal_start, 2, 30, SEGMENT);
	refuses(&facts, &request, "xid", "3399", NULL, NULL, message);
	restore_facts_done(&facts);
}

static void
test_names(void **state)
{
	static const char *const message = "there is more than one restore point \"dup\"";
	RestoreRequest request = {0};
	RestoreFacts facts;
	RestoreRefusal refusal;
	RestorePlan made;

	(void) state;
	make_past(&facts);
	add_point(&facts, "dup", 1, 6 * SEGMENT, 6, 1200);
	takes(&facts, "name", "dup", NULL, F);
	takes(&facts, "name", "dup", "3", F);
	/* two ancestors of the timeline */
	add_point(&facts, "dup", 2, 18 * SEGMENT, 27, 2200);
	refuses(&facts, &request, "name", "dup", NULL, NULL, message);
	refuses(&facts, &request, "name", "dup", NULL, "3", message);
	takes(&facts, "name", "dup", "2", D);
	takes(&facts, "name", "dup", "1", F);
	/* two ancestors, and the timeline itself */
	add_point(&facts, "dup", 3, 31 * SEGMENT, 52, 3200);
	takes(&facts, "name", "dup", "3", F2);
	facts.point_count--;
	/* on the timeline itself twice: which is meant can only be said by its LSN */
	add_point(&facts, "dup", 2, 19 * SEGMENT, 28, 2300);
	refuses(&facts, &request, "name", "dup", NULL, "2", message);
	assert_false(plan_of(&facts, &request, "name", "dup", NULL, "2", &made, &refusal));
	assert_string_equal(refusal.error.hint, "Choose one by its LSN with --type=lsn, or by its "
											"timeline with --target-timeline.");
	assert_int_equal(refusal.nearest_count, 3);
	assert_string_equal(refusal.nearest[2].target, "0/13000000");
	assert_true(refusal.nearest[2].exclusive);
	assert_int_equal(refusal.nearest[2].timeline, 2);
	assert_string_equal(refusal.nearest[2].note,
						"\"dup\", 0/13000000 on timeline 2, at 2027-01-15 08:28:00.000000+00");
	restore_facts_done(&facts);
}

static bool
is_verified(const RestorePlan *made, const char *reason, const char *last_xact, const char *fork)
{
	PgbrError error = PGBR_ERROR_INIT;
	json_t *recovered = json_pack("{s:i, s:s, s:s, s:s?}", "timeline", 4, "fork_lsn", fork,
								  "reason", reason, "last_xact_time", last_xact);
	bool ok = restore_verify(made, recovered, NULL, &error);

	json_decref(recovered);
	return ok;
}

/* What was committed, or stood, exactly at the target; and what a default restore must reach. */
static void
test_exactly(void **state)
{
	static const char *const later = "before 2027-01-15 08:56:00+00";
	RestoreRequest request = {0};
	RestoreFacts facts;
	RestorePlan made;
	RestoreRefusal refusal;

	(void) state;
	make_past(&facts);
	assert_true(
		plan_of(&facts, &request, "time", "2027-01-15 08:55:00Z", NULL, NULL, &made, &refusal));
	assert_true(is_verified(&made, later, "2027-01-15 08:55:00+00", "0/1E000000"));
	assert_false(is_verified(&made, later, "2027-01-15 08:55:00.000001+00", "0/1E000000"));
	made.request.target.exclusive = true;
	assert_false(is_verified(&made, later, "2027-01-15 08:55:00+00", "0/1E000000"));
	assert_true(is_verified(&made, later, "2027-01-15 08:54:59.999999+00", "0/1E000000"));

	assert_true(plan_of(&facts, &request, "lsn", "0/1E000028", NULL, NULL, &made, &refusal));
	assert_true(is_verified(&made, "after LSN 0/1E000028", NULL, "0/1E000060"));
	assert_false(is_verified(&made, "after LSN 0/1E000027", NULL, "0/1E000060"));

	assert_true(plan_of(&facts, &request, NULL, NULL, NULL, NULL, &made, &refusal));
	assert_int_equal(made.least_lsn, 34 * SEGMENT);
	assert_true(is_verified(&made, "no recovery target specified", NULL, "0/22000000"));
	assert_false(is_verified(&made, "no recovery target specified", NULL, "0/21FFFFFF"));
	restore_facts_done(&facts);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_most_advanced), cmocka_unit_test(test_replicas_only),
		cmocka_unit_test(test_space),		  cmocka_unit_test(test_left_out),
		cmocka_unit_test(test_databases),	  cmocka_unit_test(test_repositories),
		cmocka_unit_test(test_epoch),		  cmocka_unit_test(test_points_bound),
		cmocka_unit_test(test_before_gap),	  cmocka_unit_test(test_names),
		cmocka_unit_test(test_exactly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
