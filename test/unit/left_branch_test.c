// links: ctl/plan/plan ctl/plan/planner ctl/plan/step ctl/plan/request ctl/plan/findings ctl/plan/preflight ctl/plan/preflight_files ctl/plan/kept ctl/plan/target ctl/plan/left_branch ctl/plan/backup_set ctl/plan/wal_proof ctl/plan/way_back ctl/facts/facts ctl/facts/same_server ctl/facts/damaged ctl/facts/timeline_path ctl/print/units
/*
 * left_branch_test.c
 *		Times and transactions on branches that restores and failovers have left, with what the
 *		journals say of them and without: which are refused, which are planned as they are, and of
 *		which it can't be told.
 */
#include "restore_past.h"

#include "ctl/plan/findings.h"
#include "ctl/plan/planner.h"

#define RESTORED "no recovery target specified"

/* A cluster that is on this timeline now, with a backup at its beginning. All that happens is at a
 * minute, and a minute is a segment of WAL. */
static void
begin_past(RestoreFacts *facts, uint32_t timeline)
{
	FactDatabase database = {1, 1, "7000000000000000001", "15"};

	restore_facts_init(facts);
	facts->archive.segment_size = SEGMENT;
	facts->now_ms = AT(60) * 1000;
	strcpy(facts->scope, "pgbr");
	strcpy(facts->leader, "m1");
	add_member(facts, "m1", true);
	facts->members[0].timeline = timeline;
	facts->members[0].lsn = 50 * SEGMENT + 1000;
	assert_true(restore_facts_add_database(facts, &database));
	add_backup(facts, F, "", 1, 1, 1, 1000);
	facts->verified = true;
	facts->verified_at = AT(59);
}

/* A history with one or two ancestors; lsn in quarters of a segment. */
static void
add_history(RestoreFacts *facts, uint32_t timeline, uint32_t parent, int quarters,
			const char *reason)
{
	TimelineSwitch entry = {parent, (uint64_t) quarters * SEGMENT / 4, ""};
	const TimelineHistory *before = wal_archive_history(&facts->archive, parent);
	TimelineSwitch entries[8];
	size_t count = before ? before->count : 0;

	for (size_t i = 0; i < count; i++)
		entries[i] = before->entries[i];
	strcpy(entry.reason, reason);
	entries[count] = entry;
	assert_true(wal_archive_add_history(&facts->archive, timeline, entries, count + 1));
}

static void
add_restore(RestoreFacts *facts, uint32_t timeline, uint32_t left, int quarters, int last_minute,
			int stopped, uint64_t next_xid)
{
	FactRestore restore = {
		.timeline = timeline,
		.fork_lsn = (uint64_t) quarters * SEGMENT / 4,
		.left = left,
		.last_us = AT(last_minute) * SECOND_US,
		.next_xid = next_xid,
		.stopped_us = AT(stopped) * SECOND_US,
		.begun_us = (AT(stopped) + 20) * SECOND_US,
		.stopped_xid = 100 * (uint64_t) stopped,
	};

	assert_true(restore_facts_add_restore(facts, &restore));
}

/* (a) a restore to a name at minute 10, when the cluster had come to minute 20 */
static void
past_of_name(RestoreFacts *facts, bool journal, bool point)
{
	begin_past(facts, 2);
	add_range(facts, 1, 1, 20, 20);
	add_range(facts, 2, 10, 49, 49);
	add_history(facts, 2, 1, 41, "at restore point \"here\"");
	if (point)
		add_point(facts, "here", 1, 41 * SEGMENT / 4, 10, 1010);
	if (journal)
		add_restore(facts, 2, 1, 41, 10, 20, 1010);
}

/* (b) a restore to minute 10, written until minute 30, and that undone */
static void
past_of_undo(RestoreFacts *facts, bool journal)
{
	begin_past(facts, 3);
	add_range(facts, 1, 1, 19, 20);
	add_range(facts, 2, 10, 30, 30);
	add_range(facts, 3, 20, 49, 49);
	add_history(facts, 2, 1, 41, "before 2027-01-15 08:10:30+00");
	add_history(facts, 3, 1, 80, RESTORED);
	if (!journal)
		return;
	add_restore(facts, 2, 1, 41, 10, 20, 1010);
	add_restore(facts, 3, 2, 80, 19, 30, 2000);
	facts->restores[1].to_the_end = true;
}

/* (c) a switchover at minute 10, written until minute 20, and a restore to minute 5 */
static void
past_of_switchover(RestoreFacts *facts, bool journal)
{
	begin_past(facts, 3);
	add_range(facts, 1, 1, 9, 10);
	add_range(facts, 2, 10, 20, 20);
	add_range(facts, 3, 5, 49, 49);
	add_history(facts, 2, 1, 40, RESTORED);
	add_history(facts, 3, 1, 21, "before 2027-01-15 08:05:30+00");
	if (journal)
		add_restore(facts, 3, 2, 21, 5, 20, 505);
}

typedef struct Case
{
	const char *type;
	const char *target;
	uint32_t branch; /* that is refused, 0: none is */
	bool unproven;	 /* planned, with a note */
} Case;

static bool
plan_of(const RestoreFacts *facts, const char *type, const char *target, const char *timeline,
		RestorePlan *made, RestoreRefusal *refusal)
{
	RestoreRequest request = {0};
	PgbrError error = PGBR_ERROR_INIT;

	if (!recovery_target_parse(&request.target, type, target, false, NULL, timeline, &error))
		fail_msg("%s", error.message);
	return restore_plan_make(&request, facts, made, refusal);
}

static bool
has_note(const RestorePlan *plan)
{
	for (int i = 0; i < plan->unproven_count; i++)
	{
		if (strstr(plan->unproven[i], "that the cluster has left since"))
			return true;
	}
	return false;
}

static void
check(RestoreFacts *facts, const char *past, const Case *test)
{
	RestorePlan made;
	RestoreRefusal refusal;
	char branch[16];
	bool ok = plan_of(facts, test->type, test->target, NULL, &made, &refusal);

	if (ok && test->branch != 0)
		fail_msg("%s: %s is planned on timeline %u", past, test->target, made.target_timeline);
	if (!ok && test->branch == 0)
		fail_msg("%s: %s is refused: %s", past, test->target, refusal.error.message);
	if (ok && has_note(&made) != test->unproven)
		fail_msg("%s: %s has %s note", past, test->target, test->unproven ? "no" : "a");
	if (ok)
		return;
	if (refusal.nearest_count < 2 || refusal.nearest[0].timeline != test->branch)
		fail_msg("%s: %s offers timeline %u", past, test->target, refusal.nearest[0].timeline);
	/* each that is offered is accepted, and says where it is */
	for (int i = 0; i < refusal.nearest_count; i++)
	{
		RestoreRefusal again;

		assert_string_equal(refusal.nearest[i].type, test->type);
		snprintf(branch, sizeof(branch), "%u", refusal.nearest[i].timeline);
		if (!plan_of(facts, test->type, refusal.nearest[i].target, branch, &made, &again))
			fail_msg("%s: %s on timeline %s is refused: %s", past, test->target, branch,
					 again.error.message);
		assert_int_equal(made.target_timeline, refusal.nearest[i].timeline);
		assert_false(has_note(&made));
	}
	assert_int_equal(refusal.nearest[refusal.nearest_count - 1].timeline,
					 facts->members[0].timeline);
}

#define CHECK_ALL(facts, past, ...)                                        \
	do                                                                     \
	{                                                                      \
		static const Case all[] = {__VA_ARGS__};                           \
		for (size_t each = 0; each < sizeof(all) / sizeof(all[0]); each++) \
			check(facts, past, &all[each]);                                \
		restore_facts_done(facts);                                         \
	} while (0)

static void
test_name(void **state)
{
	RestoreFacts facts;

	(void) state;
	past_of_name(&facts, true, false);
	CHECK_ALL(
		&facts, "by the journal", {"time", "2027-01-15 08:10:00Z", 0, false},
		{"time", "2027-01-15 08:10:00.000001Z", 1, false},
		{"time", "2027-01-15 08:15:00Z", 1, false}, {"time", "2027-01-15 08:20:00Z", 1, false},
		{"time", "2027-01-15 08:20:01Z", 0, false}, {"time", "2027-01-15 08:40:00Z", 0, false});
	past_of_name(&facts, false, true);
	CHECK_ALL(&facts, "by the restore point", {"time", "2027-01-15 08:09:59.9Z", 0, false},
			  {"time", "2027-01-15 08:15:00Z", 1, false},
			  {"time", "2027-01-15 08:20:01Z", 0, false},
			  {"time", "2027-01-15 08:40:00Z", 0, false});
	/* nobody knows when that point was */
	past_of_name(&facts, false, false);
	CHECK_ALL(&facts, "by nothing", {"time", "2027-01-15 08:15:00Z", 0, true},
			  {"time", "2027-01-15 08:05:00Z", 0, true},
			  {"time", "2027-01-15 08:20:01Z", 0, false});
	/* a backup tells at least of what was before */
	past_of_name(&facts, false, false);
	add_backup(&facts, I, F, 1, 7, 7, 1500);
	CHECK_ALL(&facts, "by a backup", {"time", "2027-01-15 08:15:00Z", 0, true},
			  {"time", "2027-01-15 08:06:59Z", 0, false});
}

static void
test_undo(void **state)
{
	RestoreFacts facts;

	(void) state;
	past_of_undo(&facts, true);
	CHECK_ALL(
		&facts, "with journals", {"time", "2027-01-15 08:10:40Z", 0, false},
		{"time", "2027-01-15 08:19:59Z", 0, false}, {"time", "2027-01-15 08:25:00Z", 2, false},
		{"time", "2027-01-15 08:30:00Z", 2, false}, {"time", "2027-01-15 08:30:30Z", 0, false});
	/* the archive knows when timeline 1 ended, but not whether more of it came later */
	past_of_undo(&facts, false);
	CHECK_ALL(&facts, "without", {"time", "2027-01-15 08:25:00Z", 2, false},
			  {"time", "2027-01-15 08:30:30Z", 0, false},
			  {"time", "2027-01-15 08:40:00Z", 0, false});
	/* a time at which timeline 1 was surely the one */
	past_of_undo(&facts, false);
	add_point(&facts, "end", 1, 19 * SEGMENT, 19, 1900);
	CHECK_ALL(&facts, "with a restore point", {"time", "2027-01-15 08:10:40Z", 0, false},
			  {"time", "2027-01-15 08:18:59Z", 0, false});
}

/*
 * What is past the end of a lower timeline need not be past where this one was left; and the last
 * commit that a restore has replayed may be of another timeline than the one that it has left.
 */
static void
test_not_too_much(void **state)
{
	RestoreFacts facts;

	(void) state;
	begin_past(&facts, 3);
	add_range(&facts, 1, 1, 9, 10);
	add_range(&facts, 2, 10, 30, 30);
	add_range(&facts, 3, 20, 49, 49);
	add_history(&facts, 2, 1, 40, RESTORED);
	add_history(&facts, 3, 2, 80, "at restore point \"here\"");
	CHECK_ALL(&facts, "on the path", {"time", "2027-01-15 08:12:00Z", 0, true},
			  {"time", "2027-01-15 08:25:00Z", 0, true},
			  {"time", "2027-01-15 08:31:00Z", 0, false});

	past_of_undo(&facts, true);
	facts.members[0].timeline = 4;
	add_range(&facts, 4, 20, 49, 49);
	add_history(&facts, 4, 3, 81, "after LSN 0/14400000");
	add_restore(&facts, 4, 3, 81, 19, 31, 2000);
	CHECK_ALL(&facts, "restored again", {"time", "2027-01-15 08:25:00Z", 2, false});
}

static void
test_switchover(void **state)
{
	RestoreFacts facts;

	(void) state;
	for (int journal = 0; journal < 2; journal++)
	{
		past_of_switchover(&facts, journal);
		CHECK_ALL(
			&facts, journal ? "with journals" : "without",
			{"time", "2027-01-15 08:05:29.999999Z", 0, false},
			{"time", "2027-01-15 08:05:30Z", 1, false}, {"time", "2027-01-15 08:09:00Z", 1, false},
			{"time", "2027-01-15 08:15:00Z", 2, false}, {"time", "2027-01-15 08:40:00Z", 0, false});
	}
}

/* (d) used on both branches; what only one has is no question */
static void
test_xid(void **state)
{
	RestoreFacts facts;
	RestorePlan made;
	RestoreRefusal refusal;

	(void) state;
	past_of_undo(&facts, true);
	/* the undo point of the first restore, and of the undo */
	add_point(&facts, "pgbr_undo_1", 1, 79 * SEGMENT / 4, 20, 1990);
	add_point(&facts, "pgbr_undo_2", 2, 31 * SEGMENT, 30, 2990);
	CHECK_ALL(&facts, "undone", {"xid", "1009", 0, false}, {"xid", "1010", 2, false},
			  {"xid", "1999", 2, false}, {"xid", "2989", 2, false}, {"xid", "2990", 2, false},
			  {"xid", "3000", 0, false});

	past_of_name(&facts, true, false);
	add_point(&facts, "pgbr_undo_1", 1, 20 * SEGMENT, 20, 1990);
	CHECK_ALL(&facts, "left", {"xid", "1009", 0, false}, {"xid", "1010", 1, false},
			  {"xid", "1999", 1, false}, {"xid", "2000", 0, false});

	/* without a journal it is not known where the branch began, or where it ended */
	past_of_undo(&facts, false);
	CHECK_ALL(&facts, "unknown", {"xid", "1500", 0, true}, {"xid", "4000", 0, true});

	/* the leader has not come to it, the branch had */
	past_of_name(&facts, true, false);
	facts.members[0].next_xid = 1500;
	assert_false(plan_of(&facts, "xid", "1700", NULL, &made, &refusal));
	assert_string_equal(refusal.error.message, "transaction 1700 was never assigned");
	assert_string_equal(refusal.error.detail, "The next one is 1500.");
	assert_int_equal(refusal.nearest_count, 3);
	assert_string_equal(refusal.nearest[0].target, "1700");
	assert_int_equal(refusal.nearest[0].timeline, 1);
	assert_string_equal(refusal.nearest[0].note, "as it was then");
	assert_string_equal(refusal.nearest[1].target, "1499");
	restore_facts_done(&facts);
}

/* A failover or a switchover that lost nothing leaves nothing behind, and no note. */
static void
test_failover(void **state)
{
	RestoreFacts facts;

	(void) state;
	begin_past(&facts, 2);
	add_range(&facts, 1, 1, 9, 10);
	add_range(&facts, 2, 10, 49, 49);
	add_history(&facts, 2, 1, 41, RESTORED);
	CHECK_ALL(&facts, "clean", {"time", "2027-01-15 08:05:00Z", 0, false},
			  {"time", "2027-01-15 08:10:59Z", 0, false},
			  {"time", "2027-01-15 08:40:00Z", 0, false}, {"xid", "1200", 0, false});
	/* the old leader had more */
	begin_past(&facts, 2);
	add_range(&facts, 1, 1, 12, 12);
	add_range(&facts, 2, 10, 49, 49);
	add_history(&facts, 2, 1, 41, RESTORED);
	add_point(&facts, "lost", 1, 11 * SEGMENT, 11, 1100);
	CHECK_ALL(&facts, "with a loss", {"time", "2027-01-15 08:05:00Z", 0, true},
			  {"time", "2027-01-15 08:11:30Z", 1, false},
			  {"time", "2027-01-15 08:40:00Z", 0, false}, {"xid", "1200", 0, true});
	/* an undo replays all there was: its parent has nothing that it left, though the segment was
	 * archived to its end */
	past_of_undo(&facts, true);
	add_range(&facts, 1, 20, 20, 20);
	CHECK_ALL(&facts, "undone", {"time", "2027-01-15 08:20:00Z", 0, false});
}

/* The texts, whole. */
static void
test_words(void **state)
{
	RestoreFacts facts;
	RestorePlan made;
	RestoreRefusal refusal;

	(void) state;
	past_of_undo(&facts, true);
	assert_false(plan_of(&facts, "time", "2027-01-15 08:25:00Z", NULL, &made, &refusal));
	assert_string_equal(
		refusal.error.message,
		"2027-01-15 08:25:00.000000+00 lies on timeline 2, which the cluster has left");
	assert_string_equal(refusal.error.detail,
						"What was committed on timeline 2 after 0/A400000 is not on the way to "
						"timeline 3, which the leader has.");
	assert_string_equal(refusal.error.hint, "Say which is meant with --target-timeline.");
	assert_int_equal(refusal.nearest_count, 2);
	assert_string_equal(refusal.nearest[0].target, "2027-01-15 08:25:00.000000+00");
	assert_string_equal(refusal.nearest[0].note, "as it was then");
	assert_int_equal(refusal.nearest[1].timeline, 3);
	assert_string_equal(refusal.nearest[1].note, "on the way to the leader's timeline");
	assert_false(plan_of(&facts, "xid", "1500", NULL, &made, &refusal));
	assert_string_equal(refusal.error.message,
						"transaction 1500 was also assigned on timeline 2, which the cluster has "
						"left");
	restore_facts_done(&facts);

	past_of_name(&facts, false, false);
	strcpy(facts.restores_error, "the journals of member \"m2\" can't be read: gone");
	assert_true(plan_of(&facts, "time", "2027-01-15 08:15:00Z", NULL, &made, &refusal));
	assert_string_equal(made.unproven[made.unproven_count - 2],
						"That the time 2027-01-15 08:15:00.000000+00 was not on a timeline that "
						"the cluster has left since: 1. --target-timeline says which is meant.");
	assert_string_equal(made.unproven[made.unproven_count - 1],
						"When earlier restores left a timeline: the journals of member \"m2\" "
						"can't be read: gone.");
	restore_facts_done(&facts);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_name),	   cmocka_unit_test(test_undo),
		cmocka_unit_test(test_switchover), cmocka_unit_test(test_not_too_much),
		cmocka_unit_test(test_xid),		   cmocka_unit_test(test_failover),
		cmocka_unit_test(test_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
