// links: sidecar/pgbackrest/command_line sidecar/pgbackrest/pgbackrest sidecar/pgbackrest/pgbackrest_error
/*
 * pgbackrest_test.c
 *		Command lines for pgbackrest, and what it prints. The lines are pgbackrest 2.45's own.
 */
#include "program/json.h"
#include "sidecar/pgbackrest/command_line.h"
#include "sidecar/pgbackrest/pgbackrest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const SidecarConfig config = {
	.stanza = "main", .pgbackrest = "pgbackrest", .pgbackrest_config = "/etc/p.conf"};

static void
assert_command(const Job *job, const char *expected)
{
	Command command;
	StrBuf joined;

	pgbackrest_job_command(&config, job, &command);
	assert_false(command.failed);
	strbuf_init(&joined);
	for (int i = 0; i < command.count; i++)
		strbuf_printf(&joined, "%s%s", i ? "|" : "", command.argv[i]);
	assert_null(command.argv[command.count]);
	assert_string_equal(joined.data, expected);
	strbuf_done(&joined);
	command_done(&command);
}

static void
test_commands(void **state)
{
	Job job = {.request = {.kind = PGBR_JOB_BACKUP, .type = PGBR_BACKUP_FULL, .repo = 2}};

	(void) state;
	strcpy(job.id, "20261122T174532");
	strcpy(job.request.annotations, "{\"a\":\"--type=x y\"}");
	assert_command(&job,
				   "pgbackrest|--config=/etc/p.conf|--stanza=main|--log-level-stderr=off"
				   "|--log-level-console=detail|--repo=2|--type=full"
				   "|--annotation=timestamp=20261122T174532|--annotation=a=--type=x y|backup");
	job.request = (JobRequest){.kind = PGBR_JOB_EXPIRE, .dry_run = true};
	strcpy(job.request.set, "20261122-154107F");
	assert_command(&job, "pgbackrest|--config=/etc/p.conf|--stanza=main|--log-level-stderr=off"
						 "|--log-level-console=info|--set=20261122-154107F|--dry-run|expire");
	job.request = (JobRequest){.kind = PGBR_JOB_VERIFY};
	assert_command(&job, "pgbackrest|--config=/etc/p.conf|--stanza=main|--log-level-stderr=off"
						 "|--log-level-console=info|--output=text|verify");
}

static void
test_backup_output(void **state)
{
	static const struct
	{
		const char *line;
		bool logged;
		const char *phase;
		int percent;
	} lines[] = {
		{"2026-11-22 17:45:32.093 P00   INFO: backup command begin 2.45: --stanza=main", true,
		 "starting", -1},
		{"2026-11-22 17:45:33.408 P00   INFO: check archive for prior segment "
		 "000000010000000000000006",
		 true, "waiting for WAL", -1},
		{"2026-11-22 17:45:34.785 P01 DETAIL: backup file /d/base/5/16384 (67.4MB, 75.25%) "
		 "checksum "
		 "7e308291ba6cf99776db6d1b36d335ac11a5dde3",
		 false, "copying", 75},
		{"2026-11-22 17:45:34.804 P01 DETAIL: backup file host:/d/a, 100%/b (bundle 1/0, 768KB, "
		 "76.09%) "
		 "checksum 552ddd82e7a9af071f81b52660675f7dc83349e0",
		 false, "copying", 76},
		{"2026-11-22 17:45:34.805 P01 DETAIL: checksum resumed file /d/c (0B, 76.09%) checksum "
		 "552ddd82e7a9af071f81b52660675f7dc83349e0",
		 false, "copying", 76},
		{"2026-11-22 17:45:36.455 P00   INFO: execute non-exclusive backup stop and wait for all "
		 "WAL "
		 "segments to archive",
		 true, "waiting for WAL", 76},
		{"2026-11-22 17:45:36.669 P00   INFO: new backup label = 20261122-174532F", true,
		 "waiting for WAL", 76},
		{"2026-11-22 17:45:36.688 P00   INFO: backup command end: completed successfully (4595ms)",
		 true, "waiting for WAL", 76},
		{"2026-11-22 17:45:36.689 P00   INFO: expire command begin 2.45: --stanza=main", true,
		 "expiring", 76},
	};
	PgbackrestRun run;

	(void) state;
	pgbackrest_run_init(&run, PGBR_JOB_BACKUP);
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
	{
		assert_int_equal(pgbackrest_run_line(&run, lines[i].line), lines[i].logged);
		assert_string_equal(run.progress.phase, lines[i].phase);
		assert_int_equal((int) run.progress.percent, lines[i].percent);
	}
	assert_string_equal(run.label, "20261122-174532F");
	assert_true(run.made);
	assert_string_equal(run.message, "");
	/* 67.4 MB and 768 kB are 76.09 % of the whole */
	assert_int_equal(run.progress.bytes_done, (int64_t) (67.4 * 1048576 + 768 * 1024));
	assert_in_range(run.progress.bytes_total, 93800000, 94000000);
}

static void
test_errors(void **state)
{
	PgbackrestRun run;
	char hint[512];

	(void) state;
	pgbackrest_run_init(&run, PGBR_JOB_BACKUP);
	pgbackrest_run_line(&run,
						"2026-11-22 17:45:32.093 P00   WARN: option 'repo1-retention-full' is "
						"not set");
	pgbackrest_run_line(&run, "                                    HINT: of the warning");
	pgbackrest_run_line(&run, "2026-11-22 17:45:32.093 P00  ERROR: [056]: unable to find primary "
							  "cluster - cannot proceed");
	pgbackrest_run_line(&run,
						"                                    HINT: are all available clusters "
						"in recovery?");
	pgbackrest_run_line(&run, "                                    HINT: look again");
	pgbackrest_run_line(&run,
						"2026-11-22 17:45:32.093 P00   INFO: backup command end: aborted with "
						"exception [056]");
	assert_string_equal(run.message, "unable to find primary cluster - cannot proceed");
	assert_string_equal(run.hint, "are all available clusters in recovery?; look again");
	assert_false(run.made);
	pgbackrest_run_hint(&run, 56, hint, sizeof(hint));
	assert_non_null(strstr(hint, "Check that PostgreSQL is running."));
	assert_non_null(strstr(hint, "own hint: are all available clusters in recovery?; look again"));
	pgbackrest_run_hint(&run, 1, hint, sizeof(hint));
	assert_string_equal(hint, "are all available clusters in recovery?; look again");
	run.made = true;
	pgbackrest_run_hint(&run, 1, hint, sizeof(hint));
	assert_ptr_equal(strstr(hint, "The backup is complete. "), hint);
	/* before the log is set up */
	pgbackrest_run_init(&run, PGBR_JOB_CHECK);
	pgbackrest_run_line(&run, "ERROR: [031]: option 'stanza' cannot be set multiple times");
	assert_string_equal(run.message, "option 'stanza' cannot be set multiple times");
	assert_null(run.progress.phase);

	assert_string_equal(pgbackrest_error_name(50), "lock-acquire");
	assert_string_equal(pgbackrest_error_name(82), "archive-timeout");
	assert_string_equal(pgbackrest_error_name(1), "unknown");
	pgbackrest_run_hint(&run, 1, hint, sizeof(hint));
	assert_string_equal(hint, "");
}

static void
test_verify_output(void **state)
{
	PgbackrestRun run;

	(void) state;
	pgbackrest_run_init(&run, PGBR_JOB_VERIFY);
	pgbackrest_run_line(&run, "stanza: main");
	pgbackrest_run_line(&run, "status: ok");
	assert_false(run.verify_failed);
	pgbackrest_run_line(&run, "status: error");
	assert_true(run.verify_failed);
	assert_false(pgbackrest_run_is_vague(&run));
	pgbackrest_run_line(&run, "  No usable backup.info file");
	assert_true(run.not_verified && pgbackrest_run_is_vague(&run));
}

static bool
read_info(const char *text, PgbackrestStanza *stanza)
{
	PgbrError error;
	json_t *document = json_parse(text, strlen(text), &error);
	bool ok = pgbackrest_read_info(document, "main", stanza, &error);

	json_decref(document);
	return ok;
}

/* A refused HTTP request, as pgbackrest prints it. */
static void
test_http_error(void **state)
{
	static const char *const lines[] = {
		"2026-11-24 11:42:05.489 P00  ERROR: [039]: unable to load info file '/b' or '/b.copy':",
		"          ProtocolError: HTTP request failed with 403 (Forbidden):",
		"          *** Path/Query ***:",
		"          GET /backups/b",
		"          *** Request Headers ***:",
		"          authorization: <redacted>",
		"          *** Response Headers ***:",
		"          content-type: application/xml",
		"          *** Response Content ***:",
		"          <?xml version=\"1.0\"?><Error><Code>InvalidAccessKeyId</Code><Message>",
		"          </Message></Error>",
		"          FileMissingError: unable to open missing file '/b.copy' for read",
		"          HINT: has a stanza-create been performed?",
	};
	PgbackrestRun run;
	PgbackrestStanza stanza;
	char hint[512];

	(void) state;
	pgbackrest_run_init(&run, PGBR_JOB_CHECK);
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		pgbackrest_run_line(&run, lines[i]);
	assert_string_equal(run.message,
						"unable to load info file '/b' or '/b.copy': ProtocolError: HTTP request "
						"failed with 403 (Forbidden): GET /backups/b InvalidAccessKeyId "
						"FileMissingError: unable to open missing file '/b.copy' for read");
	pgbackrest_run_hint(&run, 39, hint, sizeof(hint));
	assert_string_equal(hint, "The store does not know the key: check repoN-s3-key.");
	/* the same in an info document */
	assert_true(read_info(
		"[{\"name\":\"main\",\"db\":[],\"repo\":[{\"key\":1,\"status\":{\"code\":0,\"message\":"
		"\"ok\"}},{\"key\":2,\"status\":{\"code\":99,\"message\":\"[ProtocolError] HTTP request "
		"failed with 404 (Not Found):\\n*** Path/Query ***:\\nGET /x\\n*** Request Headers ***:\\n"
		"host: h\\n*** Response Content ***:\\n<Error>\\n<Code>NoSuchBucket\\n</Code></Error>\\n"
		"HINT: look\"}}]}]",
		&stanza));
	assert_int_equal(stanza.failed_repo, 2);
	assert_int_equal(stanza.archive_repo, 1);
	assert_string_equal(stanza.repo_message,
						"repo2: [ProtocolError] HTTP request failed with 404 (Not Found): GET /x "
						"NoSuchBucket");
	assert_non_null(strstr(pgbackrest_text_hint(stanza.repo_message), "no such bucket"));
	assert_non_null(
		strstr(pgbackrest_text_hint("unable to create path '/srv/b': [30] Read-only file system"),
			   "ReadWritePaths="));
	assert_null(pgbackrest_text_hint("all is well"));
}

static void
test_any_line(void **state)
{
	static const char *const lines[] = {"",
										":",
										": ",
										" ",
										"%",
										"DETAIL: backup file ",
										"DETAIL: backup file %",
										"DETAIL: backup file (",
										"DETAIL: backup file , %",
										"P00 DETAIL: backup file (,%)",
										"INFO: new backup label = ",
										"INFO: new backup label = $(reboot)",
										"ERROR: ",
										"ERROR: [",
										"ERROR: [056]:",
										"DETAIL: backup file x (99999999999999999999999EB, 0.00%)",
										"DETAIL: backup file x (infB, 50%)",
										"DETAIL: backup file x (-1KB, 50%)",
										"DETAIL: backup file x (9999999999999PB, 1%)",
										"DETAIL: backup file x (1KB, nan%)",
										"DETAIL: backup file x (1KB, 101%)"};
	PgbackrestRun run;

	(void) state;
	pgbackrest_run_init(&run, PGBR_JOB_BACKUP);
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		pgbackrest_run_line(&run, lines[i]);
	assert_string_equal(run.label, "");
	/* only what can be counts: 0.00% of as much as can be */
	assert_true(run.progress.percent == 0 && run.progress.bytes_done >= 0);
	/* a number that is none is text */
	pgbackrest_run_init(&run, PGBR_JOB_BACKUP);
	pgbackrest_run_line(&run, "ERROR: [032\xc3\xa4\xc3\xa4");
	assert_string_equal(run.message, "[032\xc3\xa4\xc3\xa4");
}

/* What becomes an argument is held to a grammar, and what is told can be shown. */
static void
test_hostile_info(void **state)
{
	PgbackrestStanza stanza;

	(void) state;
	assert_true(read_info(
		"[{\"archive\":[{\"id\":\"15-1/../../../../etc\"}],\"name\":\"main\",\"repo\":[{\"key\":"
		"4294967297,\"status\":{\"code\":0}},{\"key\":2,\"status\":{\"code\":99,\"message\":"
		"\"a\\u001b[2J\"}}],\"status\":{\"code\":0,\"message\":\"\\u009b\"}}]",
		&stanza));
	assert_string_equal(stanza.archive_id, "");
	assert_int_equal(stanza.archive_repo, 0);
	assert_string_equal(stanza.repo_message, "repo2: a\\x1B[2J");
	assert_string_equal(stanza.status_message, "\\u009B");
}

static void
test_info(void **state)
{
	PgbackrestStanza stanza;

	(void) state;
	assert_true(read_info(
		"[{\"archive\":[{\"id\":\"15-1\"},{\"id\":\"15-2\"}],\"backup\":[],\"db\":[{\"system-id\":"
		"7711053414428769784}],\"name\":\"main\",\"repo\":[{\"key\":1,\"status\":{\"code\":99,"
		"\"message\":\"other\"}},{\"key\":2,\"status\":{\"code\":2,\"message\":\"no valid "
		"backups\"}}],\"status\":{\"code\":4,\"message\":\"different across repos\"}}]",
		&stanza));
	assert_int_equal(stanza.status_code, 4);
	assert_string_equal(stanza.system_id, "7711053414428769784");
	assert_string_equal(stanza.archive_id, "15-2");
	assert_int_equal(stanza.repo_count, 2);
	assert_int_equal(stanza.repo_failed, 1);
	assert_int_equal(stanza.failed_repo, 1);
	assert_int_equal(stanza.repo_missing, 0);
	assert_string_equal(stanza.repo_message, "repo1: other");
	assert_int_equal(stanza.archive_repo, 2);
	/* a stanza that is not there yet */
	assert_true(
		read_info("[{\"backup\":[],\"db\":[],\"name\":\"main\",\"repo\":[{\"key\":1,\"status\":"
				  "{\"code\":1,\"message\":\"missing stanza path\"}}],\"status\":{\"code\":1,"
				  "\"message\":\"missing stanza path\"}}]",
				  &stanza));
	assert_int_equal(stanza.repo_missing, 1);
	assert_string_equal(stanza.system_id, "");
	assert_int_equal(stanza.archive_repo, 0);
	assert_false(read_info("[]", &stanza));
	assert_false(read_info("{}", &stanza));
	assert_false(read_info("[{\"name\":\"other\"}]", &stanza));
	assert_true(read_info("[{\"name\":\"main\",\"repo\":7,\"db\":{},\"status\":[]}]", &stanza));
	assert_int_equal(stanza.status_code, 99);
	/* what is a part of a path has a form */
	assert_true(read_info("[{\"name\":\"main\",\"archive\":[{\"id\":\"15-1/../../../../etc\"}]}]",
						  &stanza));
	assert_string_equal(stanza.archive_id, "");
	/* a repository may say anything in it, and it goes into hints and to whoever probes */
	assert_true(read_info("[{\"name\":\"main\",\"repo\":[{\"key\":1,\"status\":{\"code\":99,"
						  "\"message\":\"a\\u001b[2J\\u009b\"}}]}]",
						  &stanza));
	assert_string_equal(stanza.repo_message, "repo1: a\\x1B[2J\\u009B");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_commands),	 cmocka_unit_test(test_backup_output),
		cmocka_unit_test(test_errors),		 cmocka_unit_test(test_verify_output),
		cmocka_unit_test(test_any_line),	 cmocka_unit_test(test_info),
		cmocka_unit_test(test_hostile_info), cmocka_unit_test(test_http_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
