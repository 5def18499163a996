// links: sidecar/queue/restore_lock
/*
 * restore_lock_test.c
 *		Who may PUT what when, and whose jobs are taken.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sidecar/queue/restore_lock.h"

#include <string.h>

#define NOW 1000000

static const RestoreHold nobody = {.id = ""};
static const RestoreHold leased = {.id = "r1", .holder = "ann", .until = NOW + 1500};
static const RestoreHold lapsed = {.id = "r1", .holder = "ann", .until = NOW};
static const RestoreHold resumed = {.id = "r1", .holder = "ann", .until = NOW, .resumed = true};

static const RestoreStored active = {RESTORE_ACTIVE, 5, false, false, false};
static const RestoreStored active_same = {RESTORE_ACTIVE, 5, true, false, false};
static const RestoreStored done = {RESTORE_DONE, 5, false, false, false};
static const RestoreStored done_same = {RESTORE_DONE, 5, true, false, false};
static const RestoreStored given_up = {RESTORE_DONE, 5, false, false, true};
static const RestoreStored given_up_own = {RESTORE_DONE, 5, false, true, true};
static const RestoreStored replaced = {RESTORE_REPLACED, 5, false, false, false};
static const RestoreStored replaced_same = {RESTORE_REPLACED, 5, true, false, false};

typedef struct Case
{
	const char *name;
	RestorePut put;
	const RestoreStored *stored;
	const RestoreHold *hold;
	PgbrErrorCode code;
	RestoreDecision decision;
} Case;

static const Case cases[] = {
	/* one that is new here */
	{"the first",
	 {"r1", "ann", 10, 1, false, NULL, "{}", false, false},
	 NULL,
	 &nobody,
	 PGBR_ERROR_NONE,
	 {RESTORE_PUT_CREATE, false, true, false}},
	{"the first, without a document",
	 {"r1", "ann", 10, 0, false, NULL, NULL, false, false},
	 NULL,
	 &nobody,
	 PGBR_ERROR_NOT_FOUND,
	 {0}},
	{"another",
	 {"r2", "bob", 10, 1, false, NULL, "{}", false, false},
	 NULL,
	 &lapsed,
	 PGBR_ERROR_RESTORE_IN_PROGRESS,
	 {0}},
	{"another of the same holder",
	 {"r2", "ann", 10, 1, false, NULL, "{}", false, false},
	 NULL,
	 &leased,
	 PGBR_ERROR_RESTORE_IN_PROGRESS,
	 {0}},
	{"in the place of a leased one",
	 {"r2", "bob", 10, 1, false, "r1", "{}", false, false},
	 NULL,
	 &leased,
	 PGBR_ERROR_RESTORE_IN_PROGRESS,
	 {0}},
	{"in the place of one's own",
	 {"r2", "ann", 10, 1, false, "r1", "{}", false, false},
	 NULL,
	 &leased,
	 PGBR_ERROR_NONE,
	 {RESTORE_PUT_CREATE, true, true, false}},
	{"in the place of a lapsed one",
	 {"r2", "bob", 10, 1, false, "r1", "{}", false, false},
	 NULL,
	 &lapsed,
	 PGBR_ERROR_NONE,
	 {RESTORE_PUT_CREATE, true, true, false}},
	{"in the place of a third",
	 {"r2", "bob", 10, 1, false, "r0", "{}", false, false},
	 NULL,
	 &lapsed,
	 PGBR_ERROR_RESTORE_IN_PROGRESS,
	 {0}},
	{"in the place of none",
	 {"r2", "bob", 10, 1, false, "r1", "{}", false, false},
	 NULL,
	 &nobody,
	 PGBR_ERROR_NONE,
	 {RESTORE_PUT_CREATE, false, true, false}},
	{"a record",
	 {"r2", "bob", 10, 1, true, NULL, "{}", false, false},
	 NULL,
	 &leased,
	 PGBR_ERROR_NONE,
	 {RESTORE_PUT_CREATE, false, false, false}},
	/* the active one */
	{"a renewal",
	 {"r1", "ann", 10, 0, false, NULL, NULL, false, false},
	 &active,
	 &leased,
	 PGBR_ERROR_NONE,
	 {RESTORE_PUT_RENEW, false, true, false}},
	{"a renewal of a lapsed lease",
	 {"r1", "ann", 10, 0, false, NULL, NULL, false, false},
	 &active,
	 &lapsed,
	 PGBR_ERROR_NONE,
	 {RESTORE_PUT_RENEW, false, true, false}},
	{"a renewal of another's",
	 {"r1", "bob", 10, 0, false, NULL, NULL, false, false},
	 &active,
	 &leased,
	 PGBR_ERROR_RESTORE_IN_PROGRESS,
	 {0}},
	{"a takeover",
	 {"r1", "bob", 10, 0, false, NULL, NULL, false, false},
	 &active,
	 &lapsed,
	 PGBR_ERROR_NONE,
	 {RESTORE_PUT_WRITE, false, true, false}},
	{"a takeover by one who knows the journal",
	 {"r1", "bob", 10, 5, false, NULL, NULL, false, false},
	 &active,
	 &lapsed,
	 PGBR_ERROR_NONE,
	 {RESTORE_PUT_WRITE, false, true, false}},
	{"a takeover by one who was out meanwhile",
	 {"r1", "bob", 10, 4, false, NULL, NULL, false, false},
	 &active,
	 &lapsed,
	 PGBR_ERROR_CONFLICT,
	 {0}},
	{"a newer revision",
	 {"r1", "ann", 10, 6, false, NULL, "{}", false, false},
	 &active,
	 &leased,
	 PGBR_ERROR_NONE,
	 {RESTORE_PUT_WRITE, false, true, false}},
	{"a newer revision of another's",
	 {"r1", "bob", 10, 6, false, NULL, "{}", false, false},
	 &active,
	 &leased,
	 PGBR_ERROR_RESTORE_IN_PROGRESS,
	 {0}},
	{"a retry",
	 {"r1", "ann", 10, 5, false, NULL, "{}", false, false},
	 &active_same,
	 &leased,
	 PGBR_ERROR_NONE,
	 {RESTORE_PUT_RENEW, false, true, false}},
	{"the revision with another document",
	 {"r1", "ann", 10, 5, false, NULL, "{}", false, false},
	 &active,
	 &leased,
	 PGBR_ERROR_CONFLICT,
	 {0}},
	{"an older revision",
	 {"r1", "ann", 10, 4, false, NULL, "{}", false, false},
	 &active_same,
	 &leased,
	 PGBR_ERROR_CONFLICT,
	 {0}},
	{"a takeover with an old document",
	 {"r1", "bob", 10, 4, false, NULL, "{}", false, false},
	 &active,
	 &lapsed,
	 PGBR_ERROR_CONFLICT,
	 {0}},
	{"the end",
	 {"r1", "ann", 0, 6, true, NULL, "{}", false, false},
	 &active,
	 &leased,
	 PGBR_ERROR_NONE,
	 {RESTORE_PUT_WRITE, false, false, true}},
	{"the end, with the document that is there",
	 {"r1", "ann", 0, 5, true, NULL, "{}", false, false},
	 &active_same,
	 &leased,
	 PGBR_ERROR_NONE,
	 {RESTORE_PUT_WRITE, false, false, true}},
	{"the end, without a document",
	 {"r1", "ann", 0, 0, true, NULL, NULL, false, false},
	 &active,
	 &leased,
	 PGBR_ERROR_NONE,
	 {RESTORE_PUT_WRITE, false, false, true}},
	{"the end by another",
	 {"r1", "bob", 0, 6, true, NULL, "{}", false, false},
	 &active,
	 &leased,
	 PGBR_ERROR_RESTORE_IN_PROGRESS,
	 {0}},
	{"the end with an old document",
	 {"r1", "ann", 0, 4, true, NULL, "{}", false, false},
	 &active,
	 &leased,
	 PGBR_ERROR_CONFLICT,
	 {0}},
	/* one that has ended */
	{"the end again",
	 {"r1", "ann", 0, 5, true, NULL, "{}", false, false},
	 &done_same,
	 &nobody,
	 PGBR_ERROR_NONE,
	 {RESTORE_PUT_REPEAT, false, false, false}},
	{"the end again, while another is active",
	 {"r0", "ann", 0, 5, true, NULL, "{}", false, false},
	 &done_same,
	 &leased,
	 PGBR_ERROR_NONE,
	 {RESTORE_PUT_REPEAT, false, false, false}},
	{"the end again, otherwise",
	 {"r1", "ann", 0, 5, true, NULL, "{}", false, false},
	 &done,
	 &nobody,
	 PGBR_ERROR_CONFLICT,
	 {0}},
	{"the end again, later",
	 {"r1", "ann", 0, 6, true, NULL, "{}", false, false},
	 &done_same,
	 &nobody,
	 PGBR_ERROR_CONFLICT,
	 {0}},
	{"after the end, by one who knows more",
	 {"r1", "bob", 10, 6, false, NULL, "{}", false, false},
	 &done,
	 &nobody,
	 PGBR_ERROR_CONFLICT,
	 {0}},
	{"after it was given up, by who has slept through it",
	 {"r1", "ann", 10, 6, false, NULL, "{}", false, false},
	 &given_up_own,
	 &nobody,
	 PGBR_ERROR_CONFLICT,
	 {0}},
	{"after it was given up, by one who knows more",
	 {"r1", "bob", 10, 6, false, NULL, "{}", false, false},
	 &given_up,
	 &nobody,
	 PGBR_ERROR_NONE,
	 {RESTORE_PUT_WRITE, false, true, false}},
	{"after it was given up, by one who knows no more",
	 {"r1", "bob", 10, 5, false, NULL, "{}", false, false},
	 &given_up,
	 &nobody,
	 PGBR_ERROR_CONFLICT,
	 {0}},
	{"after it was given up, while another is active",
	 {"r0", "bob", 10, 6, false, NULL, "{}", false, false},
	 &given_up,
	 &lapsed,
	 PGBR_ERROR_CONFLICT,
	 {0}},
	{"after it was replaced, by one who knows more",
	 {"r1", "bob", 10, 6, false, NULL, "{}", false, false},
	 &replaced,
	 &nobody,
	 PGBR_ERROR_CONFLICT,
	 {0}},
	{"a renewal after the end",
	 {"r1", "ann", 10, 0, false, NULL, NULL, false, false},
	 &done,
	 &nobody,
	 PGBR_ERROR_CONFLICT,
	 {0}},
	{"one that was replaced",
	 {"r1", "ann", 10, 5, false, NULL, "{}", false, false},
	 &replaced_same,
	 &nobody,
	 PGBR_ERROR_CONFLICT,
	 {0}},
	{"the end of one that was replaced",
	 {"r1", "ann", 0, 5, true, NULL, "{}", false, false},
	 &replaced_same,
	 &nobody,
	 PGBR_ERROR_CONFLICT,
	 {0}},
};

static void
test_puts(void **state)
{
	(void) state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		const Case *one = &cases[i];
		RestoreDecision decision;
		PgbrError error = PGBR_ERROR_INIT;
		bool ok = restore_put_decide(&one->put, one->stored, one->hold, NOW, &decision, &error);

		if (ok != (one->code == PGBR_ERROR_NONE) || error.code != one->code)
			fail_msg("%s: %s %s", one->name, pgbr_error_code_name(error.code), error.message);
		if (ok &&
			(decision.step != one->decision.step || decision.replace != one->decision.replace ||
			 decision.hold != one->decision.hold || decision.release != one->decision.release))
			fail_msg("%s: another decision", one->name);
	}
}

static void
test_lease(void **state)
{
	(void) state;
	assert_int_equal(restore_seconds_left(&nobody, NOW), 0);
	assert_int_equal(restore_seconds_left(&lapsed, NOW), 0);
	assert_int_equal(restore_seconds_left(&leased, NOW), 2);
	assert_int_equal(restore_seconds_left(&leased, NOW + 1499), 1);
	assert_int_equal(restore_seconds_left(&leased, NOW + 1500), 0);
}

static void
test_jobs(void **state)
{
	static const struct
	{
		const char *restore;
		const char *holder;
		const RestoreHold *hold;
		PgbrErrorCode code;
	} jobs[] = {
		{"", "", &nobody, PGBR_ERROR_NONE},
		{"", "", &lapsed, PGBR_ERROR_RESTORE_IN_PROGRESS},
		/* Patroni runs the members again: a backup does no harm */
		{"", "", &resumed, PGBR_ERROR_NONE},
		{"r2", "ann", &resumed, PGBR_ERROR_RESTORE_IN_PROGRESS},
		{"r1", "ann", &leased, PGBR_ERROR_NONE},
		{"r1", "ann", &lapsed, PGBR_ERROR_NONE},
		{"r1", "bob", &lapsed, PGBR_ERROR_RESTORE_IN_PROGRESS},
		{"r1", "", &leased, PGBR_ERROR_RESTORE_IN_PROGRESS},
		{"r2", "ann", &leased, PGBR_ERROR_RESTORE_IN_PROGRESS},
		{"r2", "ann", &nobody, PGBR_ERROR_CONFLICT},
	};

	(void) state;
	for (size_t i = 0; i < sizeof(jobs) / sizeof(jobs[0]); i++)
	{
		PgbrError error = PGBR_ERROR_INIT;
		bool ok = restore_job_decide(jobs[i].restore, jobs[i].holder, jobs[i].hold, &error);

		assert_int_equal(ok, jobs[i].code == PGBR_ERROR_NONE);
		assert_int_equal(error.code, jobs[i].code);
	}
}

static void
test_states(void **state)
{
	RestoreState parsed;

	(void) state;
	for (int i = RESTORE_ACTIVE; i <= RESTORE_REPLACED; i++)
	{
		assert_true(restore_state_parse(restore_state_name((RestoreState) i), &parsed));
		assert_int_equal(parsed, i);
	}
	assert_false(restore_state_parse("failed", &parsed));
}

/* Nobody's, one that has done something, and one that has not. */
static void
test_give_up(void **state)
{
	RestoreHold hold = leased;

	(void) state;
	assert_true(restore_give_up_at(&nobody) == INT64_MAX);
	assert_true(restore_give_up_at(&hold) == INT64_MAX);
	hold.harmless = true;
	assert_true(restore_give_up_at(&hold) == leased.until + RESTORE_GIVE_UP_MS);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_puts), cmocka_unit_test(test_give_up), cmocka_unit_test(test_lease),
		cmocka_unit_test(test_jobs), cmocka_unit_test(test_states),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
