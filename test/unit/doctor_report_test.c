// links: ctl/plan/doctor_report ctl/facts/doctor_gather ctl/facts/gather ctl/facts/same_server ctl/facts/member_checks ctl/facts/facts ctl/facts/archive_view ctl/facts/timeline_path ctl/client/at_once ctl/client/cluster ctl/client/cluster_settings ctl/client/secret_rule ctl/client/patroni_client ctl/client/sidecar_client ctl/client/http_call
/*
 * doctor_report_test.c
 *		What "doctor" finds from outside: a fact that is broken, and the lines that say so.
 */
#include "ctl/plan/doctor_report.h"

#include "program/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static json_t *
make_answer(const char *start)
{
	return json_pack("{ss ss ss s{ss ss ss ss ss} s[{ss ss ss sn} {ss ss sn sn} {ss ss ss ss}]}",
					 "version", "0.1", "scope", "restore", "extension_version", "0.1", "node",
					 "system_identifier", "7443", "postmaster_start_time", start, "stanza", "main",
					 "postgres_version", "15.8", "pgbackrest_version", "2.45", "checks", "name",
					 "cron", "outcome", "ok", "reason", "none", "cure", "name", "lock-path",
					 "outcome", "fail", "reason", "cure", "name", "new", "outcome", "splendid",
					 "reason", "r", "cure", "c");
}

static void
make_cluster(DoctorCluster *facts)
{
	memset(facts, 0, sizeof(*facts));
	facts->count = 2;
	facts->has_leader = true;
	for (int i = 0; i < 2; i++)
	{
		DoctorMember *member = &facts->members[i];

		snprintf(member->name, sizeof(member->name), "m%d", i + 1);
		snprintf(member->api_url, sizeof(member->api_url), "http://10.0.0.%d:8008", i + 1);
		snprintf(member->sidecar_url, sizeof(member->sidecar_url), "http://10.0.0.%d:8430", i + 1);
		strcpy(member->patroni.system_identifier, "7443");
		strcpy(member->patroni.version, "3.0.2");
		strcpy(member->patroni.postmaster_start_time, "2026-11-24 11:41:32.1+00:00");
		member->patroni.running = true;
		member->doctor = make_answer("2026-11-24T11:41:32.100000Z");
		assert_non_null(member->doctor);
	}
}

static const DoctorLine *
find_line(const DoctorReport *report, const char *member, const char *check)
{
	for (size_t i = 0; i < report->count; i++)
	{
		const DoctorLine *line = &report->lines[i];

		if (strcmp(line->check, check) == 0 &&
			strcmp(line->member ? line->member : "", member ? member : "") == 0)
			return line;
	}
	fail_msg("no line \"%s\"", check);
	return NULL;
}

/* Make the report of the facts, hold one line's outcome, and end both. */
static void
expect(DoctorCluster *facts, const char *member, const char *check, PgbrVerdict outcome)
{
	DoctorReport report;
	const DoctorLine *line;

	doctor_report_make(&report, facts);
	line = find_line(&report, member, check);
	if (line->outcome != outcome)
		fail_msg("%s is %s: %s", check, pgbr_verdict_name(line->outcome), line->reason);
	assert_true(line->reason[0]);
	doctor_report_done(&report);
	doctor_cluster_done(facts);
}

static void
test_healthy(void **state)
{
	DoctorCluster *facts = calloc(1, sizeof(*facts));
	DoctorReport report;

	(void) state;
	make_cluster(facts);
	doctor_report_make(&report, facts);
	assert_false(report.failed);
	/*
	 * what the sidecars say is taken over; a word that is not known, and a reason that is not told
	 */
	assert_int_equal(find_line(&report, "m1", "cron")->outcome, PGBR_VERDICT_OK);
	assert_int_equal(find_line(&report, "m2", "lock-path")->outcome, PGBR_VERDICT_FAIL);
	assert_true(find_line(&report, "m2", "lock-path")->reason[0]);
	assert_int_equal(find_line(&report, "m2", "new")->outcome, PGBR_VERDICT_UNKNOWN);
	assert_string_equal(find_line(&report, "m2", "new")->cure, "c");
	assert_int_equal(doctor_report_worst(&report), PGBR_VERDICT_FAIL);
	assert_int_equal(doctor_report_count(&report, PGBR_VERDICT_FAIL), 2);
	assert_int_equal(doctor_report_count(&report, PGBR_VERDICT_UNKNOWN), 2);
	assert_int_equal(doctor_report_count(&report, PGBR_VERDICT_WARN), 0);
	/* four from outside and three of the sidecar for each, and eight of the cluster */
	assert_int_equal(report.count, 2 * (4 + 3) + 8);
	doctor_report_done(&report);
	doctor_cluster_done(facts);
	free(facts);
}

static void
test_patroni(void **state)
{
	DoctorCluster *facts = calloc(1, sizeof(*facts));

	(void) state;
	make_cluster(facts);
	pgbr_error_set(&facts->members[0].patroni_error, PGBR_ERROR_TIMEOUT, "no answer");
	expect(facts, "m1", "patroni", PGBR_VERDICT_FAIL);
	make_cluster(facts);
	pgbr_error_set(&facts->members[0].write_error, PGBR_ERROR_FORBIDDEN, "refused");
	expect(facts, "m1", "patroni-write", PGBR_VERDICT_FAIL);
	make_cluster(facts);
	pgbr_error_set(&facts->members[0].write_error, PGBR_ERROR_UNREACHABLE, "no answer");
	expect(facts, "m1", "patroni-write", PGBR_VERDICT_UNKNOWN);
	make_cluster(facts);
	facts->has_leader = false;
	expect(facts, NULL, "leader", PGBR_VERDICT_FAIL);
	make_cluster(facts);
	facts->paused = true;
	expect(facts, NULL, "leader", PGBR_VERDICT_WARN);
	make_cluster(facts);
	pgbr_error_set(&facts->patroni_error, PGBR_ERROR_UNREACHABLE, "no answer");
	expect(facts, NULL, "leader", PGBR_VERDICT_UNKNOWN);
	free(facts);
}

static void
test_sidecar(void **state)
{
	DoctorCluster *facts = calloc(1, sizeof(*facts));
	json_t *node;

	(void) state;
	make_cluster(facts);
	json_decref(facts->members[1].doctor);
	facts->members[1].doctor = NULL;
	pgbr_error_set(&facts->members[1].sidecar_error, PGBR_ERROR_UNREACHABLE, "no answer");
	expect(facts, "m2", "sidecar", PGBR_VERDICT_FAIL);
	make_cluster(facts);
	json_decref(facts->members[1].doctor);
	facts->members[1].doctor = make_answer("2026-11-24T11:41:32.108416Z");
	expect(facts, "m2", "sidecar", PGBR_VERDICT_FAIL);
	make_cluster(facts);
	node = json_object_get(facts->members[1].doctor, "node");
	json_object_set_new(node, "system_identifier", json_string("1"));
	expect(facts, "m2", "sidecar", PGBR_VERDICT_FAIL);
	make_cluster(facts);
	facts->members[1].patroni.running = false;
	expect(facts, "m2", "sidecar", PGBR_VERDICT_UNKNOWN);
	make_cluster(facts);
	for (int i = 0; i < 2; i++)
		json_object_set_new(json_object_get(facts->members[i].doctor, "node"), "identity",
							json_string("1-2@h"));
	expect(facts, "m1", "sidecar", PGBR_VERDICT_FAIL);
	for (int i = 0; i < 3; i++)
	{
		static const char *const scopes[] = {"read", "operate", "everything"};
		static const PgbrVerdict outcomes[] = {PGBR_VERDICT_WARN, PGBR_VERDICT_WARN,
											   PGBR_VERDICT_UNKNOWN};

		make_cluster(facts);
		json_object_set_new(facts->members[0].doctor, "scope", json_string(scopes[i]));
		expect(facts, "m1", "token", outcomes[i]);
	}
	free(facts);
}

static void
test_same(void **state)
{
	static const struct
	{
		const char *key;
		const char *check;
		PgbrVerdict outcome;
	} rows[] = {
		{"system_identifier", "same-system", PGBR_VERDICT_FAIL},
		{"stanza", "same-stanza", PGBR_VERDICT_FAIL},
		{"postgres_version", "same-postgresql", PGBR_VERDICT_WARN},
		{"pgbackrest_version", "same-pgbackrest", PGBR_VERDICT_WARN},
	};
	DoctorCluster *facts = calloc(1, sizeof(*facts));

	(void) state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
	{
		for (int unknown = 0; unknown < 2; unknown++)
		{
			json_t *node;

			make_cluster(facts);
			node = json_object_get(facts->members[1].doctor, "node");
			json_object_set_new(node, rows[i].key, unknown ? json_null() : json_string("other"));
			expect(facts, NULL, rows[i].check, unknown ? PGBR_VERDICT_UNKNOWN : rows[i].outcome);
		}
		make_cluster(facts);
		expect(facts, NULL, rows[i].check, PGBR_VERDICT_OK);
	}
	make_cluster(facts);
	strcpy(facts->members[1].patroni.version, "4.0.0");
	expect(facts, NULL, "same-patroni", PGBR_VERDICT_WARN);
	make_cluster(facts);
	json_object_set_new(facts->members[1].doctor, "version", json_string("0.2"));
	expect(facts, NULL, "same-sidecar", PGBR_VERDICT_WARN);
	make_cluster(facts);
	json_object_set_new(facts->members[1].doctor, "extension_version", json_string("0.2"));
	expect(facts, NULL, "same-extension", PGBR_VERDICT_WARN);
	free(facts);
}

/* An answer of something else altogether. */
static void
test_nonsense(void **state)
{
	DoctorCluster *facts = calloc(1, sizeof(*facts));
	json_t *answer =
		json_pack("{s[i s {s i} {}] s[] si}", "checks", 1, "x", "name", 3, "node", "scope", 5);

	(void) state;
	assert_non_null(answer);
	make_cluster(facts);
	json_decref(facts->members[0].doctor);
	facts->members[0].doctor = answer;
	expect(facts, "m1", "?", PGBR_VERDICT_UNKNOWN);
	free(facts);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_healthy),	 cmocka_unit_test(test_patroni),
		cmocka_unit_test(test_sidecar),	 cmocka_unit_test(test_same),
		cmocka_unit_test(test_nonsense),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
