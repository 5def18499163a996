/*
 * restore_past.h
 *		A cluster with a past, for the tests of plans.
 *
 * The past (segments of 16 MB; LSN 0/NN000000 is segment NN; a segment a minute, so that segment NN
 * was archived at minute NN):
 *
 *	timeline 1 segments 1 to 20 backups F at 3 to 4, I at 9 to 10; left at 0/C800000 (segment 12)
 *				by a restore to a time, when it had come to segment 20
 *	timeline 2 from 12 begun at minute 21: segments 12 to 30; backup D at 16 to 17, taken
 *				from a standby; left at 0/19000000 (segment 25, its begin) by a restore to a name
 *	timeline 3 from 25 begun at minute 40: the leader's; segments 25 to 33; backup F2 at 28
 *				to 29; the leader writes segment 34
 */
#ifndef PGBR_TEST_RESTORE_PAST_H
#define PGBR_TEST_RESTORE_PAST_H

#include "common/wal.h"
#include "ctl/facts/facts.h"
#include "ctl/plan/plan.h"

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

static inline void
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

static inline void
add_range(RestoreFacts *facts, uint32_t timeline, int first, int last, int minute)
{
	WalRange range = {timeline, (uint64_t) first, (uint64_t) last, AT(minute)};

	assert_true(wal_archive_add_range(&facts->archive, &range));
}

static inline void
add_point(RestoreFacts *facts, const char *name, uint32_t timeline, uint64_t lsn, int minute,
		  uint64_t xid)
{
	FactPoint point = {
		.timeline = timeline, .lsn = lsn, .time_us = AT(minute) * 1000000, .xid = xid};

	strcpy(point.name, name);
	assert_true(restore_facts_add_point(facts, &point));
}

static inline void
add_member(RestoreFacts *facts, const char *name, bool leader)
{
	FactMember *member = restore_facts_add_member(facts, name);

	strcpy(member->role, leader ? "leader" : "replica");
	snprintf(member->sidecar_url, sizeof(member->sidecar_url), "http://%s:8430", name);
	snprintf(member->identity, sizeof(member->identity), "0123456789abcdef-1@%s", name);
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
	member->logical_slots = 0;
	member->time_ms = member->asked_ms = AT(60) * 1000;
}

static inline void
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

#endif
