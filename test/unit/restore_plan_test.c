// links: ctl/restore_plan ctl/restore_plan_json ctl/restore_check ctl/restore_target ctl/restore_set ctl/restore_wal ctl/restore_verify ctl/restore_facts ctl/timeline_path ctl/units
/*
 * restore_plan_test.c
 *		A table of targets against a cluster with a past: which backup, which timeline, or which
 *		refusal.
 *
 * The past (segments of 16 MB; LSN 0/NN000000 is segment NN; a segment a minute, so that segment NN
 * was archived at minute NN):
 *
 *	timeline 1	segments 1 to 20	backups F at 3 to 4, I at 9 to 10; left at 0/C800000 (segment 12)
 *				by a restore to a time, when it had come to segment 20
 *	timeline 2	from 12				begun at minute 21: segments 12 to 30; backup D at 16 to 17, taken
 *				from a standby; left at 0/19000000 (segment 25, its begin) by a restore to a name
 *	timeline 3	from 25				begun at minute 40: the leader's; segments 25 to 33; backup F2 at 28
 *				to 29; the leader writes segment 34
 */
#include "ctl/restore_facts.h"
#include "ctl/restore_plan.h"

#include "program/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SEGMENT	 (UINT64_C(16) << 20)
#define MINUTE_0 INT64_C(1800000000)

/* 2027-01-15 08:00:00 UTC is MINUTE_0 */
#define AT(minute) (MINUTE_0 + (minute) *60)

static void
add_backup(RestoreFacts *facts, const char *label, const char *prior, uint32_t timeline,
		   int segment, int minute, uint64_t xmax)
{
	FactBackup backup = {
		.repo = 1,
		.database = 1,
		.start = AT(minute),
		.stop = AT(minute + 1),
		.lsn_start = (uint64_t) segment * SEGMENT + 40,
		.lsn_stop = (uint64_t) (segment + 1) * SEGMENT + 256,
		.snapshot_xmin = xmax > 0 ? xmax - 2 : 0,
		.snapshot_xmax = xmax,
		.bytes = 1000 << 20,
		.repo_bytes = 100 << 20,
	};

	strcpy(backup.label, label);
	strcpy(backup.prior, prior);
	wal_segment_name(backup.wal_start, timeline, (uint64_t) segment, SEGMENT);
	wal_segment_name(backup.wal_stop, timeline, (uint64_t) segment + 1, SEGMENT);
	assert_true(restore_facts_add_backup(facts, &backup));
}

static void
add_range(RestoreFacts *facts, uint32_t timeline, int first, int last, int minute)
{
	WalRange range = {timeline, (uint64_t) first, (uint64_t) last, AT(minute)};

	assert_true(wal_archive_add_range(&facts->archive, &range));
}

static void
add_point(RestoreFacts *facts, const char *name, uint32_t timeline, uint64_t lsn, int minute,
		  uint64_t xid)
{
	FactPoint point = {
		.timeline = timeline, .lsn = lsn, .time_us = AT(minute) * 1000000, .xid = xid};

	strcpy(point.name, name);
	assert_true(restore_facts_add_point(facts, &point));
}

static void
add_member(RestoreFacts *facts, const char *name, bool leader)
{
	FactMember *member = restore_facts_add_member(facts, name);

	strcpy(member->role, leader ? "leader" : "replica");
	strcpy(member->stanza, "main");
	strcpy(member->system_identifier, "7000000000000000001");
	strcpy(member->postgres_version, "15.9 (Debian)");
	strcpy(member->pgbackrest_version, "2.45");
	strcpy(member->postgres_bin, "/usr/lib/postgresql/15/bin");
	member->running = true;
	member->timeline = 3;
	member->lsn = 34 * SEGMENT + 1000;
	member->next_xid = 5000;
	member->segment_size = (long long) SEGMENT;
	member->cluster_bytes = 1000 << 20;
	member->free_bytes = 500 << 20;
	member->unarchived = 0;
	member->tablespaces = 0;
	member->time_ms = member->asked_ms = AT(60) * 1000;
}

static void
make_past(RestoreFacts *facts)
{
	static const TimelineSwitch switches[] = {
		{1, 12 * SEGMENT + SEGMENT / 2, "before 2027-01-15 08:12:30.5+00"},
		{2, 25 * SEGMENT, "at restore point \"good\""},
	};
	FactDatabase database = {1, 1, "7000000000000000001", "15"};

	restore_facts_init(facts);
	facts->archive.segment_size = SEGMENT;
	facts->now_ms = AT(60) * 1000;
	strcpy(facts->scope, "pgbr");
	strcpy(facts->leader, "m1");
	strcpy(facts->system_identifier, "7000000000000000001");
	add_member(facts, "m1", true);
	add_member(facts, "m2", false);
	add_member(facts, "m3", false);
	assert_true(restore_facts_add_database(facts, &database));
	add_range(facts, 1, 1, 20, 20);
	add_range(facts, 2, 12, 30, 39);
	add_range(facts, 3, 25, 33, 58);
	assert_true(wal_archive_add_history(&facts->archive, 2, switches, 1));
	assert_true(wal_archive_add_history(&facts->archive, 3, switches, 2));
	add_backup(facts, "20270115-080300F", "", 1, 3, 3, 1000);
	add_backup(facts, "20270115-080300F_20270115-080900I", "20270115-080300F", 1, 9, 9, 1500);
	add_backup(facts, "20270115-080300F_20270115-082500D", "20270115-080300F", 2, 16, 25, 2000);
	add_backup(facts, "20270115-085000F", "", 3, 28, 50, 3000);
	add_point(facts, "good", 2, 25 * SEGMENT, 34, 2500);
	add_point(facts, "twice", 1, 11 * SEGMENT, 11, 1700);
	add_point(facts, "twice", 3, 27 * SEGMENT, 45, 2700);
	add_point(facts, "left", 1, 15 * SEGMENT, 15, 1800);
	facts->verified = true;
	facts->verified_at = AT(59);
}

#define F  "20270115-080300F"
#define I  "20270115-080300F_20270115-080900I"
#define D  "20270115-080300F_20270115-082500D"
#define F2 "20270115-085000F"

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
	{"xid", "2999", F2, NULL, "!too late for xid", 0},
	{"xid", "1999", NULL, NULL, I, 3},
	{"xid", "1000", NULL, NULL, F, 3},
	{"xid", "999", NULL, NULL, "!there is no backup from which", 0},
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
	static const Case based = {NULL, NULL, NULL, NULL, "!there is no backup from which", 0};
	static const char text[] =
		"2026-11-24 12:02:08.593 P01   INFO: invalid checksum "
		"'15-1/0000000300000000/000000030000000000000020-b3369af5.gz'\n"
		"2026-11-24 12:02:08.593 P01   INFO: invalid checksum '20270115-085000F/pg_data/base/5/1'\n"
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
	restore_facts_done(&facts);

	/* all are based on the first full one, or are bad themselves */
	make_past(&facts);
	facts.backups[0].broken = facts.backups[3].broken = true;
	check(&facts, &based);
	assert_false(plan(&facts, &based, &made, &refusal));
	assert_non_null(strstr(refusal.error.detail, "damaged"));
	restore_facts_done(&facts);
}

typedef struct Hindrance
{
	const char *message; /* a part of the refusal; NULL: none, and a warning instead */
	const char *warning;
	void (*arrange)(RestoreFacts *facts, RestoreRequest *request);
} Hindrance;

#define ARRANGE(name) static void name(RestoreFacts *facts, RestoreRequest *request)

ARRANGE(paused)
{
	(void) request;
	facts->paused = true;
}
ARRANGE(switchover)
{
	(void) request;
	facts->scheduled_switchover = true;
}
ARRANGE(silent)
{
	(void) request;
	strcpy(facts->members[1].error, "no answer");
}
ARRANGE(without)
{
	silent(facts, request);
	strcpy(request->without[request->without_count++], "m2");
}
ARRANGE(without_leader)
{
	(void) facts;
	strcpy(request->without[request->without_count++], "m1");
}
ARRANGE(stranger)
{
	(void) facts;
	strcpy(request->without[request->without_count++], "m9");
}
ARRANGE(another)
{
	(void) request;
	facts->members[2].mismatch = true;
}
ARRANGE(active)
{
	(void) request;
	strcpy(facts->members[2].restore, "20270115T080000-1234");
}
ARRANGE(other_system)
{
	(void) request;
	strcpy(facts->members[1].system_identifier, "7");
}
ARRANGE(other_repository)
{
	(void) request;
	strcpy(facts->databases[0].system_identifier, "7");
}
ARRANGE(other_version)
{
	(void) request;
	strcpy(facts->databases[0].version, "14");
}
ARRANGE(other_pgbackrest)
{
	(void) request;
	strcpy(facts->members[1].pgbackrest_version, "2.55");
}
ARRANGE(no_programs)
{
	(void) request;
	facts->members[0].postgres_bin[0] = '\0';
}
ARRANGE(no_space)
{
	(void) request;
	facts->members[2].cluster_bytes = 0;
}
ARRANGE(no_copy)
{
	(void) facts;
	request->keep_old = true;
}
ARRANGE(low_setting)
{
	(void) request;
	facts->members[0].control[FACT_max_connections] = 100;
	facts->members[1].settings[FACT_max_connections] = 50;
}
ARRANGE(clock_off)
{
	(void) request;
	facts->members[1].time_ms += 60000;
}
ARRANGE(crashed)
{
	(void) request;
	facts->members[0].running = false;
}
ARRANGE(leaderless)
{
	(void) request;
	facts->leader[0] = '\0';
	facts->members[0].running = false;
}
ARRANGE(standby_cluster)
{
	(void) request;
	strcpy(facts->members[0].role, "standby_leader");
}
ARRANGE(replicas_of_none)
{
	leaderless(facts, request);
	request->replicas_only = true;
}
ARRANGE(tablespaces)
{
	(void) request;
	facts->members[0].tablespaces = 1;
}

static const Hindrance hindrances[] = {
	{"is paused", NULL, paused},
	{"switchover is scheduled", NULL, switchover},
	{"\"m2\" can't be asked: no answer", NULL, silent},
	{NULL, "\"m2\" is left out", without},
	{"leader and can't be left out", NULL, without_leader},
	{"no member \"m9\"", NULL, stranger},
	{"another PostgreSQL", NULL, another},
	{"restore 20270115T080000-1234 is active", NULL, active},
	{"\"m2\" is not of this cluster", NULL, other_system},
	{"belongs to another cluster", NULL, other_repository},
	{"backups are of PostgreSQL 14", NULL, other_version},
	{"different versions of pgbackrest", NULL, other_pgbackrest},
	{"PostgreSQL's programs", NULL, no_programs},
	{"\"m3\" has not enough space", NULL, no_space},
	{"\"m1\" has not enough space", NULL, no_copy},
	{NULL, "max_connections is 50 on member \"m2\"", low_setting},
	{NULL, "clock of member \"m2\" is 60 s ahead", clock_off},
	{NULL, "no undo point", crashed},
	{NULL, "no undo point", leaderless},
	{"standby cluster", NULL, standby_cluster},
	{"no leader that replicas could follow", NULL, replicas_of_none},
	{NULL, "tablespaces", tablespaces},
};

static void
test_hindrances(void **state)
{
	(void) state;
	for (size_t i = 0; i < sizeof(hindrances) / sizeof(hindrances[0]); i++)
	{
		const Hindrance *hindrance = &hindrances[i];
		RestoreRequest request = {0};
		RestoreFacts facts;
		RestorePlan made;
		RestoreRefusal refusal;
		bool ok;
		bool warned = false;

		make_past(&facts);
		hindrance->arrange(&facts, &request);
		ok = restore_plan_make(&request, &facts, &made, &refusal);
		if (ok != (hindrance->message == NULL))
			fail_msg("%s: %s", hindrance->message ? hindrance->message : hindrance->warning,
					 ok ? "not refused" : refusal.error.message);
		if (!ok && strstr(refusal.error.message, hindrance->message) == NULL)
			fail_msg("%s: %s", hindrance->message, refusal.error.message);
		for (int j = 0; ok && j < made.warning_count; j++)
			warned = warned || strstr(made.warnings[j], hindrance->warning);
		if (ok && !warned)
			fail_msg("no warning \"%s\"", hindrance->warning);
		restore_facts_done(&facts);
	}
}

static bool
has_step(const RestorePlan *made, RestoreStep step)
{
	for (int i = 0; i < made->step_count; i++)
	{
		if (made->steps[i] == step)
			return true;
	}
	return false;
}

static void
test_steps(void **state)
{
	RestoreRequest request = {0};
	RestoreFacts facts;
	RestorePlan made;
	RestoreRefusal refusal;
	RestoreStep step;

	(void) state;
	make_past(&facts);
	assert_true(restore_plan_make(&request, &facts, &made, &refusal));
	assert_int_equal(made.step_count, RESTORE_STEP_COUNT - 1);
	assert_false(has_step(&made, RESTORE_KEEP_OLD));
	assert_false(made.check_timeline);
	assert_string_equal(made.leader, "m1");
	assert_int_equal(made.old_timeline, 3);
	assert_string_equal(made.first_segment, "00000003000000000000001C");
	assert_string_equal(made.last_segment, "000000030000000000000022");
	assert_int_equal(made.wal_segments, 7);
	assert_true(made.seconds > 60);

	request.replicas_only = true;
	strcpy(request.only[request.only_count++], "m3");
	assert_true(restore_plan_make(&request, &facts, &made, &refusal));
	assert_int_equal(made.step_count, 9);
	assert_false(has_step(&made, RESTORE_STOP_LEADER));
	assert_true(made.members[1].left_out);
	assert_false(made.members[2].left_out);

	request.replicas_only = false;
	request.only_count = 0;
	facts.members[0].running = false;
	assert_true(restore_plan_make(&request, &facts, &made, &refusal));
	assert_true(made.broken_leader);
	assert_false(has_step(&made, RESTORE_UNDO_POINT));
	assert_true(restore_step_parse("hand-over", &step));
	assert_int_equal(step, RESTORE_HAND_OVER);
	assert_false(restore_step_parse("hand", &step));
	restore_facts_done(&facts);
}

static void
test_json(void **state)
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
	assert_true(recovery_target_parse(&request.target, "time", "2027-01-15 08:30:00+00", true, D,
									  "2", &error));
	request.keep_old = false;
	facts.members[0].tablespaces = 3;
	strcpy(request.without[request.without_count++], "m2");
	assert_true(restore_plan_make(&request, &facts, &made, &refusal));
	json = restore_plan_json(&made);
	assert_true(restore_plan_read(json, &read, &error));
	again = restore_plan_json(&read);
	assert_true(json_equal(json, again));
	assert_true(restore_request_equal(&read.request, &request));
	assert_true(read.check_timeline);
	read.request.target.exclusive = false;
	assert_false(restore_request_equal(&read.request, &request));
	/* a text that is no step, a set that is no label */
	json_object_set_new(again, "set", json_string("; rm -rf /"));
	assert_false(restore_plan_read(again, &read, &error));
	json_object_set_new(json_array_get(json_object_get(json, "steps"), 0), "step",
						json_string("fly"));
	assert_false(restore_plan_read(json, &read, &error));
	json_decref(json);
	json_decref(again);
	restore_facts_done(&facts);
}

typedef struct Reach
{
	const char *type;
	const char *target;
	bool exclusive;
	const char *reason;
	const char *fork;
	const char *last_xact;
	bool reached;
} Reach;

static const Reach reaches[] = {
	{"time", "2027-01-15 08:55:00Z", false, "before 2027-01-15 08:55:00.1+00", "0/1E000000",
	 "2027-01-15 08:54:59+00", true},
	{"time", "2027-01-15 08:55:00Z", false, "before 2027-01-15 09:55:00.1+01", "0/1E000000", NULL,
	 true},
	{"time", "2027-01-15 08:55:00Z", false, "before 2027-01-15 08:55:00+00", "0/1E000000", NULL,
	 false},
	{"time", "2027-01-15 08:55:00Z", true, "before 2027-01-15 08:55:00+00", "0/1E000000", NULL,
	 true},
	{"time", "2027-01-15 08:55:00Z", false, "before 2027-01-15 08:54:00+00", "0/1E000000", NULL,
	 false},
	{"time", "2027-01-15 08:55:00Z", false, "before 2027-01-15 08:56:00+00", "0/1E000000",
	 "2027-01-15 08:55:30+00", false},
	{"time", "2027-01-15 08:55:00Z", false, "no recovery target specified", "0/1E000000", NULL,
	 false},
	/* the state of the backup's end, which PostgreSQL gives for a time before it */
	{"time", "2027-01-15 08:55:00Z", false, "before 2027-01-15 08:56:00+00", "0/1C000000", NULL,
	 false},
	{"lsn", "0/1E000000", false, "after LSN 0/1E000028", "0/1E000060", NULL, true},
	{"lsn", "0/1E000000", false, "after LSN 0/1DFFFFF8", "0/1E000060", NULL, false},
	{"lsn", "0/1E000000", true, "before LSN 0/1E000028", "0/1E000028", NULL, true},
	{"lsn", "0/1E000000", true, "after LSN 0/1E000028", "0/1E000028", NULL, false},
	{"xid", "3100", false, "after transaction 3100", "0/1E000028", NULL, true},
	{"xid", "3100", false, "after transaction 3101", "0/1E000028", NULL, false},
	{"xid", "3100", true, "before transaction 3100", "0/1E000028", NULL, true},
	{"name", "good", false, "at restore point \"good\"", "0/19000000", NULL, true},
	{"name", "good", false, "at restore point \"goo\"", "0/19000000", NULL, false},
	/* another point of that name, which nobody has registered */
	{"name", "good", false, "at restore point \"good\"", "0/18000000", NULL, false},
	{"immediate", NULL, false, "reached consistency", "0/1D000100", NULL, true},
	{NULL, NULL, false, "no recovery target specified", "0/22000500", NULL, true},
	{NULL, NULL, false, "no recovery target specified", "0/22000400", NULL, false},
	{NULL, NULL, false, "reached consistency", "0/22000500", NULL, false},
};

static void
test_verify(void **state)
{
	(void) state;
	for (size_t i = 0; i < sizeof(reaches) / sizeof(reaches[0]); i++)
	{
		const Reach *reach = &reaches[i];
		RestoreRequest request = {0};
		RestoreFacts facts;
		RestorePlan made;
		RestoreRefusal refusal;
		PgbrError error = PGBR_ERROR_INIT;
		json_t *mark = json_pack("{s:s}", "lsn", "0/22000450");
		json_t *recovered =
			json_pack("{s:i, s:s, s:s, s:s?}", "timeline", 4, "fork_lsn", reach->fork, "reason",
					  reach->reason, "last_xact_time", reach->last_xact);

		make_past(&facts);
		assert_true(recovery_target_parse(&request.target, reach->type, reach->target,
										  reach->exclusive, NULL, NULL, &error));
		assert_true(restore_plan_make(&request, &facts, &made, &refusal));
		if (restore_verify(&made, recovered, mark, &error) != reach->reached)
			fail_msg("%s %s, \"%s\" at %s: %s", reach->type, reach->target, reach->reason,
					 reach->fork, error.message);
		json_object_set_new(recovered, "timeline", json_integer(3));
		assert_false(restore_verify(&made, recovered, mark, &error));
		json_decref(recovered);
		json_decref(mark);
		restore_facts_done(&facts);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_targets),
		cmocka_unit_test(test_nearest),
		cmocka_unit_test(test_missing_wal),
		cmocka_unit_test(test_missing_at_fork),
		cmocka_unit_test(test_not_archived_yet),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_hindrances),
		cmocka_unit_test(test_steps),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_verify),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
