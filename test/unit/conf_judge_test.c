// links: ctl/conf/conf_judge ctl/conf/conf_check ctl/conf/conf_params ctl/conf/conf_build ctl/conf/conf
/*
 * conf_judge_test.c
 *		What pgbackrest says of its file, as findings. The lines are those of pgbackrest 2.45, on
 *		standard error, and of 2.55, on standard output.
 */
#include "ctl/conf/conf_judge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void
test_read(void **state)
{
	static const struct
	{
		const char *text;
		const char *problem; /* NULL: none */
		const char *warning;
		const char *missing;
	} cases[] = {
		{"", NULL, NULL, ""},
		{"ERROR: [032]: 'lz9' is not allowed for 'compress-type' option\n",
		 "pgbackrest refuses the file: 'lz9' is not allowed for 'compress-type' option", NULL, ""},
		{"P00  ERROR: [032]: '0' is out of range for 'process-max' option\n",
		 "pgbackrest refuses the file: '0' is out of range for 'process-max' option", NULL, ""},
		{"P00   WARN: configuration file contains invalid option 'repo1-retention-ful'\n", NULL,
		 "pgbackrest warns: configuration file contains invalid option 'repo1-retention-ful'", ""},
		{"WARN: environment contains invalid option 'service-host'\n", NULL, NULL, ""},
		{"ERROR: [037]: backup command requires option: repo1-s3-bucket\n"
		 "       HINT: does this stanza exist?\n"
		 "ERROR: [037]: archive-get command requires option: repo1-s3-bucket\n",
		 "pgbackrest refuses the file: backup command requires option: repo1-s3-bucket", NULL, ""},
		{"ERROR: [037]: backup command requires option: repo1-s3-key", NULL, NULL, "repo1-s3-key"},
		{"ERROR: [037]: backup command requires option: pg1-path\n", NULL, NULL, "pg1-path"},
		{"ERROR: [050]: unable to acquire lock on file '/dev/null/config-check/main-backup.lock': "
		 "Not a directory\n",
		 NULL, NULL, ""},
		{"ERROR: [041]: unable to get info for path/file '/dev/null/config-check/postmaster.pid': "
		 "[20] Not a directory\n",
		 NULL, NULL, ""},
		{"ERROR: [043]: WAL segment to push required\n", NULL, NULL, ""},
		{"ERROR: [072]: restore command must be run on the PostgreSQL host\n", NULL, NULL, ""},
		{"ERROR: [12\n", "pgbackrest refuses the file: [12", NULL, ""},
		{"no line of a log\n", NULL, NULL, ""},
	};

	(void) state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		static ConfFindings findings;
		char missing[CONF_OPTION_SIZE] = "";

		findings = (ConfFindings){.problem_count = 0};
		conf_judge_read(cases[i].text, &findings, missing);
		assert_int_equal(findings.problem_count, cases[i].problem != NULL);
		if (cases[i].problem)
			assert_string_equal(findings.problems[0].message, cases[i].problem);
		assert_int_equal(findings.warning_count, cases[i].warning != NULL);
		if (cases[i].warning)
			assert_string_equal(findings.warnings[0].message, cases[i].warning);
		assert_string_equal(missing, cases[i].missing);
	}
}

/* None of them can do more than read its options: it lacks a lock, a data directory or a file. */
static void
test_questions(void **state)
{
	(void) state;
	for (int i = 0; i < CONF_JUDGE_COMMANDS; i++)
	{
		ConfQuestion question;
		const char *command = "";
		bool locked = false;
		bool placed = false;

		conf_question_make(i, "prog", "/a b", "main", &question);
		assert_string_equal(question.argv[0], "prog");
		assert_string_equal(question.argv[1], "--config=/a b");
		assert_string_equal(question.argv[2], "--stanza=main");
		for (int j = 3; question.argv[j]; j++)
		{
			locked = locked || strcmp(question.argv[j], "--lock-path=" CONF_JUDGE_NOWHERE) == 0;
			placed = placed || strcmp(question.argv[j], "--pg1-path=" CONF_JUDGE_NOWHERE) == 0;
			command = question.argv[j];
		}
		assert_true((locked && (placed || strcmp(command, "restore") != 0)) ||
					strcmp(command, "archive-push") == 0 || strcmp(command, "archive-get") == 0);
		conf_question_done(&question);
	}
}

/* What pgbackrest lets pass without a word. */
static void
test_own(void **state)
{
	static const struct
	{
		const char *text;
		const char *warning;
		const char *hint;
	} cases[] = {
		{"[global]\nrepo-path=/x\n",
		 "\"repo-path\" is the old name of an option, which only pgbackrest understands",
		 "pgBackRest numbers repositories: write repo1-... for the first."},
		{"[global]\nretention-full=2\n",
		 "\"retention-full\" is the old name of an option, which only pgbackrest understands",
		 "Use the name that it has today."},
		{"[global:bakup]\nstart-fast=y\n", "pgbackrest does not read section [global:bakup]",
		 "A section is global or a stanza, with or without :COMMAND behind."},
		{"[main]\npg1-path=/x\n[mian]\npg1-port=5433\n",
		 "section [mian] is of a stanza without a pg1-path",
		 "What stands there applies to no other stanza: is it a typo of [main]?"},
		{"[main]\npg1-path=/x\n[mian:backup]\nstart-fast=y\n",
		 "section [mian] is of a stanza without a pg1-path",
		 "What stands there applies to no other stanza: is it a typo of [main]?"},
		{"[main]\npg1-path=/x\n[main:backup]\nstart-fast=y\n[other]\npg2-path=/y\n", NULL, NULL},
		/* all stanzas may have it from the environment */
		{"[main]\npg1-port=1\n[other]\npg1-port=2\n", NULL, NULL},
	};

	(void) state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		static ConfFindings findings;
		PgbackrestFile file = PGBACKREST_FILE_INIT;
		PgbrError error;

		assert_true(pgbackrest_file_add(&file, "x", cases[i].text, strlen(cases[i].text), &error));
		conf_check(&file, "x", false, &findings);
		assert_int_equal(findings.problem_count, 0);
		assert_int_equal(findings.warning_count, cases[i].warning != NULL);
		if (cases[i].warning)
		{
			assert_string_equal(findings.warnings[0].message, cases[i].warning);
			assert_string_equal(findings.warnings[0].hint, cases[i].hint);
		}
		pgbackrest_file_done(&file);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_questions),
		cmocka_unit_test(test_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
