// links: ctl/plan/plan ctl/plan/planner ctl/plan/step ctl/plan/request ctl/plan/findings ctl/plan/preflight ctl/plan/preflight_files ctl/plan/kept ctl/plan/target ctl/plan/left_branch ctl/plan/backup_set ctl/plan/wal_proof ctl/plan/way_back ctl/facts/facts ctl/facts/same_server ctl/facts/damaged ctl/facts/timeline_path ctl/print/units
/*
 * restore_refusal_test.c
 *		Refusals of a target, whole: the message, the detail, the hint, and the nearest targets as
 *		options of the command line.
 */
#include "restore_past.h"

#include "common/strbuf.h"
#include "ctl/plan/planner.h"

typedef struct Refused
{
	const char *type;
	const char *target;
	const char *set;
	const char *timeline;
	void (*arrange)(RestoreFacts *facts);
	const char *text;
} Refused;

static void
lose_wal(RestoreFacts *facts)
{
	assert_true(wal_archive_remove(&facts->archive, 3, 32));
}

static void
lose_early_wal(RestoreFacts *facts)
{
	assert_true(wal_archive_remove(&facts->archive, 3, 29));
	add_backup(facts, "20270115-085400F", "", 3, 31, 54, 3300);
}

static void
damage(RestoreFacts *facts)
{
	facts->backups[0].broken = facts->backups[3].broken = true;
}

static void
forget_snapshots(RestoreFacts *facts)
{
	for (size_t i = 0; i < facts->backup_count; i++)
		facts->backups[i].snapshot_xmin = facts->backups[i].snapshot_xmax = 0;
	facts->point_count = 0;
}

static void
make_offline(RestoreFacts *facts)
{
	facts->backups[3].lsn_stop = 0;
}

static void
forget_history(RestoreFacts *facts)
{
	facts->members[0].timeline = 4;
}

static void
add_namesake(RestoreFacts *facts)
{
	add_point(facts, "left", 1, 5 * SEGMENT, 5, 1100);
	facts->backups[1].lsn_stop = 16 * SEGMENT;
}

static const Refused refusals[] = {
	{NULL, NULL, "20200101-000000F", NULL, NULL,
	 "there is no backup 20200101-000000F\n"
	 "default set 20270115-085000F: the backup that the plan would take\n"},
	{NULL, NULL, F2, "2", NULL,
	 "backup 20270115-085000F is not on the way to timeline 2\n"
	 "detail: It begins with WAL 00000003000000000000001C, and ends past the point at which the "
	 "timelines parted, or on another branch.\n"
	 "default set 20270115-080300F_20270115-082500D timeline 2: the backup that the plan would "
	 "take\n"},
	{NULL, NULL, NULL, "4", NULL,
	 "timeline 4 is not known\n"
	 "detail: The repository holds neither its history nor WAL of it.\n"
	 "default timeline 3: the timeline of the leader\n"
	 "default timeline 2: another timeline with a history\n"},
	{NULL, NULL, NULL, NULL, forget_history,
	 "timeline 4 is not known\n"
	 "detail: It is the leader's, but its history is not in the repository.\n"
	 "hint: Right after a failover it may still be in the archiver's queue: try again. If it does "
	 "not arrive, check archiving.\n"},
	{NULL, NULL, F2, NULL, make_offline,
	 "backup 20270115-085000F was made while PostgreSQL was down, and no WAL follows it\n"
	 "default set 20270115-080300F_20270115-082500D: the backup that the plan would take\n"},
	{NULL, NULL, F2, NULL, damage,
	 "backup 20270115-085000F, or one that it is based on, is damaged\n"},
	{NULL, NULL, NULL, NULL, damage,
	 "there is no backup from which timeline 3 can be reached\n"
	 "detail: Backup 20270115-080300F would do, but it, or one that it is based on, is damaged.\n"
	 "hint: No usable backup is an ancestor of timeline 3; \"pgbackrest_ctl info\" lists the "
	 "backups.\n"},
	{NULL, NULL, NULL, NULL, lose_wal,
	 "WAL segment 000000030000000000000020 is not in the repository\n"
	 "detail: It is needed on the way from backup 20270115-085000F to the target; recovery would "
	 "end before it.\n"
	 "hint: If a member still has it in pg_wal, \"pgbackrest archive-push\" brings it into the "
	 "repository.\n"
	 "lsn 0/1F000000 set 20270115-085000F: in the last segment before the gap\n"},
	{NULL, NULL, F2, NULL, lose_early_wal,
	 "WAL segment 00000003000000000000001D is not in the repository\n"
	 "detail: It is needed on the way from backup 20270115-085000F to the target; recovery would "
	 "end before it.\n"
	 "hint: If a member still has it in pg_wal, \"pgbackrest archive-push\" brings it into the "
	 "repository.\n"
	 "immediate set 20270115-085400F: backup 20270115-085400F by itself, the first after the gap\n"
	 "time 2027-01-15 08:55:01.000000+00 set 20270115-085400F: the end of that backup\n"},
	{"immediate", NULL, F2, NULL, lose_early_wal,
	 "WAL segment 00000003000000000000001D is not in the repository\n"
	 "detail: It is needed on the way from backup 20270115-085000F to the target; recovery would "
	 "end before it.\n"
	 "hint: If a member still has it in pg_wal, \"pgbackrest archive-push\" brings it into the "
	 "repository.\n"
	 "immediate set 20270115-085400F: backup 20270115-085400F by itself, the first after the gap\n"
	 "time 2027-01-15 08:55:01.000000+00 set 20270115-085400F: the end of that backup\n"},
	{"time", "2027-01-15 08:51:00Z", F2, NULL, NULL,
	 "backup 20270115-085000F is too late for time 2027-01-15 08:51:00.000000+00 on timeline 3\n"
	 "time 2027-01-15 08:51:01.000000+00: the end of backup 20270115-085000F, the one that was "
	 "named\n"
	 "immediate set 20270115-085000F: backup 20270115-085000F by itself, the one that was named\n"
	 "time 2027-01-15 08:51:00.000000+00 set 20270115-080300F_20270115-082500D: the backup that "
	 "the plan would take\n"},
	{"time", "2027-01-15 09:00:00.000001Z", NULL, NULL, NULL,
	 "the target 2027-01-15 09:00:00.000001+00 is in the future\n"
	 "detail: It is 2027-01-15 09:00:00.000000+00 on member \"m1\".\n"
	 "default: all that was committed\n"},
	{"time", "2027-01-15 08:04:00Z", NULL, NULL, NULL,
	 "there is no backup from which time 2027-01-15 08:04:00.000000+00 on timeline 3 can be "
	 "reached\n"
	 "detail: The first one on the way to timeline 3 is 20270115-080300F, which ended at "
	 "2027-01-15T08:04:00Z.\n"
	 "time 2027-01-15 08:04:01.000000+00: the end of backup 20270115-080300F, the earliest that "
	 "can be reached\n"
	 "immediate set 20270115-080300F: backup 20270115-080300F by itself, the earliest that can be "
	 "reached\n"},
	{"time", "2027-01-15 08:12:31Z", NULL, NULL, NULL,
	 "2027-01-15 08:12:31.000000+00 lies on timeline 1, which the cluster has left\n"
	 "detail: What was committed on timeline 1 after 0/C800000 is not on the way to timeline 3, "
	 "which the leader has.\n"
	 "hint: Say which is meant with --target-timeline.\n"
	 "time 2027-01-15 08:12:31.000000+00 timeline 1: as it was then\n"
	 "time 2027-01-15 08:12:31.000000+00 timeline 3: on the way to the leader's timeline\n"},
	{"time", "2027-01-15 08:20:01Z", NULL, "1", NULL,
	 "timeline 1 ended before 2027-01-15 08:20:01.000000+00\n"
	 "detail: Its last WAL was archived at 2027-01-15 08:20:00.000000+00.\n"
	 "default timeline 1: the end of timeline 1\n"
	 "time 2027-01-15 08:20:01.000000+00 timeline 3: that time on the leader's timeline\n"},
	{"lsn", "0/220003E9", NULL, NULL, NULL,
	 "the target 0/220003E9 is past the end of timeline 3\n"
	 "detail: It ends at 0/220003E8.\n"
	 "default timeline 3: the end of timeline 3\n"},
	{"lsn", "0/15000000", NULL, "1", NULL,
	 "the target 0/15000000 is past the end of timeline 1\n"
	 "detail: It ends at 0/15000000.\n"
	 "default timeline 1: the end of timeline 1\n"},
	{"lsn", "0/4000000", NULL, NULL, NULL,
	 "there is no backup from which lsn 0/4000000 on timeline 3 can be reached\n"
	 "detail: The first one on the way to timeline 3 is 20270115-080300F, which ended at "
	 "2027-01-15T08:04:00Z.\n"
	 "lsn 0/4000100: the end of backup 20270115-080300F, the earliest that can be reached\n"
	 "immediate set 20270115-080300F: backup 20270115-080300F by itself, the earliest that can be "
	 "reached\n"},
	{"lsn", "0/1D0000FF", F2, NULL, NULL,
	 "backup 20270115-085000F is too late for lsn 0/1D0000FF on timeline 3\n"
	 "lsn 0/1D000100: the end of backup 20270115-085000F, the one that was named\n"
	 "immediate set 20270115-085000F: backup 20270115-085000F by itself, the one that was named\n"
	 "lsn 0/1D0000FF set 20270115-080300F_20270115-082500D: the backup that the plan would take\n"},
	{"name", "left", NULL, "3", NULL,
	 "there is no restore point \"left\" on the way to timeline 3\n"
	 "lsn 0/F000000 exclusive timeline 1: \"left\", 0/F000000 on timeline 1, at 2027-01-15 "
	 "08:15:00.000000+00\n"},
	{"name", "twice", NULL, NULL, NULL,
	 "there is more than one restore point \"twice\"\n"
	 "hint: Choose one by its LSN with --type=lsn, or by its timeline with --target-timeline.\n"
	 "lsn 0/B000000 exclusive timeline 1: \"twice\", 0/B000000 on timeline 1, at 2027-01-15 "
	 "08:11:00.000000+00\n"
	 "lsn 0/1B000000 exclusive timeline 3: \"twice\", 0/1B000000 on timeline 3, at 2027-01-15 "
	 "08:45:00.000000+00\n"},
	{"name", "Goood", NULL, NULL, NULL,
	 "there is no restore point \"Goood\"\n"
	 "hint: Only those made with pgbr_restore_point() are known. For any other give its LSN or "
	 "time: --type=lsn or --type=time.\n"
	 "name good timeline 2: 0/19000000 on timeline 2, at 2027-01-15 08:34:00.000000+00\n"},
	{"name", "twice", I, "3", NULL,
	 "backup 20270115-080300F_20270115-080900I is too late for restore point twice on timeline 3\n"
	 "immediate set 20270115-080300F_20270115-080900I timeline 3: backup "
	 "20270115-080300F_20270115-080900I by itself, the one that was named\n"
	 "name twice set 20270115-080300F_20270115-082500D timeline 3: the backup that the plan would "
	 "take\n"},
	{"name", "left", I, "1", add_namesake,
	 "there is more than one restore point \"left\"\n"
	 "hint: Choose one by its LSN with --type=lsn, or by its timeline with --target-timeline.\n"
	 "lsn 0/F000000 exclusive timeline 1: \"left\", 0/F000000 on timeline 1, at 2027-01-15 "
	 "08:15:00.000000+00\n"
	 "lsn 0/5000000 exclusive timeline 1: \"left\", 0/5000000 on timeline 1, at 2027-01-15 "
	 "08:05:00.000000+00\n"},
	{"xid", "5000", NULL, NULL, NULL,
	 "transaction 5000 was never assigned\n"
	 "detail: The next one is 5000.\n"
	 "xid 5000 timeline 1: if it was there\n"
	 "xid 5000 timeline 2: if it was there\n"
	 "xid 4999: the last that was assigned\n"
	 "default: all that was committed\n"},
	{"xid", "997", NULL, NULL, NULL,
	 "there is no backup from which xid 997 on timeline 3 can be reached\n"
	 "detail: The first one on the way to timeline 3 is 20270115-080300F, which ended at "
	 "2027-01-15T08:04:00Z.\n"
	 "immediate set 20270115-080300F: backup 20270115-080300F by itself, the earliest that can be "
	 "reached\n"},
	{"xid", "2000", NULL, NULL, forget_snapshots,
	 "there is no backup from which xid 2000 on timeline 3 can be reached\n"
	 "detail: The first one on the way to timeline 3 is 20270115-080300F, which ended at "
	 "2027-01-15T08:04:00Z.\n"
	 "hint: With no backup it is recorded which transactions it holds. If you know one that had "
	 "ended before that transaction began, name it with --set.\n"
	 "immediate set 20270115-080300F: backup 20270115-080300F by itself, the earliest that can be "
	 "reached\n"},
	{"xid", "2997", F2, NULL, NULL,
	 "backup 20270115-085000F is too late for xid 2997 on timeline 3\n"
	 "immediate set 20270115-085000F: backup 20270115-085000F by itself, the one that was named\n"
	 "xid 2997 set 20270115-080300F_20270115-082500D: the backup that the plan would take\n"},
};

static void
describe(const RestoreRefusal *refusal, StrBuf *text)
{
	const PgbrError *error = &refusal->error;

	strbuf_printf(text, "%s\n", error->message);
	if (error->detail[0])
		strbuf_printf(text, "detail: %s\n", error->detail);
	if (error->hint[0])
		strbuf_printf(text, "hint: %s\n", error->hint);
	for (int i = 0; i < refusal->nearest_count; i++)
	{
		const RestoreNearest *nearest = &refusal->nearest[i];

		strbuf_printf(text, "%s%s%s%s%s%s", nearest->type, nearest->target[0] ? " " : "",
					  nearest->target, nearest->set[0] ? " set " : "", nearest->set,
					  nearest->exclusive ? " exclusive" : "");
		if (nearest->timeline)
			strbuf_printf(text, " timeline %u", nearest->timeline);
		strbuf_printf(text, ": %s\n", nearest->note);
	}
}

static void
test_refusals(void **state)
{
	(void) state;
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++)
	{
		const Refused *refused = &refusals[i];
		RestoreRequest request = {0};
		PgbrError error = PGBR_ERROR_INIT;
		RestoreFacts facts;
		RestoreRefusal refusal;
		RestorePlan made;
		StrBuf text;

		strbuf_init(&text);
		make_past(&facts);
		if (refused->arrange)
			refused->arrange(&facts);
		assert_true(recovery_target_parse(&request.target, refused->type, refused->target, false,
										  refused->set, refused->timeline, &error));
		if (restore_plan_make(&request, &facts, &made, &refusal))
			fail_msg("%zu is planned with %s", i, made.set);
		describe(&refusal, &text);
		assert_string_equal(text.data, refused->text);
		strbuf_done(&text);
		restore_facts_done(&facts);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refusals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
