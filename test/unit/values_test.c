/*
 * values_test.c
 *		The section of a values file: every key, and every way to get one wrong. Files as such are
 *		in values_file_test.c.
 */
#include "common/values.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static PgbrError error;

static bool
parse(const char *text, PgbrValues *values)
{
	error = (PgbrError) PGBR_ERROR_INIT;
	return pgbr_values_parse("values.yaml", text, strlen(text), values, &error);
}

/* Parse what must be right from end to end. */
static void
parse_clean(const char *text, PgbrValues *values)
{
	if (!parse(text, values))
		fail_msg("%s | %s", error.message, error.detail);
	if (values->problem_count > 0)
		fail_msg("%s | %s", values->problems[0].message, values->problems[0].detail);
}

static void
assert_text(const PgbrValuesText *value, const char *text, int line, int column)
{
	assert_non_null(value->text);
	assert_string_equal(value->text, text);
	assert_int_equal(value->place.line, line);
	assert_int_equal(value->place.column, column);
}

static void
test_seed(void **state)
{
	PgbrValues values;

	(void) state;
	parse_clean("pgBackRest:\n"
				"  repoType: \"rwx\"\n"
				"  repoPath: \"/var/lib/pgbackrest\"\n"
				"  diffSchedule: \"30 0/1 * * *\"\n"
				"  incrSchedule: \"30 0/1 * * *\"\n"
				"  rwx:\n"
				"    type: pv\n"
				"    size: 3Gi\n"
				"    volumes:\n"
				"      - pg-backrest-backups-pv-1\n",
				&values);
	assert_true(values.found);
	assert_text(&values.repo_type, "rwx", 2, 13);
	assert_text(&values.repo_path, "/var/lib/pgbackrest", 3, 13);
	assert_text(&values.diff_schedule, "30 0/1 * * *", 4, 17);
	assert_text(&values.incr_schedule, "30 0/1 * * *", 5, 17);
	assert_null(values.full_schedule.text);
	assert_text(&values.rwx.type, "pv", 7, 11);
	assert_text(&values.rwx.size, "3Gi", 8, 11);
	assert_int_equal(values.rwx.volumes.count, 1);
	assert_text(&values.rwx.volumes.items[0], "pg-backrest-backups-pv-1", 10, 9);
	assert_false(values.backup_from_standby);
	assert_int_equal(values.full_retention, 0);
	pgbr_values_done(&values);
	pgbr_values_done(&values);

	parse_clean("pgBackrest:\n  diffSchedule: \"30 0/1 * * *\"\n", &values);
	assert_text(&values.diff_schedule, "30 0/1 * * *", 2, 17);
	pgbr_values_done(&values);
}

static void
test_every_key(void **state)
{
	PgbrValues values;

	(void) state;
	parse_clean("postgresUser: postgres\n"
				"patroni: {replicas: 2, affinity: {a: [1, {b: c}]}, tags: *none}\n"
				"pgBackRest:\n"
				"  dockerImage: ghcr.io/x/y:1.2.3\n"
				"  repoType: s3\n"
				"  repoPath: /backups\n"
				"  fullSchedule: '0 2 * * 0'\n"
				"  diffSchedule: 0 2 * * 1-6\n"
				"  incrSchedule: >-\n"
				"    30 0/1\n"
				"    * * *\n"
				"  timeZone: Europe/Berlin\n"
				"  fullRetention: 5\n"
				"  diffRetention: 9999999\n"
				"  backupFromStandby: yes\n"
				"  existingSecret: pgbackrest-keys\n"
				"  configParams:\n"
				"    compress-level: 3\n"
				"    archive-async: y\n"
				"    db-include: [one, 'two']\n"
				"    log-level-file: detail\n"
				"    repo1-cipher-pass:\n"
				"  rwx: {type: sc, size: 1Gi, storageClass: fast, volumes: []}\n"
				"  s3:\n"
				"    bucket: b\n"
				"    endpoint: https://minio-ingress-minio-service\n"
				"    key: \"0123\"\n"
				"    secret: \"p@ss: #word\"\n"
				"    region: us-east-1\n"
				"    verifySsl: false\n"
				"  drS3:\n"
				"    bucket: elsewhere\n"
				"  resources:\n"
				"    requests: {cpu: 1.5, memory: 256Mi}\n"
				"    limits: {cpu: 2, memory: \"1Gi\", ephemeral-storage: 5G}\n"
				"tests:\n"
				"  install: true\n",
				&values);
	assert_text(&values.docker_image, "ghcr.io/x/y:1.2.3", 4, 16);
	assert_text(&values.repo_type, "s3", 5, 13);
	assert_text(&values.full_schedule, "0 2 * * 0", 7, 17);
	assert_text(&values.diff_schedule, "0 2 * * 1-6", 8, 17);
	assert_text(&values.incr_schedule, "30 0/1 * * *", 9, 17);
	assert_text(&values.time_zone, "Europe/Berlin", 12, 13);
	assert_int_equal(values.full_retention, 5);
	assert_int_equal(values.diff_retention, 9999999);
	assert_true(values.backup_from_standby);
	assert_text(&values.existing_secret, "pgbackrest-keys", 16, 19);
	assert_text(&values.rwx.storage_class, "fast", 23, 44);
	assert_int_equal(values.rwx.volumes.count, 0);
	assert_text(&values.s3.bucket, "b", 25, 13);
	assert_text(&values.s3.key, "0123", 27, 10);
	assert_text(&values.s3.secret, "p@ss: #word", 28, 13);
	assert_false(values.s3.verify_ssl);
	assert_text(&values.dr_s3.bucket, "elsewhere", 32, 13);
	assert_null(values.dr_s3.secret.text);
	assert_true(values.dr_s3.verify_ssl);
	assert_int_equal(values.place.line, 3);
	assert_int_equal(values.rwx.place.line, 23);
	assert_int_equal(values.rwx.place.column, 8);
	assert_int_equal(values.s3.place.line, 25);
	assert_int_equal(values.dr_s3.place.line, 32);
	assert_string_equal(values.resources.requests.cpu.text, "1.5");
	assert_string_equal(values.resources.requests.memory.text, "256Mi");
	assert_null(values.resources.requests.ephemeral_storage.text);
	assert_string_equal(values.resources.limits.cpu.text, "2");
	assert_string_equal(values.resources.limits.memory.text, "1Gi");
	assert_string_equal(values.resources.limits.ephemeral_storage.text, "5G");
	assert_int_equal(values.param_count, 5);
	assert_string_equal(values.params[0].name, "compress-level");
	assert_string_equal(values.params[0].value, "3");
	assert_string_equal(values.params[1].value, "y");
	assert_string_equal(values.params[2].name, "db-include");
	assert_string_equal(values.params[2].value, "one");
	assert_string_equal(values.params[3].name, "db-include");
	assert_string_equal(values.params[3].value, "two");
	assert_int_equal(values.params[3].place.line, 20);
	assert_int_equal(values.params[3].place.column, 23);
	assert_string_equal(values.params[4].name, "log-level-file");
	pgbr_values_done(&values);
}

/* A text that looks like another type, and one that does not quite. */
static void
test_looks(void **state)
{
	PgbrValues values;

	(void) state;
	parse_clean("pgBackRest:\n"
				"  dockerImage: 1.2.3\n"
				"  existingSecret: !!str 5\n"
				"  s3: {bucket: 1e, endpoint: 1e5x, key: e5, secret: ., region: '1'}\n"
				"  drS3: {bucket: 1-1, endpoint: 0x, key: 0x1g, secret: +, region: !!str true}\n",
				&values);
	assert_string_equal(values.docker_image.text, "1.2.3");
	assert_string_equal(values.existing_secret.text, "5");
	assert_string_equal(values.s3.bucket.text, "1e");
	assert_string_equal(values.s3.endpoint.text, "1e5x");
	assert_string_equal(values.s3.secret.text, ".");
	assert_string_equal(values.dr_s3.endpoint.text, "0x");
	assert_string_equal(values.dr_s3.secret.text, "+");
	assert_string_equal(values.dr_s3.region.text, "true");
	pgbr_values_done(&values);
}

/* As pgskipper writes configParams. */
static void
test_param_lines(void **state)
{
	PgbrValues values;

	(void) state;
	parse_clean("pgBackRest:\n"
				"  configParams:\n"
				"  - \"log-level-file=detail\"\n"
				"  - repo1-host-config=/etc/a=b.conf\n"
				"  - db-include=one\n"
				"  - db-include=two\n",
				&values);
	assert_int_equal(values.param_count, 4);
	assert_string_equal(values.params[0].name, "log-level-file");
	assert_string_equal(values.params[0].value, "detail");
	assert_string_equal(values.params[1].value, "/etc/a=b.conf");
	assert_string_equal(values.params[3].value, "two");
	assert_int_equal(values.params[3].place.line, 6);
	pgbr_values_done(&values);
}

static void
test_nothing_there(void **state)
{
	static const char *const files[] = {
		"",
		"# only a comment\n",
		"---\n",
		"~\n",
		"other: {section: 1}\n",
		"\xEF\xBB\xBF"
		"other: 1\n",
	};
	static const char *const empty_sections[] = {
		"pgBackRest:\n",
		"pgBackRest: null\n",
		"pgBackRest: {}\n",
		"pgBackRest: {s3: , rwx: ~, fullSchedule: \"\", timeZone: null, fullRetention: ~,"
		" backupFromStandby: , configParams: , resources: , drS3: {verifySsl: null}}\n",
	};
	PgbrValues values;

	(void) state;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
	{
		parse_clean(files[i], &values);
		assert_false(values.found);
		pgbr_values_done(&values);
	}
	for (size_t i = 0; i < sizeof(empty_sections) / sizeof(empty_sections[0]); i++)
	{
		parse_clean(empty_sections[i], &values);
		assert_true(values.found);
		assert_null(values.full_schedule.text);
		assert_null(values.time_zone.text);
		assert_int_equal(values.full_retention, 0);
		assert_true(values.s3.verify_ssl);
		assert_true(values.dr_s3.verify_ssl);
		pgbr_values_done(&values);
	}
}

/* One wrong key in the section does not spoil the schedule that follows it. */
static void
test_problems(void **state)
{
	static const struct
	{
		const char *line; /* stands in line 2, indented by two */
		int column;
		const char *message;
		const char *hint; /* a part of it */
	} table[] = {
		{"diffSchedul: '0 1 * * *'", 3, "unknown key \"pgBackRest.diffSchedul\"", "diffSchedule"},
		{"DiffSchedule: '0 1 * * *'", 3, "unknown key \"pgBackRest.DiffSchedule\"", "diffSchedule"},
		{"s3.bucket: x", 3, "unknown key \"pgBackRest.s3.bucket\"", "drS3"},
		{"s3: {Bucket: x}", 8, "unknown key \"pgBackRest.s3.Bucket\"", "bucket, endpoint, key"},
		{"rwx: {s3: {bucket: x}}", 9, "unknown key \"pgBackRest.rwx.s3\"", "type, size"},
		{"<<: {a: b}", 3, "unknown key \"pgBackRest.<<\"", "dockerImage"},
		{"? [a, b]\n  : c", 5, "unknown key \"pgBackRest.?\"", "dockerImage"},
		{"\"a\\0b\": c", 3, "unknown key \"pgBackRest.?\"", "dockerImage"},
		{"\"a\\x01b\": c", 3, "unknown key \"pgBackRest.?\"", "dockerImage"},
		{"? *some\n  : c", 5, "unknown key \"pgBackRest.?\"", "dockerImage"},
		{"repoType: nfs", 13, "invalid value \"nfs\" for \"pgBackRest.repoType\"", "rwx or s3"},
		{"repoPath: backups", 13, "invalid value \"backups\" for \"pgBackRest.repoPath\"",
		 "absolute path"},
		{"resources: {limits: {cpu: lots}}", 29,
		 "invalid value \"lots\" for \"pgBackRest.resources.limits.cpu\"", "500m"},
		{"resources: {limits: {cpu: 1.}}", 29,
		 "invalid value \"1.\" for \"pgBackRest.resources.limits.cpu\"", "500m"},
		{"resources: {limits: {gpu: 1}}", 24, "unknown key \"pgBackRest.resources.limits.gpu\"",
		 "cpu, memory, ephemeral-storage"},
		{"resources: {request: {cpu: 1}}", 15, "unknown key \"pgBackRest.resources.request\"",
		 "requests, limits"},
		{"fullSchedule: 5", 17, "\"pgBackRest.fullSchedule\" is not a text", "in quotes"},
		{"fullSchedule: true", 17, "\"pgBackRest.fullSchedule\" is not a text", "in quotes"},
		{"fullSchedule: [0 1 * * *]", 17, "\"pgBackRest.fullSchedule\" is not a text", "one text"},
		{"fullSchedule: {at: noon}", 17, "\"pgBackRest.fullSchedule\" is not a text", "one text"},
		{"fullSchedule: \"0 0 * * *\\0x\"", 17, "\"pgBackRest.fullSchedule\" is not a text",
		 "without NUL"},
		{"fullSchedule: \"0 0 * * *\\n\"", 17,
		 "\"pgBackRest.fullSchedule\" is too long or holds control characters", "one line"},
		{"fullSchedule: *some", 17, "\"pgBackRest.fullSchedule\" has an alias", "Write the value"},
		{"s3: {key: 12345678}", 13, "\"pgBackRest.s3.key\" is not a text", "in quotes"},
		{"s3: {secret: 1e7}", 16, "\"pgBackRest.s3.secret\" is not a text", "in quotes"},
		{"s3: {secret: -1.5E-3}", 16, "\"pgBackRest.s3.secret\" is not a text", "in quotes"},
		{"s3: {secret: 0xAF}", 16, "\"pgBackRest.s3.secret\" is not a text", "in quotes"},
		{"s3: {secret: 'to\"day'}", 16, "invalid value for \"pgBackRest.s3.secret\"",
		 "without quotes"},
		{"s3: {key: \"it's\"}", 13, "invalid value for \"pgBackRest.s3.key\"", "without quotes"},
		{"drS3: {secret: 'back\\slash'}", 18, "invalid value for \"pgBackRest.drS3.secret\"",
		 "backslashes"},
		{"s3: {secret: \"two\\nlines\"}", 16,
		 "\"pgBackRest.s3.secret\" is too long or holds control characters", "one line"},
		{"configParams: {repo2-cipher-pass: 'to\"day'}", 37,
		 "invalid value of option \"repo2-cipher-pass\" in \"pgBackRest.configParams\"",
		 "without quotes"},
		{"configParams: ['repo1-s3-token= x']", 18,
		 "invalid value of option \"repo1-s3-token\" in \"pgBackRest.configParams\"",
		 "without quotes"},
		{"s3: [bucket]", 7, "\"pgBackRest.s3\" is not a mapping", "indented"},
		{"s3: *some", 7, "\"pgBackRest.s3\" has an alias", "Write the value"},
		{"s3: {verifySsl: \"false\"}", 19, "\"pgBackRest.s3.verifySsl\" is not a boolean",
		 "without quotes"},
		{"backupFromStandby: 1", 22, "\"pgBackRest.backupFromStandby\" is not a boolean",
		 "true or false"},
		{"backupFromStandby: [true]", 22, "\"pgBackRest.backupFromStandby\" is not a boolean",
		 "true or false"},
		{"fullRetention: 0", 18, "\"pgBackRest.fullRetention\" is out of range",
		 "leave the key out"},
		{"fullRetention: 10000000", 18, "\"pgBackRest.fullRetention\" is out of range", "9999999"},
		{"fullRetention: 99999999999999999999999", 18,
		 "\"pgBackRest.fullRetention\" is out of range", "9999999"},
		{"fullRetention: -1", 18, "\"pgBackRest.fullRetention\" is not a whole number", "1 to"},
		{"fullRetention: \"5\"", 18, "\"pgBackRest.fullRetention\" is not a whole number",
		 "without quotes"},
		{"fullRetention: 5 days", 18, "\"pgBackRest.fullRetention\" is not a whole number", "1 to"},
		{"rwx: {volumes: one}", 18, "\"pgBackRest.rwx.volumes\" is not a list", "dash"},
		{"rwx: {volumes: [a, [b]]}", 22, "\"pgBackRest.rwx.volumes\" is not a text", "one text"},
		{"configParams: 5", 17, "\"pgBackRest.configParams\" is not a mapping of options to values",
		 "option: value"},
		{"configParams: [compress-level]", 18,
		 "\"pgBackRest.configParams\" is not made of pgBackRest's options", "option=value"},
		{"configParams: [{a: b}]", 18,
		 "\"pgBackRest.configParams\" is not made of pgBackRest's options", "option=value"},
		{"configParams: [\"--x=1\"]", 18,
		 "\"pgBackRest.configParams\" is not made of pgBackRest's options", "own names"},
		{"configParams: {Compress: 1}", 18,
		 "\"pgBackRest.configParams\" is not made of pgBackRest's options", "own names"},
		{"configParams: {[a]: 1}", 18,
		 "\"pgBackRest.configParams\" is not made of pgBackRest's options", "own names"},
		{"configParams: {a: {b: c}}", 21,
		 "\"pgBackRest.configParams\" is not a mapping of options to texts or lists of texts",
		 "option: value"},
		{"configParams: {a: true}", 21,
		 "\"pgBackRest.configParams\" is not made of pgBackRest's values", "y and n"},
		{"configParams: {a: \"x\\n[global]\"}", 21,
		 "invalid value of option \"a\" in \"pgBackRest.configParams\"", "one line"},
		{"configParams: {a: 1, a: 2}", 24,
		 "option \"a\" is there twice in \"pgBackRest.configParams\"", "list"},
		{"incrSchedule: a\n  incrSchedule: b", 3, "\"pgBackRest.incrSchedule\" is there twice",
		 "first one counts"},
		{"s3: {bucket: a}\n  s3: {key: b}", 3, "\"pgBackRest.s3\" is there twice",
		 "first one counts"},
	};

	(void) state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
	{
		char text[400];
		char detail[100];
		PgbrValues values;
		const PgbrError *problem;
		bool second_line = strchr(table[i].line, '\n') && strstr(table[i].message, "twice");

		snprintf(text, sizeof(text), "pgBackRest:\n  %s\n  diffSchedule: '0 1 * * 1'\nx: &some y\n",
				 table[i].line);
		snprintf(detail, sizeof(detail), "File \"values.yaml\", line %d, column %d.",
				 second_line ? 3 : 2, table[i].column);
		if (!parse(text, &values))
			fail_msg("%s: %s | %s", table[i].line, error.message, error.detail);
		if (values.problem_count != 1)
			fail_msg("%s: %zu problems", table[i].line, values.problem_count);
		problem = &values.problems[0];
		assert_int_equal(problem->code, PGBR_ERROR_CONFIG);
		if (strcmp(problem->message + strlen("invalid values file \"values.yaml\": "),
				   table[i].message) != 0 ||
			strcmp(problem->detail, detail) != 0 || strstr(problem->hint, table[i].hint) == NULL)
			fail_msg("%s: %s | %s | %s", table[i].line, problem->message, problem->detail,
					 problem->hint);
		assert_non_null(values.diff_schedule.text);
		assert_string_equal(values.diff_schedule.text, "0 1 * * 1");
		assert_null(values.full_schedule.text);
		pgbr_values_done(&values);
	}
}

static void
test_first_counts(void **state)
{
	PgbrValues values;

	(void) state;
	assert_true(parse("pgBackRest:\n"
					  "  fullSchedule: '0 1 * * *'\n"
					  "  fullSchedule: '0 2 * * *'\n"
					  "  s3: {bucket: a}\n"
					  "  s3: {bucket: b, key: c}\n"
					  "pgBackrest:\n"
					  "  diffSchedule: '0 3 * * *'\n",
					  &values));
	assert_int_equal(values.problem_count, 3);
	assert_string_equal(values.full_schedule.text, "0 1 * * *");
	assert_string_equal(values.s3.bucket.text, "a");
	assert_null(values.s3.key.text);
	assert_null(values.diff_schedule.text);
	assert_string_equal(
		values.problems[2].message,
		"invalid values file \"values.yaml\": section \"pgBackRest\" is there twice");
	assert_string_equal(values.problems[2].detail, "File \"values.yaml\", line 6, column 1.");
	pgbr_values_done(&values);

	assert_true(parse("pgBackRest: [a, b]\n", &values));
	assert_int_equal(values.problem_count, 1);
	pgbr_values_done(&values);
}

/* The secrets of a file don't get into the log with its mistakes. */
static void
test_secrets(void **state)
{
	PgbrValues values;

	(void) state;
	assert_true(
		parse("pgBackRest:\n"
			  "  s3: {key: 77007700, secret: \"77007700\\n\"}\n"
			  "  drS3: {key: [77007700], secret: {77007700: 77007700}}\n"
			  "  configParams: {repo1-cipher-pass: \"77007700\\n\", repo2-s3-key: '77007700\"'}\n"
			  "pgBackrest: {s3: {secret: 77007700}}\n",
			  &values));
	assert_int_equal(values.problem_count, 7);
	for (size_t i = 0; i < values.problem_count; i++)
	{
		assert_null(strstr(values.problems[i].message, "77007700"));
		assert_null(strstr(values.problems[i].detail, "77007700"));
		assert_null(strstr(values.problems[i].hint, "77007700"));
	}
	pgbr_values_done(&values);
}

static void
test_not_taken(void **state)
{
	static const struct
	{
		const char *text;
		const char *message;
		const char *detail;
	} table[] = {
		{"pgBackRest: {a: b\n", "is not YAML: did not find expected ',' or '}'",
		 "File \"values.yaml\", line 2, column 1."},
		{"pgBackRest:\n\ta: b\n", "is not YAML: found character that cannot start any token",
		 "File \"values.yaml\", line 2, column 1."},
		{"pgBackRest:\n  fullSchedule: * 1 * * *\n",
		 "is not YAML: did not find expected alphabetic or numeric character",
		 "File \"values.yaml\", line 2, column 18."},
		{"a: \xff\n", "is not YAML: invalid leading UTF-8 octet", "File \"values.yaml\", byte 3."},
		{"a: \x01\n", "is not YAML: control characters are not allowed",
		 "File \"values.yaml\", byte 3."},
		{"- a\n- b\n", "is not a mapping of sections", "File \"values.yaml\", line 1, column 1."},
		{"just text\n", "is not a mapping of sections", "File \"values.yaml\", line 1, column 1."},
		{"a: b\n---\nc: d\n", "holds more than one document",
		 "File \"values.yaml\", line 2, column 1."},
		{"pgBackRest: {fullSchedule: 'x'}\nb: [", "is not YAML: did not find expected node content",
		 "File \"values.yaml\", line 3, column 1."},
	};

	(void) state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
	{
		PgbrValues values;

		if (parse(table[i].text, &values))
			fail_msg("%s: was taken", table[i].text);
		assert_int_equal(error.code, PGBR_ERROR_CONFIG);
		if (strcmp(error.message + strlen("values file \"values.yaml\" "), table[i].message) != 0 ||
			strcmp(error.detail, table[i].detail) != 0)
			fail_msg("%s: %s | %s", table[i].text, error.message, error.detail);
		assert_false(values.found);
		assert_null(values.full_schedule.text);
	}
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_seed),		  cmocka_unit_test(test_every_key),
		cmocka_unit_test(test_looks),		  cmocka_unit_test(test_param_lines),
		cmocka_unit_test(test_nothing_there), cmocka_unit_test(test_problems),
		cmocka_unit_test(test_first_counts),  cmocka_unit_test(test_secrets),
		cmocka_unit_test(test_not_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
