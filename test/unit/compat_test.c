// links: sidecar/queue/job_coalesce sidecar/compat/compat sidecar/compat/vault sidecar/queue/job sidecar/pgbackrest/command_line sidecar/pgbackrest/pgbackrest sidecar/pgbackrest/pgbackrest_error
/*
 * compat_test.c
 *		What clients of pgskipper's programs send, and the lists that they are shown.
 */
#include "sidecar/compat/compat.h"
#include "sidecar/compat/vault.h"

#include "program/json.h"
#include "sidecar/pgbackrest/command_line.h"
#include "sidecar/pgbackrest/pgbackrest.h"
#include "sidecar/queue/job_coalesce.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char in_json[] = "application/json";
static const char in_form[] = "application/x-www-form-urlencoded";

static void
test_body(void **state)
{
	static const struct
	{
		const char *type;
		const char *body;
		PgbrErrorCode code; /* NONE: it is read */
		const char *timestamp;
		const char *target;
	} cases[] = {
		{in_json, "{\"timestamp\":\"X\"}", PGBR_ERROR_NONE, "X", ""},
		{"Application/JSON ; charset=utf-8", "{\"TIMESTAMP\":\"X\",\"target\":\"0/1\"}",
		 PGBR_ERROR_NONE, "X", "0/1"},
		{in_json, "{\"other\":{\"timestamp\":1},\"timestamp\":null}", PGBR_ERROR_NONE, "", ""},
		{in_json, "{}", PGBR_ERROR_NONE, "", ""},
		{in_json, "", PGBR_ERROR_BAD_REQUEST, NULL, NULL},
		{in_json, "[]", PGBR_ERROR_BAD_REQUEST, NULL, NULL},
		{in_json, "{\"timestamp\":7}", PGBR_ERROR_BAD_REQUEST, NULL, NULL},
		{in_json, "{\"timestamp\":\"a\\u0000b\"}", PGBR_ERROR_BAD_REQUEST, NULL, NULL},
		{in_form, "timestamp=X", PGBR_ERROR_NONE, "X", ""},
		{in_form, "TimeStamp=a%2Bb+c&target=%30%2f1&&=&x", PGBR_ERROR_NONE, "a+b c", "0/1"},
		{in_form, "timestamp", PGBR_ERROR_NONE, "", ""},
		{in_form, "timestamp=a=b", PGBR_ERROR_NONE, "a=b", ""},
		{in_form, "", PGBR_ERROR_NONE, "", ""},
		{in_form, "timestamp=%4", PGBR_ERROR_BAD_REQUEST, NULL, NULL},
		{in_form, "timestamp=%", PGBR_ERROR_BAD_REQUEST, NULL, NULL},
		{in_form, "timestamp=%g0", PGBR_ERROR_BAD_REQUEST, NULL, NULL},
		{in_form, "timestamp=%00", PGBR_ERROR_BAD_REQUEST, NULL, NULL},
		{in_form, "timestamp=%C3", PGBR_ERROR_BAD_REQUEST, NULL, NULL},
		{NULL, "timestamp=X", PGBR_ERROR_UNSUPPORTED_MEDIA_TYPE, NULL, NULL},
		{"", "", PGBR_ERROR_UNSUPPORTED_MEDIA_TYPE, NULL, NULL},
		{"application/jsonp", "{}", PGBR_ERROR_UNSUPPORTED_MEDIA_TYPE, NULL, NULL},
	};

	(void) state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		CompatFields fields;
		PgbrError error = PGBR_ERROR_INIT;
		/* exactly as long as it is, so that a byte too far is seen */
		size_t length = strlen(cases[i].body);
		char *body = malloc(length ? length : 1);

		assert_non_null(body);
		memcpy(body, cases[i].body, length);
		assert_int_equal(compat_read_body(cases[i].type, body, length, &fields, &error),
						 cases[i].code == PGBR_ERROR_NONE);
		assert_int_equal(error.code, cases[i].code);
		if (cases[i].timestamp)
		{
			assert_string_equal(fields.timestamp, cases[i].timestamp);
			assert_string_equal(fields.target, cases[i].target);
		}
		free(body);
	}
}

static void
test_long_value(void **state)
{
	char body[600] = "timestamp=";
	CompatFields fields;
	PgbrError error;

	(void) state;
	memset(body + 10, 'x', 255);
	assert_true(compat_read_body(in_form, body, 265, &fields, &error));
	body[265] = 'x';
	assert_false(compat_read_body(in_form, body, 266, &fields, &error));
	assert_int_equal(error.code, PGBR_ERROR_INVALID_VALUE);
}

/* The client's timestamp is the annotation, and no second one is set beside it. */
static void
test_request(void **state)
{
	static const char *const refused[] = {"/dir", "../x", "a b", "-x",
										  "a\nb", "\"",	  "\\",	 "\xC3\xA9"};
	Job *job = calloc(1, sizeof(*job));
	SidecarConfig config = {.pgbackrest = "pgbackrest", .stanza = "main"};
	Command command;
	PgbrError error;
	char id[JOB_ID_SIZE];
	int found = 0;

	(void) state;
	assert_non_null(job);
	strcpy(job->id, "20261122T154107");
	assert_true(compat_make_request(PGBR_BACKUP_DIFF, "2024-09-13T11:04_a.b", "compat",
									&job->request, &error));
	compat_job_timestamp(job, id);
	assert_string_equal(id, "2024-09-13T11:04_a.b");
	pgbackrest_job_command(&config, job, &command);
	for (int i = 0; i < command.count; i++)
	{
		if (strncmp(command.argv[i], "--annotation", 12) == 0)
		{
			assert_string_equal(command.argv[i], "--annotation=timestamp=2024-09-13T11:04_a.b");
			found++;
		}
	}
	assert_int_equal(found, 1);
	command_done(&command);
	assert_true(compat_make_request(PGBR_BACKUP_DIFF, "", "compat", &job->request, &error));
	compat_job_timestamp(job, id);
	assert_string_equal(id, job->id);
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		assert_false(
			compat_make_request(PGBR_BACKUP_DIFF, refused[i], "compat", &job->request, &error));
	free(job);
}

/* A backup under an id of its own is not another's work. */
static void
test_cover(void **state)
{
	JobRequest full;
	JobRequest diff;
	JobRequest plain;
	PgbrError error;

	(void) state;
	assert_true(compat_make_request(PGBR_BACKUP_FULL, "a", "compat", &full, &error));
	assert_true(compat_make_request(PGBR_BACKUP_DIFF, "b", "compat", &diff, &error));
	assert_true(compat_make_request(PGBR_BACKUP_DIFF, "", "compat", &plain, &error));
	assert_false(job_covers(&full, &diff));
	assert_false(job_covers(&plain, &diff));
	assert_true(job_covers(&full, &plain));
	assert_true(job_covers(&full, &full));
}

static const char stanza_text[] =
	"{\"name\":\"main\",\"backup\":["
	"{\"label\":\"A\",\"type\":\"full\",\"error\":false,\"annotation\":{\"more\":\"x\","
	"\"timestamp\":\"one\"},"
	"\"info\":{\"delta\":5,\"size\":9,\"repository\":{\"delta\":2}},"
	"\"lsn\":{\"start\":\"0/1\",\"stop\":\"0/10\"},\"timestamp\":{\"start\":100,\"stop\":110}},"
	"{\"label\":\"B\",\"type\":\"incr\",\"error\":false,\"info\":{\"delta\":1,\"size\":9},"
	"\"lsn\":{\"start\":\"0/20\",\"stop\":\"0/30\"},\"timestamp\":{\"start\":200,\"stop\":210}},"
	"{\"label\":\"C\",\"type\":\"incr\",\"error\":true,\"annotation\":{\"timestamp\":\"bad\"},"
	"\"info\":{\"delta\":1,\"size\":9},\"lsn\":{\"start\":\"0/40\",\"stop\":\"0/50\"},"
	"\"timestamp\":{\"start\":300,\"stop\":310}}]}";

static json_t *
read_stanza(void)
{
	PgbrError error;
	json_t *stanza = json_parse(stanza_text, strlen(stanza_text), &error);

	assert_non_null(stanza);
	return stanza;
}

static void
expect_json(json_t *value, const char *wanted)
{
	char *text = json_dumps(value, JSON_COMPACT);

	assert_string_equal(text, wanted);
	free(text);
	json_decref(value);
}

static void
test_list(void **state)
{
	json_t *stanza = read_stanza();
	json_t *list = compat_list(stanza);

	(void) state;
	assert_int_equal(json_array_size(list), 3);
	expect_json(json_incref(json_array_get(list, 1)),
				"{\"annotation\":null,\"error\":false,\"info\":{\"delta\":1,\"size\":9},"
				"\"label\":\"B\",\"type\":\"incr\",\"timestamp\":{\"start\":200,\"stop\":210}}");
	json_decref(list);
	expect_json(compat_list(NULL), "[]");
	expect_json(compat_status(stanza, "one"),
				"{\"annotation\":{\"timestamp\":\"one\"},\"error\":false,"
				"\"info\":{\"delta\":5,\"size\":9},\"label\":\"A\",\"type\":\"full\","
				"\"timestamp\":{\"start\":100,\"stop\":110}}");
	expect_json(compat_status(stanza, ""),
				"{\"annotation\":null,\"error\":false,\"info\":{\"delta\":0,\"size\":0},"
				"\"label\":\"\",\"type\":\"\",\"timestamp\":{\"start\":0,\"stop\":0}}");
	assert_string_equal(compat_find_label(stanza, "one"), "A");
	assert_string_equal(compat_find_label(stanza, "B"), "B");
	assert_null(compat_find_label(stanza, "two"));
	json_decref(stanza);
}

static void
test_choose(void **state)
{
	static const struct
	{
		const char *type;
		const char *target;
		const char *label;
	} cases[] = {
		/* C has errors */
		{"default", "", "B"},
		{"immediate", "", "B"},
		{"name", "x", "B"},
		{"xid", "731", "B"},
		{"lsn", "0/30", "B"},
		{"lsn", "0/2F", "A"},
		{"lsn", "0/F", NULL},
		{"time", "1970-01-01 00:03:31Z", "B"},
		{"time", "1970-01-01 00:03:30Z", "A"},
		{"time", "1970-01-01 00:01:50Z", NULL},
	};
	json_t *stanza = read_stanza();

	(void) state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		RecoveryTarget target;
		PgbrError error;
		const char *label;

		assert_true(recovery_target_parse(&target, cases[i].type, cases[i].target, false, NULL,
										  NULL, &error));
		label = compat_choose_label(stanza, &target);
		assert_string_equal(label ? label : "none", cases[i].label ? cases[i].label : "none");
	}
	json_decref(stanza);
}

static void
add_job(VaultList *list, const char *id, PgbrJobState job_state, int64_t started_at)
{
	Job *job = calloc(1, sizeof(*job));

	assert_non_null(job);
	strcpy(job->id, id);
	job->state = job_state;
	job->started_at = started_at;
	job->finished_at = started_at + 1000;
	job->exit_code = job_state == PGBR_STATE_FAILED ? 50 : -1;
	vault_list_add_job(list, job);
	free(job);
}

static void
test_vaults(void **state)
{
	json_t *stanza = read_stanza();
	VaultList list = {0};

	(void) state;
	add_job(&list, "failed", PGBR_STATE_FAILED, 250000);
	add_job(&list, "running", PGBR_STATE_RUNNING, 400000);
	add_job(&list, "gone", PGBR_STATE_CANCELLED, 500000);
	add_job(&list, "one", PGBR_STATE_SUCCEEDED, 100000);
	vault_list_add_backups(&list, stanza);
	vault_list_sort(&list);
	assert_int_equal(list.count, 5);
	assert_string_equal(list.vaults[0].id, "running");
	assert_true(list.vaults[0].locked);
	assert_string_equal(list.vaults[1].id, "bad");
	assert_true(list.vaults[1].failed);
	assert_string_equal(list.vaults[2].id, "failed");
	/* one without the annotation goes by its label */
	assert_string_equal(list.vaults[3].id, "B");
	assert_null(vault_find(&list, "gone"));
	expect_json(vault_json(vault_find(&list, "one")),
				"{\"id\":\"one\",\"failed\":false,\"locked\":false,\"ts\":100000,\"metrics\":{"
				"\"start_backup_timestamp\":100000,\"end_backup_timestamp\":110000,"
				"\"spent_time\":10000,\"size\":2,\"exit_code\":0}}");
	expect_json(vault_json(vault_find(&list, "failed")),
				"{\"id\":\"failed\",\"failed\":true,\"locked\":false,\"ts\":250000,\"metrics\":{"
				"\"start_backup_timestamp\":250000,\"end_backup_timestamp\":251000,"
				"\"spent_time\":1000,\"size\":0,\"exit_code\":50}}");
	vault_list_done(&list);
	json_decref(stanza);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_body),	cmocka_unit_test(test_long_value),
		cmocka_unit_test(test_request), cmocka_unit_test(test_cover),
		cmocka_unit_test(test_list),	cmocka_unit_test(test_choose),
		cmocka_unit_test(test_vaults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
