// links: ctl/restore/journal ctl/restore/journal_list ctl/restore/journal_document ctl/plan/state ctl/plan/plan_json ctl/plan/plan ctl/plan/step ctl/plan/request ctl/client/secret_rule ctl/client/cluster ctl/client/cluster_config ctl/client/cluster_settings ctl/client/patroni_client ctl/client/sidecar_client ctl/client/http_call ctl/client/at_once
/*
 * restore_journal_test.c
 *		What several sidecars say about restores, put together; and how large a journal can become.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ctl/restore/journal.h"

#include <stdlib.h>
#include <string.h>

/* What a sidecar takes as the body of a PUT. */
#define PUT_MOST (1024 * 1024)

static void
add(RestoreList *list, const char *member, const char *id, const char *state, int revision,
	int lease)
{
	bool ended = strcmp(state, "ended") == 0;
	json_t *answer =
		json_pack("{s:[{ss ss si si ss ss s{ss so}}]}", "restores", "id", id, "state",
				  ended ? "done" : state, "revision", revision, "holder_seconds_left", lease,
				  "created_at", "2026-11-24T10:00:00Z", "updated_at", "2026-11-24T10:00:00Z",
				  "document", "by", member, "outcome", ended ? json_object() : json_null());
	PgbrError error;

	assert_non_null(answer);
	assert_true(restore_list_add(list, member, answer, &error));
}

/* Two views of one restore, in both orders; "ended" is done with an outcome. */
static void
test_views(void **state)
{
	static const struct
	{
		const char *state[2];
		int revision[2];
		int lease[2];
		int taken; /* whose document counts; -1: either's */
		const char *result;
		int seconds;
	} cases[] = {
		{{"active", "active"}, {4, 3}, {0, 9}, 0, "active", 9},
		{{"active", "active"}, {4, 4}, {5, 0}, -1, "active", 5},
		/* the end was written to the first only */
		{{"done", "active"}, {5, 4}, {0, 0}, 0, "done", 0},
		/* given up by the first, and not yet by the second */
		{{"done", "active"}, {3, 3}, {0, 0}, 0, "done", 0},
		{{"replaced", "active"}, {7, 7}, {0, 0}, 0, "replaced", 0},
		/* the second was cut off from the others, and has heard of more steps than its end knows */
		{{"ended", "active"}, {4, 6}, {0, 3}, 0, "done", 3},
		{{"replaced", "active"}, {4, 6}, {0, 0}, 0, "replaced", 0},
		{{"replaced", "done"}, {4, 6}, {0, 0}, 0, "replaced", 0},
		/* given up by the first, which did not hear of more */
		{{"done", "active"}, {3, 6}, {0, 0}, 1, "active", 0},
	};

	(void) state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		for (int first = 0; first < 2; first++)
		{
			static const char *const names[] = {"m1", "m2"};
			RestoreList list;

			memset(&list, 0, sizeof(list));
			for (int j = 0; j < 2; j++)
			{
				int which = first ? 1 - j : j;

				add(&list, names[which], "20261124T100000-aa", cases[i].state[which],
					cases[i].revision[which], cases[i].lease[which]);
			}
			assert_int_equal(list.count, 1);
			assert_string_equal(list.records[0].state, cases[i].result);
			assert_int_equal(list.records[0].holder_seconds_left, cases[i].seconds);
			if (cases[i].taken >= 0)
				assert_string_equal(json_string_value(json_object_get(list.records[0].json, "by")),
									names[cases[i].taken]);
			assert_true((restore_list_active(&list) != NULL) ==
						(strcmp(cases[i].result, "active") == 0));
			restore_list_done(&list);
		}
	}
}

/* A member that has nothing to say of a restore, and one whose journal is lost. */
static void
test_lost_document(void **state)
{
	json_t *answer =
		json_pack("{s:[{ss ss si ss ss sn}]}", "restores", "id", "20261124T100000-aa", "state",
				  "active", "revision", 0, "created_at", "x", "updated_at", "x", "document");
	PgbrError error;
	RestoreList list;

	(void) state;
	memset(&list, 0, sizeof(list));
	add(&list, "m1", "20261124T100000-aa", "active", 4, 0);
	assert_false(restore_list_add(&list, "m2", answer, &error));
	assert_int_equal(error.code, PGBR_ERROR_PROTOCOL);
	assert_int_equal(list.count, 1);
	assert_int_equal(list.records[0].revision, 4);
	restore_list_done(&list);
}

/* What a sidecar may say, and nothing of what it says is counted with or shown. */
static void
test_hostile_record(void **state)
{
	static const struct
	{
		const char *key;
		json_int_t value;
	} wrong[] = {{"revision", INT64_MAX}, {"revision", -1}, {"holder_seconds_left", INT64_MAX}};
	PgbrError error;
	RestoreList list;

	(void) state;
	for (size_t i = 0; i <= sizeof(wrong) / sizeof(wrong[0]); i++)
	{
		bool last = i == sizeof(wrong) / sizeof(wrong[0]);
		json_t *answer =
			json_pack("{s:[{ss ss si ss s{}}]}", "restores", "id", "20261124T100000-aa", "state",
					  "act\x1b[2J", "revision", 1, "created_at", "x", "document");

		if (!last)
			json_object_set_new(json_array_get(json_object_get(answer, "restores"), 0),
								wrong[i].key, json_integer(wrong[i].value));
		memset(&list, 0, sizeof(list));
		assert_int_equal(restore_list_add(&list, "m1", answer, &error), last);
		if (last)
			assert_string_equal(list.records[0].state, "act\\x1B[2J");
		restore_list_done(&list);
	}
}

static void
fill(char *text, size_t size)
{
	memset(text, 'x', size - 1);
	text[size - 1] = '\0';
}

/*
 * As many members, notes and steps as there can be, each as long as it can be, go into one request.
 */
static void
test_largest(void **state)
{
	RestorePlan *plan = calloc(1, sizeof(*plan));
	Cluster *cluster = calloc(1, sizeof(*cluster));
	RestoreJournal *journal = calloc(1, sizeof(*journal));
	char message[1400];
	char result[8192];
	json_t *document;
	char *text;

	(void) state;
	assert_true(plan && cluster && journal);
	strcpy(plan->id, "20261124T100000-aa");
	fill(message, sizeof(message));
	fill(result, sizeof(result));
	for (int i = 0; i < RESTORE_MEMBERS_MAX; i++)
	{
		fill(plan->members[i].name, RESTORE_NAME_SIZE);
		plan->members[i].name[0] = (char) ('0' + i);
		fill(plan->request.without[i], RESTORE_NAME_SIZE);
	}
	plan->member_count = plan->request.without_count = RESTORE_MEMBERS_MAX;
	plan->warning_count = plan->unproven_count = RESTORE_NOTES_MAX;
	for (int i = 0; i < RESTORE_NOTES_MAX; i++)
	{
		fill(plan->warnings[i], RESTORE_NOTE_SIZE);
		fill(plan->unproven[i], RESTORE_NOTE_SIZE);
	}
	for (int i = 0; i < RESTORE_STEP_COUNT; i++)
		plan->steps[plan->step_count++] = (RestoreStep) i;
	restore_journal_begin(journal, cluster, plan);
	for (int i = 0; i < RESTORE_STEP_COUNT; i++)
	{
		restore_journal_set(journal, (RestoreStep) i, RESTORE_STEP_STARTED, NULL);
		restore_journal_set(journal, (RestoreStep) i, RESTORE_STEP_FAILED, message);
		restore_journal_put_result(journal, (RestoreStep) i, json_pack("{ss}", "text", result));
	}
	document = journal_document_write(&journal->document);
	text = json_dumps(document, JSON_COMPACT);
	assert_non_null(text);
	/* with room for the summary of it all */
	assert_in_range(strlen(text), 100000, PUT_MOST / 2);
	free(text);
	json_decref(document);
	restore_journal_done(journal);
	free(journal);
	free(cluster);
	free(plan);
}

/* Until this restore has archived the leader's WAL itself, what an earlier one has left counts. */
static void
test_archived_timeline(void **state)
{
	RestoreJournal *journal = calloc(1, sizeof(*journal));

	(void) state;
	assert_non_null(journal);
	journal->document.plan.old_timeline = 7;
	assert_int_equal(restore_journal_archived_timeline(journal), 7);
	journal->document.archived_timeline = 5;
	assert_int_equal(restore_journal_archived_timeline(journal), 5);
	journal->states[RESTORE_ARCHIVE] = RESTORE_STEP_DONE;
	assert_int_equal(restore_journal_archived_timeline(journal), 7);
	journal->states[RESTORE_ARCHIVE] = RESTORE_STEP_STARTED;
	journal->document.mark = json_object();
	assert_int_equal(restore_journal_archived_timeline(journal), 7);
	restore_journal_done(journal);
	free(journal);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_views),
		cmocka_unit_test(test_lost_document),
		cmocka_unit_test(test_hostile_record),
		cmocka_unit_test(test_largest),
		cmocka_unit_test(test_archived_timeline),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
