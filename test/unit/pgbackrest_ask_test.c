// links: sidecar/pgbackrest/pgbackrest_ask sidecar/pgbackrest/command_line sidecar/pgbackrest/pgbackrest sidecar/pgbackrest/pgbackrest_error
/*
 * pgbackrest_ask_test.c
 *		What pgbackrest answers, apart from the log in front of it; and which variables of the
 *		environment are options of it. The lines are those of pgbackrest 2.45 and 2.55.
 */
#include "program/pgbackrest_log.h"
#include "program/pgbackrest_option.h"
#include "sidecar/pgbackrest/pgbackrest_ask.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define WARNING "P00   WARN: configuration file contains invalid option 'bogus-option'\n"

static void
test_log_length(void **state)
{
	static const struct
	{
		const char *log;
		const char *answer;
	} cases[] = {
		{"", ""},
		{"", "[{\"name\":\"main\"}]"},
		{WARNING, "[]"},
		{"P00   WARN: environment contains invalid option 'service-host'\n" WARNING,
		 "{\"a\":{}}\n"},
		{"WARN: as on standard error\n", "pgBackRest 2.45\n"},
		{"2026-11-30 08:15:00.123 P00   WARN: with its time\n", "x"},
		{"P00  ERROR: [031]: invalid option\n            HINT: look there\n", ""},
		{"P00  ERROR: [031]: cut half-way", ""},
		{"", "1\t0/5000000\tWARN: a reason\n"},
		{"", " ERROR: indented, and after no line\n"},
		{"", "P00 00000002.history\n"},
		{"", "2026-11-30 is no log\n"},
		{"", "P\nINFO"},
	};

	(void) state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		char text[512];
		size_t length =
			(size_t) snprintf(text, sizeof(text), "%s%s", cases[i].log, cases[i].answer);
		/* of the very length, so that reading past it is seen */
		char *exact = malloc(length ? length : 1);

		memcpy(exact, text, length);
		assert_int_equal(pgbackrest_log_length(exact, length), strlen(cases[i].log));
		free(exact);
	}
}

/* A shell stands in for pgbackrest. */
static bool
ask(const char *script, PgbackrestAnswer *answer, PgbrError *error)
{
	const PgbackrestLimits limits = {NULL, 20000, 65536, -1};
	Command command = {0};

	command_add(&command, "sh");
	command_add(&command, "-c");
	command_add(&command, "%s", script);
	*error = (PgbrError) PGBR_ERROR_INIT;
	return pgbackrest_ask(&command, &limits, answer, error);
}

static void
test_answer(void **state)
{
	PgbackrestAnswer answer;
	PgbrError error;

	(void) state;
	assert_true(ask("printf \"" WARNING "[]\"", &answer, &error));
	assert_string_equal(answer.text.data, "[]");
	assert_int_equal(answer.text.length, 2);
	pgbackrest_answer_done(&answer);
	assert_true(ask("printf \"" WARNING "\"", &answer, &error));
	assert_string_equal(answer.text.data, "");
	pgbackrest_answer_done(&answer);
	assert_true(ask("echo 'ERROR: [055]: of one repository' >&2; echo '[]'", &answer, &error));
	assert_string_equal(answer.text.data, "[]\n");
	assert_int_equal(answer.exit_code, 0);
	pgbackrest_answer_done(&answer);
}

static void
test_failure(void **state)
{
	static const struct
	{
		const char *script;
		int exit_code;
		bool killed;
		const char *message;
		const char *hint;
	} cases[] = {
		{"echo 'ERROR: [041]: unable to open' >&2; exit 41", 41, false, "unable to open",
		 "Check the repository's path and its permissions."},
		{"echo 'P00  ERROR: [032]: invalid value'; echo '            HINT: look'; exit 32", 32,
		 false, "invalid value", "Check pgbackrest.conf. pgbackrest's own hint: look"},
		{"printf \"" WARNING "P00  ERROR: [031]: first\\n\"; echo 'ERROR: second' >&2; exit 31", 31,
		 false, "first", "Check pgbackrest.conf for options this version does not have."},
		{"echo 'WARN: repo1: [FileMissingError] unable to load info file' >&2;"
		 "echo '      HINT: has a stanza-create been performed?' >&2;"
		 "echo 'WARN: repo2: [HostConnectError] unable to connect' >&2;"
		 "echo 'ERROR: [103]: unable to find a valid repository' >&2; exit 103",
		 103, false,
		 "unable to find a valid repository: repo1: [FileMissingError] unable to load info file",
		 "No repository could be used: check their paths, hosts and keys."},
		{"echo 'sh: not found' >&2; echo more >&2; exit 127", 127, false, "sh: not found", ""},
		{"exit 1", 1, false, "pgbackrest sh gave no message", ""},
		{"kill -KILL $$", -1, true, "pgbackrest sh was killed", ""},
	};

	(void) state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		PgbackrestAnswer answer;
		PgbrError error;

		assert_false(ask(cases[i].script, &answer, &error));
		assert_int_equal(error.code, PGBR_ERROR_PGBACKREST);
		assert_int_equal(answer.exit_code, cases[i].exit_code);
		assert_int_equal(answer.killed, cases[i].killed);
		if (strncmp(cases[i].message, "pgbackrest sh", 13) != 0)
			assert_string_equal(error.message, cases[i].message);
		else
			assert_non_null(strstr(error.message, cases[i].message + strlen("pgbackrest sh")));
		assert_string_equal(error.hint, cases[i].hint);
		pgbackrest_answer_done(&answer);
	}
}

static void
test_options(void **state)
{
	static const char *const are[] = {
		"repo1-path", "repo256-s3-key", "pg2-host-cert-file", "start-fast", "stanza", "config",
		"allow-root", "archive-async", "tls-server-auth", "type", "repo", "pg",
		/* old names */
		"retention-full", "repo-path", "db-host", "db2-path", "backup-host", "repo1-s3-verify-ssl"};
	static const char *const are_not[] = {
		"",			  "service-host", "port", "port-8432-tcp-addr", "repo-service-host",
		"repo1-port", "repo1",		  "pg1",  "repo#-path",			"no-start-fast",
		"repo-host",  "pg-path",	  "verb", "reset-repo1-path",	"tls-server-authx"};

	(void) state;
	for (size_t i = 0; i < sizeof(are) / sizeof(are[0]); i++)
	{
		if (!pgbackrest_is_option(are[i]))
			fail_msg("%s is an option", are[i]);
	}
	for (size_t i = 0; i < sizeof(are_not) / sizeof(are_not[0]); i++)
	{
		if (pgbackrest_is_option(are_not[i]))
			fail_msg("%s is no option", are_not[i]);
	}
	for (size_t i = 0; i < sizeof(are) / sizeof(are[0]); i++)
		assert_int_equal(pgbackrest_is_old_option(are[i]), i >= 12);
	assert_false(pgbackrest_is_stray("PGBACKREST_REPO1_S3_KEY_SECRET=x"));
	assert_false(pgbackrest_is_stray("PGBACKRESTX=x"));
	assert_false(pgbackrest_is_stray("PATH=/bin"));
	assert_true(pgbackrest_is_stray("PGBACKREST_SERVICE_HOST=10.0.0.1"));
	assert_true(pgbackrest_is_stray("PGBACKREST_PORT_8432_TCP_ADDR=10.0.0.1"));
	assert_true(pgbackrest_is_stray("PGBACKREST_=x"));
}

/* Every option that the pgbackrest of this machine tells of in its help. */
static void
test_options_of_help(void **state)
{
	static const char script[] =
		"for c in annotate archive-get archive-push backup check expire info repo-get repo-ls "
		"restore"
		" server server-ping stanza-create stanza-delete stanza-upgrade start stop verify;"
		" do pgbackrest help $c | sed -n 's/^  --\\([a-z0-9-]*\\) .*/\\1/p'; done";
	PgbackrestAnswer answer;
	PgbrError error;
	char *save;
	int count = 0;

	(void) state;
	assert_true(ask(script, &answer, &error));
	for (char *name = strtok_r(answer.text.data, "\n", &save); name;
		 name = strtok_r(NULL, "\n", &save), count++)
	{
		char numbered[128];
		size_t group = strncmp(name, "repo-", 5) == 0 ? 4 : strncmp(name, "pg-", 3) == 0 ? 2 : 0;

		snprintf(numbered, sizeof(numbered), "%.*s%s%s", (int) group, name, group ? "1" : "",
				 name + group);
		if (!pgbackrest_is_option(numbered))
			fail_msg("%s is an option", numbered);
	}
	assert_true(count > 500);
	pgbackrest_answer_done(&answer);
}

static void
test_environment(void **state)
{
	PgbackrestAnswer answer;
	PgbrError error;
	char name[PGBACKREST_VARIABLE_SIZE];
	size_t from = 0;

	(void) state;
	setenv("PGBACKREST_SERVICE_HOST", "10.0.0.1", 1);
	setenv("PGBACKREST_LOG_LEVEL_STDERR", "warn", 1);
	assert_true(ask("env | grep ^PGBACKREST_", &answer, &error));
	assert_string_equal(answer.text.data, "PGBACKREST_LOG_LEVEL_STDERR=warn\n");
	pgbackrest_answer_done(&answer);
	assert_true(pgbackrest_next_stray(&from, name));
	assert_string_equal(name, "PGBACKREST_SERVICE_HOST");
	assert_false(pgbackrest_next_stray(&from, name));
	unsetenv("PGBACKREST_SERVICE_HOST");
	unsetenv("PGBACKREST_LOG_LEVEL_STDERR");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_log_length),		cmocka_unit_test(test_answer),
		cmocka_unit_test(test_failure),			cmocka_unit_test(test_options),
		cmocka_unit_test(test_options_of_help), cmocka_unit_test(test_environment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
