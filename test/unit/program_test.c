// links:
/*
 * program_test.c
 *		What both programs stand on: options, moments, JSON, files, other programs, error texts.
 */
#include "common/secret_file.h"
#include "common/strbuf.h"
#include "program/clock.h"
#include "program/file.h"
#include "program/json.h"
#include "program/options.h"
#include "program/process.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

typedef struct Target
{
	const char *text;
	int count;
	bool flag;
	OptionList list;
} Target;

static bool
parse(Target *target, int argc, const char *const *words, int *operands, PgbrError *error)
{
	char *argv[16];
	const OptionSpec specs[] = {
		{"text", 't', OPTION_TEXT, &target->text, "TEXT", "PROGRAM_TEST_TEXT", 0, 0, "", false},
		{"count", 0, OPTION_COUNT, &target->count, "N", "PROGRAM_TEST_COUNT", 1, 10, "", false},
		{"flag", 'f', OPTION_FLAG, &target->flag, NULL, "PROGRAM_TEST_FLAG", 0, 0, "", false},
		{"list", 0, OPTION_TEXT, &target->list, "TEXT", NULL, 0, 0, "", true},
		{0},
	};

	*target = (Target){.text = "default"};
	for (int i = 0; i < argc; i++)
		argv[i] = (char *) words[i];
	argv[argc] = NULL;
	return options_parse(specs, argc, argv, operands, error);
}

#define PARSE(...)                                                                      \
	parse(&target, (int) (sizeof((const char *[]){"p", __VA_ARGS__}) / sizeof(char *)), \
		  (const char *[]){"p", __VA_ARGS__}, &operands, &error)

static void
test_options(void **state)
{
	Target target;
	int operands;
	PgbrError error;

	(void) state;
	assert_true(
		PARSE("--text=a=b", "x", "--count", "10", "-f", "--list=1", "--list", "2", "--", "-y"));
	assert_string_equal(target.text, "a=b");
	assert_int_equal(target.count, 10);
	assert_true(target.flag);
	assert_int_equal(target.list.count, 2);
	assert_int_equal(operands, 2);
	assert_false(PARSE("--count=11"));
	assert_false(PARSE("--count=1x"));
	assert_false(PARSE("--count="));
	assert_false(PARSE("--flag=1"));
	assert_false(PARSE("--text"));
	assert_false(PARSE("--tex=1"));
	assert_string_equal(error.message, "unrecognized option \"--tex\"");
	assert_false(PARSE("--text=1", "-t", "2"));
	setenv("PROGRAM_TEST_TEXT", "env", 1);
	setenv("PROGRAM_TEST_FLAG", "on", 1);
	assert_true(PARSE("x"));
	assert_string_equal(target.text, "env");
	assert_true(target.flag);
	assert_true(PARSE("-targv"));
	assert_string_equal(target.text, "argv");
	setenv("PROGRAM_TEST_COUNT", "many", 1);
	assert_false(PARSE("x"));
	unsetenv("PROGRAM_TEST_TEXT");
	unsetenv("PROGRAM_TEST_FLAG");
	unsetenv("PROGRAM_TEST_COUNT");
}

static void
test_clock(void **state)
{
	static const char *const wrong[] = {"",
										"2026-11-22",
										"2026-11-22T10:00:00",
										"2026-11-22 10:00:00 EST",
										"2026-02-30T10:00:00Z",
										"2026-11-22T24:00:00Z",
										"2026-11-22T10:60:00Z",
										"2026-11-22T10:00:00Zx",
										"26-11-22T10:00:00Z",
										"2026-11-22T10:00:00+25",
										"2026-11-22T10:00:00+01:60",
										"2026-11-22T10:00:00.Z",
										"2026-11-22T10:00:00+1",
										"1026-11-24T11:41:32.123Z",
										"1970-01-01T00:00:00+01",
										"9999-12-31T23:59:59-01",
										"now"};
	char text[CLOCK_TEXT_SIZE];
	int64_t ms;

	(void) state;
	assert_true(clock_parse("2026-11-22T17:45:32.123Z", &ms));
	assert_int_equal(ms, 1795369532123);
	clock_format(ms, text);
	assert_string_equal(text, "2026-11-22T17:45:32.123Z");
	assert_true(clock_parse("2026-11-22 18:45:32+01", &ms));
	assert_int_equal(ms, 1795369532000);
	assert_true(clock_parse("2026-11-22T12:15:32-05:30", &ms));
	assert_int_equal(ms, 1795369532000);
	assert_true(clock_parse("2024-02-29T00:00:00z", &ms));
	/* as Go writes it */
	assert_true(clock_parse("2026-11-22T17:45:32.123987654Z", &ms));
	assert_int_equal(ms, 1795369532123);
	/* what a repository may say */
	clock_format(-1, text);
	assert_string_equal(text, "1970-01-01T00:00:00.000Z");
	clock_format(INT64_MAX, text);
	assert_string_equal(text, "9999-12-31T23:59:59.999Z");
	clock_format_seconds(INT64_MAX, text);
	assert_string_equal(text, "9999-12-31T23:59:59.999Z");
	clock_format_seconds(INT64_MIN, text);
	assert_string_equal(text, "1970-01-01T00:00:00.000Z");
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
	{
		if (clock_parse(wrong[i], &ms))
			fail_msg("\"%s\" was taken", wrong[i]);
	}
}

static void
test_error_text(void **state)
{
	PgbrError error;
	char small[6];

	(void) state;
	assert_false(pgbr_error_set(&error, PGBR_ERROR_CONFLICT, "%2000s\xc3\xa4", "x"));
	assert_int_equal(strlen(error.message), sizeof(error.message) - 1);
	/* a character is never cut in two */
	pgbr_copy_text(small, sizeof(small), "abcd\xc3\xa4");
	assert_string_equal(small, "abcd");
	pgbr_copy_text(small, sizeof(small), "abc\xc3\xa4");
	assert_string_equal(small, "abc\xc3\xa4");
	assert_int_equal(pgbr_error_code_parse(pgbr_error_code_name(PGBR_ERROR_STORAGE)),
					 PGBR_ERROR_STORAGE);
	assert_int_equal(pgbr_error_code_parse("?"), PGBR_ERROR_INTERNAL);
	assert_int_equal(pgbr_error_http_status(PGBR_ERROR_UNREACHABLE), 500);
}

static void
test_strbuf(void **state)
{
	StrBuf buf;
	char *taken;

	(void) state;
	strbuf_init(&buf);
	strbuf_put_url(&buf, "a b/\xc3\xa4?%");
	assert_string_equal(buf.data, "a%20b%2F%C3%A4%3F%25");
	strbuf_clear(&buf);
	for (int i = 0; i < 1000; i++)
		strbuf_printf(&buf, "%d,", i);
	assert_int_equal(buf.length, 3890);
	taken = strbuf_take(&buf);
	assert_int_equal(strlen(taken), 3890);
	free(taken);
	taken = strbuf_take(&buf);
	assert_string_equal(taken, "");
	free(taken);
	strbuf_keep_line(&buf);
	strbuf_puts(&buf, "a\nb\n");
	strbuf_keep_line(&buf);
	strbuf_putc(&buf, 'c');
	assert_string_equal(buf.data, "ac");
	strbuf_done(&buf);
}

static void
test_json_refused(void **state)
{
	static const char *const wrong[] = {"",
										"{",
										"{\"a\":1,\"a\":2}",
										"[\"\\u0000\"]",
										"[\"\xff\"]",
										"[1e999]",
										"[99999999999999999999]",
										"{}x",
										"[\"\\ud800\"]"};

	(void) state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
	{
		PgbrError error = PGBR_ERROR_INIT;

		assert_null(json_parse(wrong[i], strlen(wrong[i]), &error));
		assert_int_equal(error.code, PGBR_ERROR_BAD_REQUEST);
	}
}

static void
test_secret_file(void **state)
{
	char path[] = "/tmp/program_test.XXXXXX";
	PgbrError error;
	StrBuf content;
	int fd = mkstemp(path);

	(void) state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "12345", 5), 5);
	close(fd);
	assert_true(pgbr_secret_file_check(path, &error));
	chmod(path, 0644);
	assert_false(pgbr_secret_file_check(path, &error));
	strbuf_init(&content);
	assert_true(file_read(path, 5, &content, &error));
	assert_string_equal(content.data, "12345");
	assert_false(file_read(path, 9, &content, &error));
	assert_int_equal(error.code, PGBR_ERROR_TOO_LARGE);
	strbuf_done(&content);
	unlink(path);
	assert_false(pgbr_secret_file_check(path, &error));
	/* what would wait for ever, or never end */
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_false(file_read(path, 5, &content, &error));
	assert_non_null(strstr(error.message, "is not a regular file"));
	assert_false(pgbr_secret_file_check(path, &error));
	assert_non_null(strstr(error.message, "is not a regular file"));
	unlink(path);
	assert_false(file_read("/dev/zero", 5, &content, &error));
	assert_int_equal(error.code, PGBR_ERROR_CONFIG);
}

static bool
run(const char *script, int timeout_ms, size_t max, ProcessOutput *output, PgbrError *error)
{
	const char *const argv[] = {"sh", "-c", script, NULL};

	process_output_init(output);
	return process_run(argv, "test:x", timeout_ms, max, -1, output, error);
}

static void
test_process(void **state)
{
	const char *const missing[] = {"/nonexistent/program", NULL};
	ProcessOutput output;
	Process process;
	PgbrError error;

	(void) state;
	assert_true(run("echo out; echo err >&2; cat; exit 7", 10000, 100, &output, &error));
	assert_string_equal(output.out.data, "out\n");
	assert_string_equal(output.err.data, "err\n");
	assert_int_equal(WEXITSTATUS(output.status), 7);
	process_output_done(&output);
	assert_true(run("printf %s \"$" PROCESS_MARK "\"", 10000, 100, &output, &error));
	assert_string_equal(output.out.data, "test:x");
	process_output_done(&output);
	/* a child that ignores SIGTERM, and its own child */
	assert_false(run("trap '' TERM; sleep 300 & sleep 300", 200, 100, &output, &error));
	assert_int_equal(error.code, PGBR_ERROR_TIMEOUT);
	process_output_done(&output);
	assert_false(run("while :; do echo 1234567890; done", 10000, 1000, &output, &error));
	assert_int_equal(error.code, PGBR_ERROR_TOO_LARGE);
	process_output_done(&output);
	assert_false(process_start(&process, missing, NULL, true, &error));
	assert_int_equal(error.code, PGBR_ERROR_CONFIG);
}

static void
test_process_mark(void **state)
{
	const char *const argv[] = {"sh", "-c", "trap '' TERM; sleep 300 & echo up; wait", NULL};
	char mark[64];
	char line[8];
	Process process;
	PgbrError error;
	int status;

	(void) state;
	snprintf(mark, sizeof(mark), "program_test.%d:1", (int) getpid());
	assert_true(process_start(&process, argv, mark, true, &error));
	assert_int_equal(poll(&(struct pollfd){process.out, POLLIN, 0}, 1, 10000), 1);
	assert_int_equal(read(process.out, line, sizeof(line)), 3);
	snprintf(mark, sizeof(mark), "program_test.%d:", (int) getpid());
	/* the shell and what it started */
	assert_int_equal(process_end_marked(mark, 100), 2);
	status = process_end(&process, 1000);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(process_end_marked(mark, 100), 0);
}

/* It lets others go first; we don't. */
static void
test_process_yield(void **state)
{
	const char *const argv[] = {"sleep", "300", NULL};
	int own = getpriority(PRIO_PROCESS, 0);
	Process process;
	PgbrError error;
	int status;

	(void) state;
	assert_true(process_start(&process, argv, NULL, true, &error));
	assert_int_equal(getpriority(PRIO_PROCESS, (id_t) process.pid), own);
	process_yield(&process);
	assert_true(getpriority(PRIO_PROCESS, (id_t) process.pid) > own);
	assert_int_equal(getpriority(PRIO_PROCESS, 0), own);
	process_signal(&process, SIGTERM);
	status = process_end(&process, 1000);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_options),		  cmocka_unit_test(test_clock),
		cmocka_unit_test(test_error_text),	  cmocka_unit_test(test_strbuf),
		cmocka_unit_test(test_json_refused),  cmocka_unit_test(test_secret_file),
		cmocka_unit_test(test_process),		  cmocka_unit_test(test_process_mark),
		cmocka_unit_test(test_process_yield),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
