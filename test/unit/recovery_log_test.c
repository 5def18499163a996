// links: sidecar/postgres/recovery_log sidecar/postgres/postmaster_opts sidecar/postgres/control_data sidecar/postgres/fence
/*
 * recovery_log_test.c
 *		What a server in recovery prints, its history files, its saved command line, and what
 *		pg_controldata says of it.
 */
#include "sidecar/postgres/control_data.h"
#include "sidecar/postgres/postmaster_opts.h"
#include "sidecar/postgres/recovery_log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))
#define MB			  (INT64_C(1024) * 1024)

static void
read_lines(RecoveryLog *log, const char *const *lines, size_t count)
{
	recovery_log_init(log);
	for (size_t i = 0; i < count; i++)
		recovery_log_line(log, lines[i], 16 * MB);
}

static void
test_success(void **state)
{
	static const char *const lines[] = {
		"LOG:  starting point-in-time recovery to XID 731",
		"LOG:  restored log file \"00000002.history\" from archive",
		"LOG:  restored log file \"0000000200000000000000FE\" from archive",
		"LOG:  restored log file \"000000020000000100000001\" from archive",
		"FATAL:  the database system is not accepting connections",
		"DETAIL:  Hot standby mode is disabled.",
		"LOG:  recovery stopping after commit of transaction 731, time 2026-11-24 12:03:02.5+00",
		"LOG:  last completed transaction was at log time 2026-11-24 12:03:02.515933+00",
		"LOG:  recovering prepared transaction 730 from shared memory",
		"LOG:  database system is ready to accept connections",
	};
	RecoveryLog log;

	(void) state;
	read_lines(&log, lines, LENGTH(lines) - 1);
	assert_false(log.ready);
	assert_true(log.begun);
	read_lines(&log, lines, LENGTH(lines));
	assert_true(log.ready);
	assert_int_equal(log.prepared, 1);
	recovery_log_line(&log, "LOG:  starting PostgreSQL 15.20 on x86_64", 16 * MB);
	assert_int_equal(log.prepared, 0);
	assert_int_equal(log.timeline, 2);
	assert_int_equal(log.segments, 2);
	assert_int_equal(log.first_segment, 0xFE);
	assert_int_equal(log.last_segment, 0x101);
	assert_string_equal(log.fatal, "");
	assert_string_equal(log.last_xid, "731");
	assert_string_equal(log.last_xact_time, "2026-11-24 12:03:02.515933+00");
	assert_int_equal(strncmp(log.stop, "recovery stopping after", 23), 0);
}

/* The digits of a segment's name are hexadecimal. */
static void
test_timelines(void **state)
{
	static const struct
	{
		const char *line;
		uint32_t timeline;
		uint64_t segment;
	} rows[] = {
		{"LOG:  restored log file \"000000100000000000000010\" from archive", 0x10, 0x10},
		{"LOG:  restored log file \"0000001A00000000000000AB\" from archive", 0x1A, 0xAB},
		{"LOG:  restored log file \"FFFFFFFF0000000100000000\" from archive", 0xFFFFFFFF, 0x100},
	};

	(void) state;
	for (size_t i = 0; i < LENGTH(rows); i++)
	{
		RecoveryLog log;

		read_lines(&log, &rows[i].line, 1);
		assert_int_equal(log.timeline, rows[i].timeline);
		assert_int_equal(log.first_segment, rows[i].segment);
		assert_int_equal(log.last_segment, rows[i].segment);
		assert_int_equal(log.segments, 1);
	}
}

static void
test_failures(void **state)
{
	static const struct
	{
		const char *lines[3];
		const char *fatal;
		const char *detail;
		const char *hint; /* how it begins */
	} rows[] = {
		{{"FATAL:  recovery ended before configured recovery target was reached"},
		 "recovery ended before configured recovery target was reached",
		 "",
		 "The archived WAL ends before"},
		{{"FATAL:  requested recovery stop point is before consistent recovery point"},
		 "requested recovery stop point is before consistent recovery point",
		 "",
		 "The backup ended after"},
		{{"pgbackrest_sidecar: could not get \"X\" from the archive: no route",
		  "pgbackrest_sidecar: could not get \"X\" from the archive: it was tried",
		  "FATAL:  could not restore file \"X\" from archive: child process exited with exit code "
		  "255"},
		 "could not restore file \"X\" from archive: child process exited with exit code 255",
		 "",
		 "The repository could not be read"},
		{{"PANIC:  could not write to file \"pg_wal/xlogtemp.1\": No space left on device"},
		 "could not write to file \"pg_wal/xlogtemp.1\": No space left on device",
		 "",
		 "Make room"},
		{{"FATAL:  something else", "DETAIL:  More of it."}, "something else", "More of it.", ""},
		{{"PANIC:  ", "DETAIL:  of nothing"}, "", "", ""},
		{{"FATAL:  something else", "FATAL:  the database system is starting up",
		  "DETAIL:  of the second"},
		 "something else",
		 "",
		 ""},
		{{"LOG:  startup process (PID 9) was terminated by signal 9: Killed",
		  "DETAIL:  not of a fatal error"},
		 "startup process (PID 9) was terminated by signal 9: Killed",
		 "",
		 "Ask for the step again"},
	};

	(void) state;
	for (size_t i = 0; i < LENGTH(rows); i++)
	{
		RecoveryLog log;
		size_t count = 0;

		while (count < 3 && rows[i].lines[count])
			count++;
		read_lines(&log, rows[i].lines, count);
		assert_string_equal(log.fatal, rows[i].fatal);
		assert_string_equal(log.detail, rows[i].detail);
		assert_int_equal(strncmp(recovery_log_hint(&log), rows[i].hint, strlen(rows[i].hint)), 0);
		assert_true(rows[i].hint[0] || recovery_log_hint(&log)[0] == '\0');
		if (strstr(rows[i].fatal, "restore file"))
			assert_string_equal(log.archive, "\"X\" from the archive: no route");
	}
}

/* More lines than are kept, and lines of any length. */
static void
test_tail(void **state)
{
	char line[2000];
	RecoveryLog log;

	(void) state;
	recovery_log_init(&log);
	for (int i = 0; i < 100; i++)
	{
		memset(line, 'a' + i % 26, sizeof(line));
		line[(size_t) i * 19] = '\0';
		recovery_log_line(&log, line, 16 * MB);
	}
	assert_int_equal(log.tail_count, 100);
	for (int i = 0; i < RECOVERY_LOG_TAIL; i++)
		assert_int_equal(strlen(log.tail[i]), sizeof(log.tail[0]) - 1);
	recovery_log_line(&log, "LOG:  restored log file \"nonsense\" from archive", 16 * MB);
	recovery_log_line(&log, "LOG:  restored log file \"000000020000000000000001", 0);
	assert_int_equal(log.segments, 0);
}

static void
test_history(void **state)
{
	static const struct
	{
		const char *text;
		uint32_t timeline;
		const char *lsn;
		const char *reason;
	} rows[] = {
		{"1\t0/30027D0\tat restore point \"pgbr_undo_r1\"\n", 1, "0/30027D0",
		 "at restore point \"pgbr_undo_r1\""},
		{"1\t0/5000000\tno recovery target specified\n\n2\t0/6000098\tafter LSN 0/6000060\n", 2,
		 "0/6000098", "after LSN 0/6000060"},
		{"# a comment\n1\t0/5000000\tbefore 2026-11-24 12:04:03.627235+00\n", 1, "0/5000000",
		 "before 2026-11-24 12:04:03.627235+00"},
		{"7\tAB/5000000\t\n", 7, "AB/5000000", ""},
		{"7\tAB/5000000", 7, "AB/5000000", ""},
	};
	RecoveryHistory history;

	(void) state;
	for (size_t i = 0; i < LENGTH(rows); i++)
	{
		assert_true(recovery_history_read(rows[i].text, &history));
		assert_int_equal(history.timeline, rows[i].timeline);
		assert_string_equal(history.lsn, rows[i].lsn);
		assert_string_equal(history.reason, rows[i].reason);
	}
	assert_false(recovery_history_read("", &history));
	assert_false(recovery_history_read("nothing\n", &history));
	assert_false(recovery_history_read("1\t5000000\tno LSN\n", &history));
}

/* As PostgreSQL writes them, and what is true. NULL: it is true already. */
static void
test_mend(void **state)
{
#define ONE	  "1\t0/5000000\tno recovery target specified\n"
#define TWO	  "\n2\t0/6000000\tafter LSN 0/6000000\n"
#define THREE "\n3\t0/7000000\tno recovery target specified\n"
	static const struct
	{
		const char *text;
		const char *mended;
	} rows[] = {
		{ONE, NULL},
		{ONE TWO THREE "\n4\t0/7000000\tat restore point \"here\"\n", NULL},
		{ONE TWO THREE "\n4\t1/6000001\tafter LSN 1/6000001\n", NULL},
		{ONE TWO THREE "\n4\t0/6FFFFFF\tbefore 2026-11-28 03:39:52.168223+00\n",
		 ONE TWO "\n3\t0/6FFFFFF\tbefore 2026-11-28 03:39:52.168223+00\n"},
		{ONE TWO THREE "\n4\t0/5000001\treached consistency\n",
		 ONE "\n2\t0/5000001\treached consistency\n"},
		{ONE TWO THREE "\n4\t0/4FFFFFF\tafter transaction 7\n",
		 "1\t0/4FFFFFF\tafter transaction 7\n"},
		{ONE TWO THREE "\n4\t0/5000000\tafter transaction 7",
		 ONE "\n2\t0/5000000\tafter transaction 7\n"},
		{"# a comment\n" ONE "2\t0/4FFFFFF\t", "# a comment\n1\t0/4FFFFFF\t\n"},
		{"", NULL},
		{"nothing\n", NULL},
	};

	(void) state;
	for (size_t i = 0; i < LENGTH(rows); i++)
	{
		StrBuf mended;
		StrBuf again;

		strbuf_init(&mended);
		strbuf_init(&again);
		assert_int_equal(recovery_history_mend(rows[i].text, &mended), rows[i].mended != NULL);
		assert_string_equal(mended.data, rows[i].mended ? rows[i].mended : "");
		assert_false(recovery_history_mend(mended.data, &again));
		strbuf_done(&mended);
		strbuf_done(&again);
	}
}

static void
test_opts(void **state)
{
	static const struct
	{
		const char *text;
		const char *program; /* NULL: refused */
		int count;
		const char *last;
	} rows[] = {
		{"/bin/postgres \"-D\" \"/data\" \"--config_file=/data/postgresql.conf\" "
		 "\"--cluster_name=my cluster\" \"--max_connections=100\"\n",
		 "/bin/postgres", 3, "--max_connections=100"},
		{"/bin/postgres \"-D/data\" \"-c\" \"x=a \\\" b\"\n", "/bin/postgres", 2, "x=a \\\" b"},
		{"/bin/postgres \"-c\" \"port=1\" \"-D\" \"/a b\"", "/bin/postgres", 2, "port=1"},
		{"/bin/postgres\n", "/bin/postgres", 0, ""},
		{"/bin/postgres \"-c\" \"\"\n", "/bin/postgres", 2, ""},
		{"", NULL, 0, ""},
		{"postgres \"-D\" \"/data\"\n", NULL, 0, ""},
		{"/bin/postgres \"-D\" \"/data\n", NULL, 0, ""},
		{"/bin/postgres \"", NULL, 0, ""},
		{"/bin/rv\" \"-D/0\"\n", NULL, 0, ""},
	};

	(void) state;
	for (size_t i = 0; i < LENGTH(rows); i++)
	{
		PostmasterOpts opts;
		bool ok = postmaster_opts_read(rows[i].text, &opts);

		assert_int_equal(ok, rows[i].program != NULL);
		if (!ok)
			continue;
		assert_string_equal(opts.program, rows[i].program);
		assert_int_equal(opts.count, rows[i].count);
		assert_string_equal(opts.count ? opts.argv[opts.count - 1] : "", rows[i].last);
		postmaster_opts_done(&opts);
	}
}

static void
test_opts_too_many(void **state)
{
	char text[8192] = "/bin/postgres";
	PostmasterOpts opts;

	(void) state;
	for (int i = 0; i <= POSTMASTER_OPTS_MOST; i++)
		strcat(text, " \"--a=b\"");
	assert_false(postmaster_opts_read(text, &opts));
}

static void
test_opts_number(void **state)
{
	static const char text[] =
		"/bin/postgres \"--max_connections=100\" \"-c\" \"max_wal_senders=7\" \"-cport=5\" "
		"\"--max_connections=40\" \"--max_connections_of_ours=9\" \"--x=max_locks=8\"\n";
	PostmasterOpts opts;

	(void) state;
	assert_true(postmaster_opts_read(text, &opts));
	assert_int_equal(postmaster_opts_number(&opts, "max_connections"), 40);
	assert_int_equal(postmaster_opts_number(&opts, "max_wal_senders"), 7);
	assert_int_equal(postmaster_opts_number(&opts, "port"), 5);
	assert_int_equal(postmaster_opts_number(&opts, "max_locks"), 0);
	postmaster_opts_done(&opts);
}

static const char control_text[] =
	"pg_control version number:            1300\n"
	"Database system identifier:           7711707147886023570\n"
	"Database cluster state:               shut down in recovery\n"
	"Latest checkpoint location:           0/5000028\n"
	"Latest checkpoint's REDO location:    0/5000020\n"
	"Latest checkpoint's TimeLineID:       3\n"
	"Latest checkpoint's NextXID:          0:728\n"
	"Time of latest checkpoint:            Tue Nov 24 12:03:02 2026\n"
	"Minimum recovery ending location:     0/0\n"
	"max_connections setting:              100\n"
	"max_worker_processes setting:         8\n"
	"max_wal_senders setting:              10\n"
	"max_prepared_xacts setting:           0\n"
	"max_locks_per_xact setting:           64\n"
	"Bytes per WAL segment:                16777216\n";

static void
test_control(void **state)
{
	ControlData control;
	char cut[sizeof(control_text)];

	(void) state;
	assert_true(control_data_parse(control_text, &control));
	assert_string_equal(control.state, "shut down in recovery");
	assert_true(control_data_is_clean(&control));
	assert_string_equal(control.redo_lsn, "0/5000020");
	assert_string_equal(control.next_xid, "0:728");
	assert_int_equal(control.timeline, 3);
	assert_int_equal(control.wal_segment_size, 16 * MB);
	strcpy(cut, control_text);
	*strstr(cut, "Bytes per") = '\0';
	assert_false(control_data_parse(cut, &control));
	strcpy(control.state, "in production");
	assert_false(control_data_is_clean(&control));
}

/* Each of the five by itself. */
static void
test_needs_more(void **state)
{
	ControlData before;
	ControlData control;
	int *settings[] = {&control.max_connections, &control.max_worker_processes,
					   &control.max_wal_senders, &control.max_prepared_transactions,
					   &control.max_locks_per_transaction};

	(void) state;
	assert_true(control_data_parse(control_text, &before));
	control = before;
	assert_false(control_data_needs_more(&control, &before));
	for (size_t i = 0; i < LENGTH(settings); i++)
	{
		control = before;
		*settings[i] += 1;
		assert_true(control_data_needs_more(&control, &before));
		*settings[i] -= 2;
		assert_false(control_data_needs_more(&control, &before));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_success),		  cmocka_unit_test(test_failures),
		cmocka_unit_test(test_tail),		  cmocka_unit_test(test_history),
		cmocka_unit_test(test_mend),		  cmocka_unit_test(test_opts),
		cmocka_unit_test(test_opts_too_many), cmocka_unit_test(test_opts_number),
		cmocka_unit_test(test_needs_more),	  cmocka_unit_test(test_control),
		cmocka_unit_test(test_timelines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
