// links: sidecar/pgbackrest/remote_backup
/*
 * remote_backup_test.c
 *		Where a repository is on another host: whether pgbackrest makes backups here, and that its
 *		retention is not known here.
 */
#include "program/json.h"
#include "program/retention_settings.h"
#include "program/retention_words.h"
#include "sidecar/pgbackrest/remote_backup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void
read_conf(const char *text, PgbackrestFile *file)
{
	PgbrError error;

	*file = (PgbackrestFile) PGBACKREST_FILE_INIT;
	assert_true(pgbackrest_file_add(file, "x", text, strlen(text), &error));
}

static void
test_refused(void **state)
{
	static const struct
	{
		const char *conf;
		const char *version;
		const char *reason; /* NULL: backups are made */
	} cases[] = {
		{"[global]\nrepo1-host=backup\n", "2.45",
		 "the repository is on host \"backup\", and pgbackrest 2.45 makes backups only there; from "
		 "2.55 on it makes them here, too"},
		{"[global]\nrepo2-host=b\n[main]\nrepo3-host=c\n", "2.54.2",
		 "the repository is on host \"b\", and pgbackrest 2.54.2 makes backups only there; from "
		 "2.55 on it makes them here, too"},
		{"[global]\nrepo1-host=backup\n", "2.55", NULL},
		{"[global]\nrepo1-host=backup\n", "2.60.0", NULL},
		{"[global]\nrepo1-host=backup\n", "3.1", NULL},
		{"[global]\nrepo1-host=backup\n", "", NULL},
		{"[global]\nrepo1-host=backup\nrepo2-type=s3\n", "2.45", NULL},
		{"[global]\nrepo1-path=/x\n", "2.45", NULL},
		{"[global]\nstart-fast=y\n", "2.45", NULL},
		{"[other]\nrepo1-host=backup\n", "2.45", NULL},
	};

	(void) state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		PgbackrestFile file;
		char reason[256] = "";

		read_conf(cases[i].conf, &file);
		assert_int_equal(
			remote_backup_is_refused(&file, "main", cases[i].version, reason, sizeof(reason)),
			cases[i].reason != NULL);
		assert_string_equal(reason, cases[i].reason ? cases[i].reason : "");
		pgbackrest_file_done(&file);
	}
}

/* One repository is elsewhere, with a retention here that does not count; the other is not. */
static void
test_retention(void **state)
{
	static const char info[] =
		"{\"name\":\"main\",\"backup\":["
		"{\"label\":\"20260101-000000F\",\"type\":\"full\",\"database\":{\"id\":1,\"repo-key\":1},"
		"\"timestamp\":{\"start\":1,\"stop\":2}},"
		"{\"label\":\"20260102-000000F\",\"type\":\"full\",\"database\":{\"id\":1,\"repo-key\":1},"
		"\"timestamp\":{\"start\":3,\"stop\":4}},"
		"{\"label\":\"20260102-000000F_20260103-000000I\",\"type\":\"incr\","
		"\"prior\":\"20260102-000000F\",\"database\":{\"id\":1,\"repo-key\":1},"
		"\"timestamp\":{\"start\":5,\"stop\":6}},"
		"{\"label\":\"20260101-000000F\",\"type\":\"full\",\"database\":{\"id\":1,\"repo-key\":2},"
		"\"timestamp\":{\"start\":1,\"stop\":2}}]}";
	PgbackrestFile file;
	RetentionConfig config;
	RetentionHistory history = {.count = 0};
	PgbrError error;
	char words[RETENTION_WORDS_SIZE];
	json_t *stanza = json_parse(info, strlen(info), &error);

	(void) state;
	read_conf("[global]\nrepo1-host=b\nrepo1-retention-full=1\nrepo2-path=/x\n", &file);
	assert_true(retention_settings_of_file(&file, "main", false, &config, &error));
	assert_true(config.repos[0].elsewhere);
	assert_false(config.repos[1].elsewhere);
	assert_int_equal(config.repos[0].full, 0);
	assert_true(retention_read(stanza, &history, &error));
	retention_decide(&history, config.repos, config.count, 1000);
	for (int i = 0; i < 3; i++)
	{
		retention_expires_words(&history, i, words);
		assert_string_equal(words, "not known here");
		assert_false(history.backups[i].goes);
	}
	retention_kept_words(&history, 0, words);
	assert_string_equal(words, "the repository's host has the retention");
	retention_expires_words(&history, 3, words);
	assert_string_equal(words, "never");
	retention_done(&history);
	pgbackrest_file_done(&file);
	json_decref(stanza);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_retention),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
