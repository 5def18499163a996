// links: ctl/client/progress ctl/client/job_view ctl/print/fields ctl/print/table ctl/print/text ctl/print/units
/*
 * progress_test.c
 *		A job as the sidecar tells it, and the lines that show how far it has come.
 */
#include "ctl/client/progress.h"
#include "ctl/print/text.h"
#include "program/json.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* Note a job that is described by these members, seen at a time. */
static bool
note(Progress *progress, double now, const char *format, ...) __attribute__((format(printf, 3, 4)));

static bool
note(Progress *progress, double now, const char *format, ...)
{
	char text[512];
	va_list arguments;
	json_t *document;
	PgbrError error;
	JobView job;
	bool changed;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	document = json_parse(text, strlen(text), &error);
	assert_non_null(document);
	json_object_set_new(document, "id", json_string("J1"));
	json_object_set_new(document, "kind", json_string("backup"));
	assert_true(job_view_read(document, &job, &error));
	changed = progress_note(progress, &job, now);
	json_decref(document);
	return changed;
}

#define RUNNING(percent)                                                                  \
	"{\"state\":\"running\",\"progress\":{\"phase\":\"copying\",\"percent\":" percent "," \
	"\"bytes_done\":1048576,\"bytes_total\":4194304}}"
#define QUEUED "{\"state\":\"queued\",\"progress\":null}"

static void
expect_bar(const Progress *progress, int columns, const char *wanted)
{
	StrBuf line;

	strbuf_init(&line);
	progress_put_bar(progress, columns, &line);
	assert_string_equal(line.data, wanted);
	strbuf_done(&line);
}

static void
test_changes(void **state)
{
	Progress progress = {0};

	(void) state;
	assert_true(note(&progress, 100, QUEUED));
	assert_false(note(&progress, 101, QUEUED));
	assert_true(
		note(&progress, 102, "{\"state\":\"running\",\"progress\":{\"phase\":\"starting\"}}"));
	assert_true(note(&progress, 103, RUNNING("0")));
	assert_false(note(&progress, 104, RUNNING("9.99")));
	assert_true(note(&progress, 105, RUNNING("10")));
	assert_false(note(&progress, 106, RUNNING("19")));
	assert_true(note(&progress, 107, RUNNING("100")));
	assert_true(note(&progress, 108, "{\"state\":\"succeeded\"}"));
}

static void
test_estimate(void **state)
{
	Progress progress = {0};

	(void) state;
	note(&progress, 100, QUEUED);
	assert_true(progress_seconds_left(&progress) < 0);
	note(&progress, 110, RUNNING("10"));
	assert_true(progress_seconds_left(&progress) < 0);
	note(&progress, 111, RUNNING("20"));
	assert_true(progress_seconds_left(&progress) < 0); /* too early to tell */
	note(&progress, 114, RUNNING("20"));
	assert_float_equal(progress_seconds_left(&progress), 32, 0.001);
	note(&progress, 120, RUNNING("100"));
	assert_float_equal(progress_seconds_left(&progress), 0, 0.001);
	/* what goes back is measured anew */
	note(&progress, 130, RUNNING("0"));
	assert_true(progress_seconds_left(&progress) < 0);
}

static void
test_bar(void **state)
{
	Progress progress = {0};

	(void) state;
	note(&progress, 100, RUNNING("0"));
	note(&progress, 110, RUNNING("25"));
	expect_bar(&progress, 200,
			   "copying   25%  [############....................................]  "
			   "1MB of 4MB  0:10 elapsed  0:30 left");
	expect_bar(&progress, 80,
			   "copying   25%  [####............]  1MB of 4MB  0:10 elapsed  0:30 left");
	expect_bar(&progress, 60, "copying   25%  [##........]  0:10 elapsed  0:30 left");
	expect_bar(&progress, 50, "copying   25%  [##........]  0:30 left");
	expect_bar(&progress, 30, "copying   25%  [##........]");
	expect_bar(&progress, 20, "copying   25%");
	expect_bar(&progress, 8, "copying");
	expect_bar(&progress, 4, "copy");
	expect_bar(&progress, 0, "");
	note(&progress, 120, RUNNING("100"));
	expect_bar(&progress, 79,
			   "copying  100%  [###############]  1MB of 4MB  0:20 elapsed  0:00 left");
}

/* Nothing is drawn beyond the width, whatever the width and the job. */
static void
test_bar_width(void **state)
{
	static const char *const jobs[] = {
		QUEUED,
		"{\"state\":\"queued\",\"covered_by\":\"20261122T154107\"}",
		"{\"state\":\"running\",\"progress\":{\"phase\":\"漢字漢字\",\"bytes_done\":5}}",
		RUNNING("0"),
		RUNNING("3.7"),
		RUNNING("100"),
		RUNNING("1e300"),
		RUNNING("-5"),
	};

	(void) state;
	for (size_t i = 0; i < sizeof(jobs) / sizeof(jobs[0]); i++)
	{
		Progress progress = {0};

		note(&progress, 1, RUNNING("0"));
		note(&progress, 400000, "%s", jobs[i]);
		for (int columns = 0; columns < 200; columns++)
		{
			StrBuf line;

			strbuf_init(&line);
			progress_put_bar(&progress, columns, &line);
			assert_true(text_width(line.data) <= columns);
			strbuf_done(&line);
		}
	}
}

static void
test_words(void **state)
{
	Progress progress = {0};
	StrBuf words;

	(void) state;
	strbuf_init(&words);
	note(&progress, 100, "{\"state\":\"queued\",\"covered_by\":\"20261122T154107\"}");
	progress_put_words(&progress, &words);
	assert_string_equal(words.data, "queued, coalesced into 20261122T154107, 0:00 elapsed");
	strbuf_clear(&words);
	note(&progress, 165, RUNNING("33.3"));
	progress_put_words(&progress, &words);
	assert_string_equal(words.data, "copying, 33%, 1MB of 4MB, 1:05 elapsed");
	strbuf_done(&words);
}

static void
test_job_view(void **state)
{
	static const char *const refused[] = {
		"{}",
		"{\"id\":\"../x\",\"kind\":\"backup\",\"state\":\"queued\"}",
		"{\"id\":1,\"kind\":\"backup\",\"state\":\"queued\"}",
		"{\"id\":\"a\",\"state\":\"queued\"}",
		"{\"id\":\"a\",\"kind\":\"b\\u001b[m\",\"state\":\"queued\"}",
		"{\"id\":\"a\",\"kind\":\"backup\",\"state\":\"asleep\"}",
		"{\"id\":\"a\",\"kind\":\"backup\",\"state\":null}",
	};
	static const char whole[] =
		"{\"id\":\"20261122T154107\",\"kind\":\"backup\",\"type\":\"full\",\"state\":\"failed\","
		"\"started_at\":\"2026-11-22T15:41:07.250Z\",\"finished_at\":\"2026-11-22T15:41:37.750Z\","
		"\"progress\":{\"phase\":\"bad\\u009bphase\",\"percent\":250},\"exit_code\":50}";
	char name[64];
	PgbrError error;
	JobView job;
	json_t *document;

	(void) state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
	{
		document = json_parse(refused[i], strlen(refused[i]), &error);
		assert_non_null(document);
		assert_false(job_view_read(document, &job, &error));
		assert_int_equal(error.code, PGBR_ERROR_PROTOCOL);
		json_decref(document);
	}
	document = json_parse(whole, strlen(whole), &error);
	assert_true(job_view_read(document, &job, &error));
	assert_string_equal(job_view_name(&job, name, sizeof(name)), "full backup 20261122T154107");
	assert_int_equal(job_view_duration(&job, 0), 30);
	assert_null(job.phase);
	assert_float_equal(job.percent, 100, 0.001);
	assert_int_equal(job.exit_code, 50);
	assert_int_equal(job.bytes_done, -1);
	json_decref(document);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_changes), cmocka_unit_test(test_estimate),
		cmocka_unit_test(test_bar),		cmocka_unit_test(test_bar_width),
		cmocka_unit_test(test_words),	cmocka_unit_test(test_job_view),
	};

	setlocale(LC_CTYPE, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
