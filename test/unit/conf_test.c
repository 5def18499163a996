// links: ctl/conf/pgbackrest_conf ctl/conf/conf ctl/conf/conf_build ctl/conf/conf_params ctl/conf/conf_write ctl/conf/conf_check ctl/conf/conf_words
/*
 * conf_test.c
 *		pgbackrest.conf made of a values file, and a retention in words. That pgbackrest takes what
 *		is made is for test/t/080_config.pl.
 */
#include "ctl/conf/conf_check.h"
#include "ctl/conf/conf_words.h"
#include "ctl/conf/conf_write.h"
#include "ctl/conf/pgbackrest_conf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static PgbrError error;

static void
make(const char *text, const ConfMember *member, PgbrValues *values, Conf *conf)
{
	error = (PgbrError) PGBR_ERROR_INIT;
	assert_true(pgbr_values_parse("v.yaml", text, strlen(text), values, &error));
	assert_true(conf_make("v.yaml", values, member, conf, &error));
}

static const ConfMember nobody;

/* What is written, without the comment at its head. */
static void
assert_written(const char *text, const ConfMember *member, const char *wanted,
			   const char *environment)
{
	PgbrValues values;
	StrBuf out;
	Conf conf;

	make(text, member, &values, &conf);
	if (conf.problem_count > 0)
		fail_msg("%s: %s", text, conf.problems[0].message);
	strbuf_init(&out);
	conf_write(&conf, &out);
	assert_string_equal(strstr(out.data, "\n["), wanted);
	strbuf_clear(&out);
	conf_write_environment(&conf, &out);
	assert_string_equal(out.data, environment);
	assert_int_equal(conf_has_secrets(&conf), environment[0] != '\0');
	strbuf_done(&out);
	conf_done(&conf);
	conf_done(&conf);
	pgbr_values_done(&values);
}

static void
test_written(void **state)
{
	const ConfMember member = {
		.stanza = "main", .name = "m1", .socket_path = "/run/p", .user = "u"};
	const ConfMember elsewhere = {.path = "/data", .port = 5433};

	(void) state;
	assert_written("pgBackRest: {repoType: rwx}", &nobody,
				   "\n[global]\nlog-level-file=detail\nlog-level-console=info\n"
				   "repo1-path=/var/lib/pgbackrest\n",
				   "");
	assert_written(
		"pgBackRest: {repoType: rwx, repoPath: /b, fullRetention: 5, diffRetention: 3}", &member,
		"\n[global]\nlog-level-file=detail\nlog-level-console=info\nrepo1-path=/b\n"
		"repo1-retention-full=5\nrepo1-retention-diff=3\n\n[main]\n"
		"pg1-path=/var/lib/pgsql/data/postgresql_m1\npg1-socket-path=/run/p\npg1-user=u\n",
		"");
	/* a second repository in a bucket, where the first is a folder; its retention is its own */
	assert_written(
		"pgBackRest: {repoType: rwx, fullRetention: 5,\n"
		"  drS3: {bucket: two, endpoint: 's3.example.org', key: K, secret: 'a b', region: r}}",
		&elsewhere,
		"\n[global]\nlog-level-file=detail\nlog-level-console=info\n"
		"repo1-path=/var/lib/pgbackrest\nrepo2-type=s3\nrepo2-path=/var/lib/pgbackrest\n"
		"repo2-s3-bucket=two\nrepo2-s3-endpoint=s3.example.org\nrepo2-s3-region=r\n"
		"repo2-s3-uri-style=path\nrepo1-retention-full=5\n\n[patroni]\npg1-path=/data\n"
		"pg1-port=5433\n",
		"PGBACKREST_REPO2_S3_KEY=K\nPGBACKREST_REPO2_S3_KEY_SECRET='a b'\n");
	/* configParams: over defaults, beside keys, of the stanza, and secrets among them */
	assert_written(
		"pgBackRest: {repoType: rwx, configParams: {log-level-file: 'off', repo1-cipher-type:"
		" aes-256-cbc, repo1-cipher-pass: x, repo1-retention-full-type: time, pg2-host: h,"
		" exclude: [a, b]}}",
		&nobody,
		"\n[global]\nlog-level-file=off\nlog-level-console=info\n"
		"repo1-path=/var/lib/pgbackrest\nrepo1-cipher-type=aes-256-cbc\n"
		"repo1-retention-full-type=time\nexclude=a\nexclude=b\n\n[patroni]\npg2-host=h\n",
		"PGBACKREST_REPO1_CIPHER_PASS=x\n");
	/* no keys: the machine's role, or a Secret of Kubernetes */
	assert_written("pgBackRest: {repoType: s3, s3: {bucket: one, endpoint: 'h:9000', region: r},\n"
				   "  configParams: {repo1-s3-key-type: auto, repo1-s3-uri-style: host}}",
				   &nobody,
				   "\n[global]\nlog-level-file=detail\nlog-level-console=info\nrepo1-type=s3\n"
				   "repo1-path=/var/lib/pgbackrest\nrepo1-s3-bucket=one\nrepo1-s3-endpoint=h\n"
				   "repo1-storage-port=9000\nrepo1-s3-region=r\nrepo1-s3-uri-style=host\n"
				   "repo1-s3-key-type=auto\n",
				   "");
	assert_written("pgBackRest: {repoType: s3, existingSecret: keys,\n"
				   "  s3: {bucket: one, endpoint: h, region: r}, configParams: {repo1-cipher-type: "
				   "aes-256-cbc}}",
				   &nobody,
				   "\n[global]\nlog-level-file=detail\nlog-level-console=info\nrepo1-type=s3\n"
				   "repo1-path=/var/lib/pgbackrest\nrepo1-s3-bucket=one\nrepo1-s3-endpoint=h\n"
				   "repo1-s3-region=r\nrepo1-s3-uri-style=path\nrepo1-cipher-type=aes-256-cbc\n",
				   "");
}

static void
test_member_refused(void **state)
{
	static const ConfMember wrong[] = {
		{.stanza = "a b"}, {.stanza = "x]\n[global]"},	  {.name = "../x"},
		{.path = "data"},  {.path = "/a\nrepo1-path=/b"}, {.path = "/a//b"},
		{.path = "/a "},   {.socket_path = "run/"},		  {.user = "a\nrepo1-host-user=x"},
		{.user = ""},
	};
	const char *text = "pgBackRest: {repoType: rwx}";
	PgbrValues values;
	Conf conf;

	(void) state;
	assert_true(pgbr_values_parse("v.yaml", text, strlen(text), &values, &error));
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
	{
		assert_false(conf_make("v.yaml", &values, &wrong[i], &conf, &error));
		assert_int_equal(error.code, PGBR_ERROR_CONFIG);
		assert_true(error.hint[0] != '\0');
	}
	pgbr_values_done(&values);
}

/* As many as there may be, and what is wrong with more of them is not told. */
static void
test_many_problems(void **state)
{
	char text[8000] = "pgBackRest: {repoType: rwx, configParams: [";
	PgbrValues values;
	Conf conf;

	(void) state;
	for (int i = 0; i < 100; i++)
		strcat(text, "no-x=1, ");
	strcat(text, "]}");
	make(text, &nobody, &values, &conf);
	assert_int_equal(conf.problem_count, CONF_MAX_PROBLEMS);
	conf_done(&conf);
	pgbr_values_done(&values);
}

static void
test_variable(void **state)
{
	char variable[CONF_VARIABLE_SIZE];

	(void) state;
	assert_string_equal(conf_variable("repo1-s3-key-secret", variable),
						"PGBACKREST_REPO1_S3_KEY_SECRET");
}

static void
test_kind(void **state)
{
	static const char *const files[] = {"[global]\n", "# x\n\n  [main]\n", "repo1-path=/x\n", "["};
	static const char *const values[] = {"",	   "pgBackRest:\n", "# [global]\na: b\n",
										 "{a: b}", "a: b=c\n",		"---\n"};

	(void) state;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		assert_true(conf_is_pgbackrest(files[i], strlen(files[i])));
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		assert_false(conf_is_pgbackrest(values[i], strlen(values[i])));
}

static void
assert_says(RetentionSettings settings, bool expire_auto, const char *const *parts)
{
	json_t *list;
	size_t count = 0;

	settings.repo = 1;
	list = conf_keeps(&settings, expire_auto);
	for (; parts[count]; count++)
	{
		const char *text = json_string_value(json_array_get(list, count));

		if (text == NULL || strstr(text, parts[count]) == NULL)
			fail_msg("\"%s\" is not in \"%s\"", parts[count], text ? text : "nothing");
	}
	assert_int_equal(json_array_size(list), count);
	json_decref(list);
}

#define SAYS(expire_auto, settings, ...) \
	assert_says((RetentionSettings) settings, expire_auto, (const char *const[]){__VA_ARGS__, NULL})
#define SET(...)    \
	{               \
		__VA_ARGS__ \
	}

static void
test_words(void **state)
{
	(void) state;
	SAYS(true, SET(.archive_type = PGBR_BACKUP_FULL),
		 "never removed: repo1-retention-full is not set", "go with the backup they depend on",
		 "WAL is never removed");
	SAYS(true, SET(.full = 5, .diff = 3, .archive_type = PGBR_BACKUP_FULL),
		 "the 5 newest are kept. One more must be complete before the oldest goes, so there are 6",
		 "when 3 newer full or diff backups are complete, so of diff backups alone there are 4",
		 "since the oldest full backup that is kept");
	SAYS(true, SET(.full = 1, .diff = 1, .archive_type = PGBR_BACKUP_FULL), "the 1 newest is kept",
		 "when 1 newer full or diff backup is complete", "since the oldest full");
	SAYS(true,
		 SET(.full = 20, .full_by_time = true, .archive = 2, .archive_type = PGBR_BACKUP_FULL),
		 "at least 20 days old, so there is always a backup from before the last 20 days. There "
		 "must "
		 "be one that old before the first goes. To which moments they can be restored is what the "
		 "WAL says.",
		 "go with the backup they depend on", "since the oldest of the 2 newest full backups.");
	SAYS(true, SET(.full = 20, .full_by_time = true, .diff = 3, .archive_type = PGBR_BACKUP_DIFF),
		 "To which moments they can be restored is what the WAL says.", "when 3 newer",
		 "since the oldest of the 3 newest full or diff backups.");
	SAYS(true, SET(.full = 20, .full_by_time = true, .archive_type = PGBR_BACKUP_FULL),
		 "a newer one is at least 20 days old, so the last 20 days can always be restored.",
		 "go with the backup they depend on", "any moment since its end can be restored.");
	SAYS(true, SET(.full = 2, .archive = 1, .archive_type = PGBR_BACKUP_INCR), "the 2 newest",
		 "go with", "since the newest backup.");
	SAYS(true, SET(.full = 2, .diff = 4, .archive_type = PGBR_BACKUP_DIFF), "the 2 newest", "newer",
		 "since the oldest of the 4 newest full or diff backups.");
	SAYS(true, SET(.full = 2, .archive_type = PGBR_BACKUP_INCR), "the 2 newest", "go with",
		 "WAL is never removed");
	SAYS(false, SET(.full = 2, .archive_type = PGBR_BACKUP_FULL), "the 2 newest", "go with", "WAL",
		 "expire-auto=n: nothing expires after a backup");
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_written),		  cmocka_unit_test(test_member_refused),
		cmocka_unit_test(test_many_problems), cmocka_unit_test(test_variable),
		cmocka_unit_test(test_kind),		  cmocka_unit_test(test_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
