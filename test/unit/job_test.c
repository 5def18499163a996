// links: sidecar/queue/job_coalesce sidecar/queue/job
/*
 * job_test.c
 *		Requests for jobs: what is taken, what is refused, and what covers what.
 */
#include "program/json.h"
#include "sidecar/queue/job.h"
#include "sidecar/queue/job_coalesce.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static bool
read_request(const char *text, JobRequest *request, PgbrError *error)
{
	json_t *body = json_parse(text, strlen(text), error);
	bool ok = body && job_request_read(body, request, error);

	json_decref(body);
	return ok;
}

static void
test_accepted(void **state)
{
	JobRequest request;
	PgbrError error;

	(void) state;
	assert_true(read_request("{\"kind\":\"backup\"}", &request, &error));
	assert_int_equal(request.type, PGBR_BACKUP_INCR);
	assert_int_equal(request.repo, 0);
	assert_true(read_request("{\"kind\":\"backup\",\"type\":\"full\",\"repo\":256,\"annotations\":"
							 "{\"b\":\"2\",\"a\":\"--repo1-path=/x\"},\"reason\":\"why not\"}",
							 &request, &error));
	assert_int_equal(request.type, PGBR_BACKUP_FULL);
	assert_int_equal(request.repo, 256);
	/* sorted, so that equal requests look equal */
	assert_string_equal(request.annotations, "{\"a\":\"--repo1-path=/x\",\"b\":\"2\"}");
	assert_true(read_request("{\"kind\":\"expire\",\"dry_run\":true,\"set\":\"20261122-154107F\"}",
							 &request, &error));
	assert_true(request.dry_run);
	assert_true(
		read_request("{\"kind\":\"backup\",\"repo\":null,\"annotations\":{}}", &request, &error));
	assert_string_equal(request.annotations, "");
	assert_true(read_request("{\"kind\":\"annotate\",\"set\":\"20261122-154107F\","
							 "\"annotations\":{\"a\":\"\"}}",
							 &request, &error));
}

static void
test_refused(void **state)
{
	static const struct
	{
		const char *body;
		PgbrErrorCode code;
	} cases[] = {
		{"[]", PGBR_ERROR_BAD_REQUEST},
		{"{\"kind\":\"backup\"", PGBR_ERROR_BAD_REQUEST},
		{"{\"kind\":\"backup\",\"kind\":\"check\"}", PGBR_ERROR_BAD_REQUEST},
		{"{\"kind\":\"back\\u0000up\"}", PGBR_ERROR_BAD_REQUEST},
		{"{}", PGBR_ERROR_INVALID_VALUE},
		{"{\"kind\":null}", PGBR_ERROR_INVALID_VALUE},
		{"{\"kind\":7}", PGBR_ERROR_INVALID_VALUE},
		{"{\"kind\":\"restore\"}", PGBR_ERROR_INVALID_VALUE},
		{"{\"kind\":\"backup\",\"type\":\"FULL\"}", PGBR_ERROR_INVALID_VALUE},
		{"{\"kind\":\"backup\",\"type\":true}", PGBR_ERROR_INVALID_VALUE},
		{"{\"kind\":\"backup\",\"repo\":0}", PGBR_ERROR_INVALID_VALUE},
		{"{\"kind\":\"backup\",\"repo\":257}", PGBR_ERROR_INVALID_VALUE},
		{"{\"kind\":\"backup\",\"repo\":1.5}", PGBR_ERROR_INVALID_VALUE},
		{"{\"kind\":\"backup\",\"repo\":\"1\"}", PGBR_ERROR_INVALID_VALUE},
		{"{\"kind\":\"backup\",\"set\":\"20261122-154107F\"}", PGBR_ERROR_INVALID_VALUE},
		{"{\"kind\":\"backup\",\"--repo1-path\":\"/x\"}", PGBR_ERROR_INVALID_VALUE},
		{"{\"kind\":\"check\",\"type\":\"full\"}", PGBR_ERROR_INVALID_VALUE},
		{"{\"kind\":\"expire\",\"set\":\"latest\"}", PGBR_ERROR_INVALID_VALUE},
		{"{\"kind\":\"expire\",\"dry_run\":\"yes\"}", PGBR_ERROR_INVALID_VALUE},
		{"{\"kind\":\"annotate\",\"annotations\":{\"a\":\"b\"}}", PGBR_ERROR_INVALID_VALUE},
		{"{\"kind\":\"annotate\",\"set\":\"20261122-154107F\",\"annotations\":{}}",
		 PGBR_ERROR_INVALID_VALUE},
		{"{\"kind\":\"backup\",\"annotations\":[]}", PGBR_ERROR_INVALID_VALUE},
		{"{\"kind\":\"backup\",\"annotations\":{\"a b\":\"c\"}}", PGBR_ERROR_INVALID_VALUE},
		{"{\"kind\":\"backup\",\"annotations\":{\"-a\":\"c\"}}", PGBR_ERROR_INVALID_VALUE},
		{"{\"kind\":\"backup\",\"annotations\":{\"a=b\":\"c\"}}", PGBR_ERROR_INVALID_VALUE},
		{"{\"kind\":\"backup\",\"annotations\":{\"\":\"c\"}}", PGBR_ERROR_INVALID_VALUE},
		{"{\"kind\":\"backup\",\"annotations\":{\"a\":\"b\\nc\"}}", PGBR_ERROR_INVALID_VALUE},
		{"{\"kind\":\"backup\",\"annotations\":{\"a\":1}}", PGBR_ERROR_INVALID_VALUE},
		{"{\"kind\":\"backup\",\"annotations\":{\"timestamp\":\"x\"}}", PGBR_ERROR_INVALID_VALUE},
		{"{\"kind\":\"backup\",\"reason\":\"a\\u0007b\"}", PGBR_ERROR_INVALID_VALUE},
		{"{\"kind\":\"backup\",\"claimed_by\":[]}", PGBR_ERROR_INVALID_VALUE},
	};

	(void) state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		JobRequest request;
		PgbrError error = PGBR_ERROR_INIT;

		if (read_request(cases[i].body, &request, &error) || error.code != cases[i].code ||
			error.message[0] == '\0')
			fail_msg("%s: code %s, message \"%s\"", cases[i].body, pgbr_error_code_name(error.code),
					 error.message);
	}
}

static void
test_annotations_too_large(void **state)
{
	json_t *body = json_pack("{ss s{}}", "kind", "backup", "annotations");
	char value[251];
	JobRequest request;
	PgbrError error;

	(void) state;
	memset(value, 'x', 250);
	value[250] = '\0';
	for (int i = 0; i < 17; i++)
	{
		char key[8];

		snprintf(key, sizeof(key), "k%d", i);
		json_object_set_new(json_object_get(body, "annotations"), key, json_string(value));
		/* fifteen of them are below 4 KB as JSON with their keys, sixteen are not */
		assert_int_equal(job_request_read(body, &request, &error), i < 15);
	}
	json_decref(body);
}

static JobRequest
request_of(const char *text)
{
	JobRequest request;
	PgbrError error;

	assert_true(read_request(text, &request, &error));
	return request;
}

static void
test_covers(void **state)
{
	JobRequest full = request_of("{\"kind\":\"backup\",\"type\":\"full\"}");
	JobRequest diff = request_of("{\"kind\":\"backup\",\"type\":\"diff\"}");
	JobRequest noted = request_of("{\"kind\":\"backup\",\"type\":\"full\","
								  "\"annotations\":{\"a\":\"b\"}}");
	JobRequest repo2 = request_of("{\"kind\":\"backup\",\"type\":\"full\",\"repo\":2}");
	JobRequest preview = request_of("{\"kind\":\"expire\",\"dry_run\":true}");
	JobRequest expire = request_of("{\"kind\":\"expire\"}");

	(void) state;
	assert_true(job_covers(&full, &diff));
	assert_false(job_covers(&diff, &full));
	assert_true(job_covers(&full, &full));
	/* an annotation that was asked for must be there */
	assert_false(job_covers(&full, &noted));
	assert_true(job_covers(&noted, &full));
	assert_false(job_covers(&full, &repo2));
	assert_false(job_covers(&repo2, &full));
	/* a preview expires nothing, and an expire is no preview */
	assert_false(job_covers(&preview, &expire));
	assert_false(job_covers(&expire, &preview));
	assert_false(job_covers(&full, &expire));
}

static void
test_find_cover(void **state)
{
	Job jobs[4] = {0};
	const Job *pointers[4] = {&jobs[0], &jobs[1], &jobs[2], &jobs[3]};
	int covered;
	int by;

	(void) state;
	jobs[0].request = request_of("{\"kind\":\"backup\",\"type\":\"incr\"}");
	jobs[1].request = request_of("{\"kind\":\"check\"}");
	jobs[2].request = request_of("{\"kind\":\"backup\",\"type\":\"full\"}");
	jobs[3].request = jobs[2].request;
	/* the weaker by the stronger, though that came later */
	assert_true(job_find_cover(pointers, 4, &covered, &by));
	assert_int_equal(covered, 0);
	assert_int_equal(by, 2);
	/* of equals the earlier does the work */
	assert_true(job_find_cover(pointers + 1, 3, &covered, &by));
	assert_int_equal(covered, 2);
	assert_int_equal(by, 1);
	assert_false(job_find_cover(pointers, 2, &covered, &by));
	assert_false(job_find_cover(pointers, 0, &covered, &by));
}

static void
test_json(void **state)
{
	Job job = {.state = PGBR_STATE_RUNNING, .exit_code = -1, .requested_at = 1795369532123};
	json_t *json;

	(void) state;
	strcpy(job.id, "20261122T174532");
	job.request = request_of("{\"kind\":\"backup\",\"annotations\":{\"a\":\"b\"}}");
	job.progress = (JobProgress){"copying", 10, -1, -1};
	json = job_json(&job);
	assert_string_equal(json_text(json, "id"), "20261122T174532");
	assert_string_equal(json_text(json, "requested_at"), "2026-11-22T17:45:32.123Z");
	assert_string_equal(json_text(json_object_get(json, "annotations"), "a"), "b");
	assert_true(json_is_null(json_object_get(json, "started_at")));
	assert_true(json_is_null(json_object_get(json, "exit_code")));
	assert_true(json_is_null(json_object_get(json_object_get(json, "progress"), "bytes_total")));
	json_decref(json);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accepted),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_annotations_too_large),
		cmocka_unit_test(test_covers),
		cmocka_unit_test(test_find_cover),
		cmocka_unit_test(test_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
