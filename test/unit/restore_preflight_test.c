// links: ctl/plan/plan ctl/plan/planner ctl/plan/step ctl/plan/request ctl/plan/findings ctl/plan/plan_json ctl/plan/preflight ctl/plan/preflight_files ctl/plan/kept ctl/plan/target ctl/plan/left_branch ctl/plan/backup_set ctl/plan/wal_proof ctl/plan/way_back ctl/plan/verify ctl/facts/facts ctl/facts/same_server ctl/facts/damaged ctl/facts/timeline_path ctl/print/units
/*
 * restore_preflight_test.c
 *		What hinders a restore whatever its target, the steps of a plan, a plan as JSON, and what
 *		counts as having reached the target.
 */
#include "restore_past.h"

#include "ctl/plan/plan_json.h"
#include "ctl/plan/planner.h"
#include "ctl/plan/verify.h"

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
	strcpy(facts->members[2].mismatch, "Its PostgreSQL is a primary.");
}
ARRANGE(same_sidecar_twice)
{
	(void) request;
	strcpy(facts->members[2].identity, facts->members[0].identity);
}
ARRANGE(misspelt)
{
	(void) request;
	facts->members[1].unlisted = true;
}
ARRANGE(read_only)
{
	(void) request;
	facts->members[1].read_only = true;
}
ARRANGE(unseen)
{
	(void) request;
	facts->members[1].unseen = true;
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

static void
set_option(RestoreFacts *facts, FactEffect effect)
{
	FactMember *member = &facts->members[1];

	strcpy(member->options[0].name, "force");
	strcpy(member->options[0].where, "section [global] of pgbackrest.conf");
	member->options[0].effect = effect;
	member->option_count = 1;
}
ARRANGE(refused_option)
{
	(void) request;
	set_option(facts, FACT_EFFECT_REFUSED);
}
ARRANGE(ignored_option)
{
	(void) request;
	set_option(facts, FACT_EFFECT_OVERRIDDEN);
}
ARRANGE(link_to_data)
{
	(void) request;
	strcpy(facts->members[1].data_link, "base");
}

static const Hindrance hindrances[] = {
	{"\"m2\" holds data behind the link \"base\"", NULL, link_to_data},
	{"option \"force\" of pgbackrest on member \"m2\" would change the restore", NULL,
	 refused_option},
	{NULL,
	 "on member \"m2\" (section [global] of pgbackrest.conf): the restore and its undo ignore",
	 ignored_option},
	{"is paused", NULL, paused},
	{"switchover is scheduled", NULL, switchover},
	{"\"m2\" can't be asked: no answer", NULL, silent},
	{NULL, "\"m2\" is left out", without},
	{"leader and can't be left out", NULL, without_leader},
	{"no member \"m9\"", NULL, stranger},
	{"another PostgreSQL", NULL, another},
	{"members \"m1\" and \"m3\" have the same sidecar", NULL, same_sidecar_twice},
	{"Patroni lists no member \"m2\"", NULL, misspelt},
	{"PostgreSQL on member \"m2\" is not seen", NULL, unseen},
	{"data directory of member \"m2\" is read-only", NULL, read_only},
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
	assert_int_equal(made.step_count, 13);
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
	static const struct
	{
		const char *key;
		const char *value;
	} wrong[] = {
		{"wal_segment_size", "0"},
		{"wal_segment_size", "3"},
		{"wal_segment_size", "-16777216"},
		{"wal_segment_size", "9223372036854775807"},
		{"wal_segments", "9223372036854775807"},
		{"target_timeline", "0"},
		{"target_timeline", "4294967297"},
		{"repo", "257"},
		{"bytes", "-1"},
		{"leader", "\"nobody\""},
		{"scope", "\"\\u001b[2J\""},
		{"stanza", "\"../main\""},
		{"first_segment", "\"x\""},
		{"members", "[{\"name\":\"\"}]"},
		{"steps", "[{\"step\":\"unlock\"},{\"step\":\"lock\"}]"},
	};
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
	/* a journal is a sidecar's word: numbers that would be divided by, added up or cut off */
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
	{
		json_t *bad = json_deep_copy(again);

		json_object_set_new(bad, wrong[i].key, json_loads(wrong[i].value, JSON_DECODE_ANY, NULL));
		if (restore_plan_read(bad, &read, &error))
			fail_msg("%s: %s", wrong[i].key, wrong[i].value);
		json_decref(bad);
	}
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

/* Members that are gone since the plan was made. */
static void
test_leave_out(void **state)
{
	RestoreRequest request = {0};
	RestoreRequest more;
	RestoreFacts facts;
	RestorePlan made;
	RestoreRefusal refusal;
	PgbrError error;

	(void) state;
	make_past(&facts);
	assert_true(recovery_target_parse(&request.target, "time", "2027-01-15 08:30:00+00", true, D,
									  "2", &error));
	assert_true(restore_plan_make(&request, &facts, &made, &refusal));
	more = request;
	assert_false(restore_request_extends(&request, &more));
	assert_true(restore_plan_leave_out(&made, &more, false, &error));
	assert_false(made.check_timeline);

	strcpy(more.without[more.without_count++], "m2");
	assert_true(restore_request_extends(&request, &more));
	assert_false(restore_request_extends(&more, &request));
	assert_true(restore_plan_leave_out(&made, &more, false, &error));
	assert_true(made.check_timeline);
	for (int i = 0; i < made.member_count; i++)
		assert_true(made.members[i].left_out == (strcmp(made.members[i].name, "m2") == 0));
	assert_true(restore_request_equal(&made.request, &more));
	/* a name that stands there already is not added */
	assert_true(restore_plan_leave_out(&made, &more, false, &error));
	assert_int_equal(made.request.without_count, 1);
	more.target.exclusive = false;
	assert_false(restore_request_extends(&request, &more));

	strcpy(more.without[more.without_count++], "m9");
	assert_false(restore_plan_leave_out(&made, &more, true, &error));
	assert_string_equal(strstr(error.message, "has no member"), "has no member \"m9\"");
	strcpy(more.without[1], "m1");
	assert_false(restore_plan_leave_out(&made, &more, false, &error));
	assert_non_null(strstr(error.message, "can't go on without the leader, \"m1\""));
	assert_non_null(strstr(error.hint, "undo --without-member=m1"));
	assert_true(restore_plan_leave_out(&made, &more, true, &error));
	strcpy(more.without[more.without_count++], "m3");
	assert_false(restore_plan_leave_out(&made, &more, true, &error));
	assert_non_null(strstr(error.message, "no member of restore"));
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
		json_t *mark = json_pack("{s:s, s:i}", "lsn", "0/22000450", "timeline", 3);
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

/* What recovery says of databases, for which target, with --accept-invalid-databases or without. */
static void
test_verify_databases(void **state)
{
	static const struct
	{
		const char *databases; /* NULL: an older sidecar's result */
		bool to_end;
		bool accept;
		const char *message; /* NULL: it goes on */
		const char *detail;
		const char *hint; /* a part of it */
		bool note;
	} rows[] = {
		{"[]", false, false, NULL, NULL, NULL, false},
		{NULL, false, false, NULL, NULL, NULL, true},
		{"null", false, false, NULL, NULL, NULL, true},
		{"[{\"name\": \"shop\", \"xid\": \"733\"}]", false, false,
		 "database \"shop\" is invalid at the target: DROP DATABASE had removed its files", "",
		 "--type=xid --target=733 restores to right after the drop", true},
		{"[{\"name\": \"a\", \"xid\": null}, {\"name\": \"b\", \"xid\": \"7\"}]", false, false,
		 "database \"a\" is invalid at the target: DROP DATABASE had removed its files",
		 "So is 1 more.", "A point before the drop began restores the whole database.", true},
		{"[{\"name\": \"shop\", \"xid\": \"733\"}]", false, true, NULL, NULL, NULL, true},
		{"[{\"name\": \"shop\", \"xid\": \"733\"}]", true, false, NULL, NULL, NULL, true},
	};

	(void) state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
	{
		RestorePlan plan = {0};
		json_t *recovered = json_object();
		PgbrError error = PGBR_ERROR_INIT;
		const char *note;

		plan.request.target.type = rows[i].to_end ? RECOVERY_DEFAULT : RECOVERY_TIME;
		if (rows[i].databases)
			json_object_set_new(recovered, "invalid_databases",
								json_loads(rows[i].databases, JSON_DECODE_ANY, NULL));
		assert_int_equal(restore_verify_databases(&plan, recovered, rows[i].accept, &note, &error),
						 rows[i].message == NULL);
		assert_int_equal(note != NULL, rows[i].note);
		if (rows[i].message)
		{
			assert_int_equal(error.code, PGBR_ERROR_CONFLICT);
			assert_string_equal(error.message, rows[i].message);
			assert_string_equal(error.detail, rows[i].detail);
			assert_non_null(strstr(error.hint, rows[i].hint));
			assert_non_null(strstr(error.hint, "--accept-invalid-databases"));
		}
		json_decref(recovered);
	}
}

static void
test_verify_prepared(void **state)
{
	static const struct
	{
		int prepared;
		const char *config; /* NULL: not known */
		bool ok;
	} rows[] = {
		{0, "{}", true},
		{1, NULL, true},
		{1, "{}", false},
		{2, "{\"postgresql\": {\"parameters\": {\"max_prepared_transactions\": 2}}}", true},
		{3, "{\"postgresql\": {\"parameters\": {\"max_prepared_transactions\": 2}}}", false},
		{3, "{\"postgresql\": {\"parameters\": {\"max_prepared_transactions\": \"3\"}}}", true},
	};

	(void) state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
	{
		json_t *recovered = json_pack("{si}", "prepared", rows[i].prepared);
		json_t *config = rows[i].config ? json_loads(rows[i].config, 0, NULL) : NULL;
		PgbrError error = PGBR_ERROR_INIT;

		assert_int_equal(restore_verify_prepared(recovered, config, &error), rows[i].ok);
		if (!rows[i].ok)
			assert_non_null(strstr(error.message, "max_prepared_transactions is "));
		json_decref(recovered);
		json_decref(config);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hindrances),
		cmocka_unit_test(test_steps),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_leave_out),
		cmocka_unit_test(test_verify),
		cmocka_unit_test(test_verify_databases),
		cmocka_unit_test(test_verify_prepared),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
