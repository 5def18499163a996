// links: sidecar/restore/step_arguments sidecar/restore/restore_command sidecar/pgbackrest/command_line sidecar/pgbackrest/pgbackrest sidecar/pgbackrest/pgbackrest_error
/*
 * step_arguments_test.c
 *		What a step of a restore takes, what it does not, and the command lines made of it: nothing
 *		gets onto a command line or into a configuration file that is outside of its grammar.
 */
#include "sidecar/pgbackrest/command_line.h"
#include "sidecar/restore/step_arguments.h"
#include "sidecar/pgbackrest/pgbackrest.h"
#include "sidecar/restore/restore_command.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))
#define SET			  "20241023-141104F"

static bool
reads(const char *kind, const char *text, StepArguments *arguments, PgbrError *error)
{
	json_t *json = json_loads(text, JSON_ALLOW_NUL, NULL);
	PgbrJobKind step;
	bool ok;

	*error = (PgbrError) PGBR_ERROR_INIT;
	assert_non_null(json);
	assert_true(pgbr_job_kind_parse(kind, &step) && pgbr_job_kind_is_step(step));
	ok = step_arguments_read(step, json, arguments, error);
	json_decref(json);
	if (!ok)
		assert_int_equal(error->code, PGBR_ERROR_INVALID_VALUE);
	return ok;
}

static void
test_accepted(void **state)
{
	static const struct
	{
		const char *kind;
		const char *arguments;
	} good[] = {
		{"node-mark", "{\"name\":\"pgbr_undo_20261124T120000-ab12\"}"},
		{"node-mark", "{\"name\":\"p\",\"archive_timeout\":1}"},
		{"node-stop", "{}"},
		{"node-stop", "{\"timeout\":null,\"fence\":true}"},
		{"node-archive", "{\"partial\":true}"},
		{"node-keep", "{}"},
		{"node-restore", "{\"set\":\"" SET "\",\"target_type\":\"default\"}"},
		{"node-restore", "{\"set\":\"" SET "_20241024-141104I\",\"target_type\":\"immediate\"}"},
		{"node-restore",
		 "{\"set\":\"" SET "\",\"target_type\":\"standby\",\"target\":null,"
		 "\"exclusive\":false,\"fence\":true,\"repo\":2,\"target_timeline\":4294967295}"},
		{"node-restore",
		 "{\"set\":\"" SET "\",\"target_type\":\"name\",\"target\":\"a b $(c) é\"}"},
		{"node-recover", "{}"},
		{"node-recover", "{\"fence\":true}"},
		{"node-unfence", "{}"},
		{"node-unfence", "{\"primary\":true}"},
		{"node-recover", "{\"target_timeline\":3,\"replay_bytes\":0}"},
	};
	StepArguments arguments;
	PgbrError error;

	(void) state;
	for (size_t i = 0; i < LENGTH(good); i++)
	{
		if (!reads(good[i].kind, good[i].arguments, &arguments, &error))
			fail_msg("%s %s: %s", good[i].kind, good[i].arguments, error.message);
	}
	assert_true(reads("node-stop", "{}", &arguments, &error));
	assert_int_equal(arguments.timeout, 60);
	assert_false(arguments.fence);
	assert_true(reads("node-stop", "{\"fence\":true}", &arguments, &error));
	assert_true(arguments.fence);
	assert_true(reads("node-mark", "{\"name\":\"p\"}", &arguments, &error));
	assert_int_equal(arguments.archive_timeout, 60);
}

/* Members that are missing, unknown, of another type or out of range. */
static void
test_refused(void **state)
{
	static const struct
	{
		const char *kind;
		const char *arguments;
	} bad[] = {
		{"node-mark", "{}"},
		{"node-mark", "{\"name\":null}"},
		{"node-mark", "{\"name\":7}"},
		{"node-mark", "{\"name\":\"p\",\"archive_timeout\":0}"},
		{"node-mark", "{\"name\":\"p\",\"archive_timeout\":86401}"},
		{"node-mark", "{\"name\":\"p\",\"archive_timeout\":1.5}"},
		{"node-mark", "{\"name\":\"p\",\"archive_timeout\":\"1\"}"},
		{"node-stop", "{\"timeout\":-1}"},
		{"node-stop", "{\"timeout\":9223372036854775807}"},
		{"node-stop", "{\"name\":\"p\"}"},
		{"node-stop", "[]"},
		{"node-stop", "{\"fence\":1}"},
		{"node-unfence", "{\"fence\":true}"},
		{"node-archive", "{\"partial\":1}"},
		{"node-archive", "{\"partial\":\"true\"}"},
		{"node-keep", "{\"path\":\"/\"}"},
		{"node-restore", "{}"},
		{"node-restore", "{\"set\":\"" SET "\"}"},
		{"node-restore", "{\"target_type\":\"default\"}"},
		{"node-restore", "{\"set\":\"\",\"target_type\":\"default\"}"},
		{"node-restore", "{\"set\":\"" SET "\",\"target_type\":\"\"}"},
		{"node-restore", "{\"set\":\"" SET "\",\"target_type\":\"preserve\"}"},
		{"node-restore", "{\"set\":\"" SET "\",\"target_type\":\"none\"}"},
		{"node-restore", "{\"set\":\"" SET "\",\"target_type\":\"default\",\"target\":\"x\"}"},
		{"node-restore", "{\"set\":\"" SET "\",\"target_type\":\"name\"}"},
		{"node-restore", "{\"set\":\"" SET "\",\"target_type\":\"default\",\"exclusive\":true}"},
		{"node-restore", "{\"set\":\"" SET "\",\"target_type\":\"default\",\"repo\":0}"},
		{"node-restore", "{\"set\":\"" SET "\",\"target_type\":\"default\",\"repo\":257}"},
		{"node-restore", "{\"set\":\"" SET "\",\"target_type\":\"default\",\"repo\":\"1\"}"},
		{"node-restore", "{\"set\":\"" SET "\",\"target_type\":\"default\",\"target_timeline\":0}"},
		{"node-restore",
		 "{\"set\":\"" SET "\",\"target_type\":\"default\",\"target_timeline\":4294967296}"},
		{"node-restore",
		 "{\"set\":\"" SET "\",\"target_type\":\"default\",\"target_timeline\":\"latest\"}"},
		{"node-restore", "{\"set\":\"" SET "\",\"target_type\":\"default\",\"stanza\":\"x\"}"},
		{"node-recover", "{\"replay_bytes\":-1}"},
		{"node-recover", "{\"target_timeline\":\"1\"}"},
	};
	StepArguments arguments;
	PgbrError error;

	(void) state;
	for (size_t i = 0; i < LENGTH(bad); i++)
	{
		if (reads(bad[i].kind, bad[i].arguments, &arguments, &error))
			fail_msg("%s takes %s", bad[i].kind, bad[i].arguments);
	}
}

/* Texts that are meant to become something else on a command line, in postgresql.auto.conf, in SQL
 * or in a path. Each is tried in every place that takes a text. */
static const char *const attempts[] = {
	"x' \\nrestore_command = 'touch /tmp/owned",
	"x\\nrestore_command = 'touch /tmp/owned'",
	"x\\r\\nrecovery_target_action=pause",
	"'; DROP TABLE t; --",
	"x'||pg_sleep(9)||'",
	"\\\"",
	"\\\\",
	"`id`",
	"x\\u0000y",
	"\\u0007",
	"\\u001b[2J",
	"\\u0085",
	" leading",
	"trailing ",
	"a very long name that no restore point can have, as it has far more than 63 bytes",
	"éééééééééééééééééééééééééééééééé",
};

/* These are names of restore points, harmless where no shell is, and nothing else. */
static const char *const odd_names[] = {
	"$(touch /tmp/owned)",
	"--delta --stanza=other",
	"-x",
	"../../../etc/passwd",
	"..",
	"%p",
	"a;b|c&d>e",
	"null",
	"\\uff07",
};

static void
try_everywhere(const char *attempt, bool is_name)
{
	static const char *const places[][2] = {
		{"node-mark", "{\"name\":\"%s\"}"},
		{"node-restore", "{\"set\":\"%s\",\"target_type\":\"default\"}"},
		{"node-restore", "{\"set\":\"" SET "%s\",\"target_type\":\"default\"}"},
		{"node-restore", "{\"set\":\"" SET "\",\"target_type\":\"%s\"}"},
		{"node-restore", "{\"set\":\"" SET "\",\"target_type\":\"time\",\"target\":\"%s\"}"},
		{"node-restore", "{\"set\":\"" SET "\",\"target_type\":\"time\",\"target\":"
						 "\"2024-10-23 14:11:04+00%s\"}"},
		{"node-restore", "{\"set\":\"" SET "\",\"target_type\":\"lsn\",\"target\":\"0/1%s\"}"},
		{"node-restore", "{\"set\":\"" SET "\",\"target_type\":\"xid\",\"target\":\"700%s\"}"},
	};
	static const char by_name[] =
		"{\"set\":\"" SET "\",\"target_type\":\"name\",\"target\":\"%s\"}";
	StepArguments arguments;
	PgbrError error;
	char text[1024];

	for (size_t i = 0; i < LENGTH(places); i++)
	{
		/* a point of ours may be called as a word is that pgbackrest does not know */
		if (i == 0 && strcmp(attempt, "null") == 0)
			continue;
		snprintf(text, sizeof(text), places[i][1], attempt);
		if (strcmp(attempt, "..") == 0 && i == 0)
			continue;
		if (reads(places[i][0], text, &arguments, &error))
			fail_msg("%s takes %s", places[i][0], text);
	}
	snprintf(text, sizeof(text), by_name, attempt);
	assert_int_equal(reads("node-restore", text, &arguments, &error), is_name);
}

static void
test_attempts(void **state)
{
	(void) state;
	for (size_t i = 0; i < LENGTH(attempts); i++)
		try_everywhere(attempts[i], false);
	for (size_t i = 0; i < LENGTH(odd_names); i++)
		try_everywhere(odd_names[i], true);
}

static const SidecarConfig config = {
	.stanza = "main",
	.pgbackrest = "pgbackrest",
	.pgbackrest_config = "/etc/it's 100%/pgbackrest.conf",
};

static void
is_command(Command *command, const char *expected)
{
	StrBuf line;

	assert_false(command->failed);
	strbuf_init(&line);
	for (int i = 0; i < command->count; i++)
		strbuf_printf(&line, "%s[%s]", i ? " " : "", command->argv[i]);
	assert_string_equal(line.data, expected);
	strbuf_done(&line);
	command_done(command);
}

#define HEAD                                                                                     \
	"[pgbackrest] [--config=/etc/it's 100%/pgbackrest.conf] [--stanza=main] [--pg1-path=/data] " \
	"[--log-level-stderr=off] "

/* what pgbackrest's files and environment set is taken back */
#define OVERRIDES                                                          \
	"[--reset-db-exclude] [--reset-db-include] [--archive-mode=preserve] " \
	"[--reset-recovery-option] "

static void
test_commands(void **state)
{
	static const struct
	{
		const char *arguments;
		const char *command;
	} rows[] = {
		{"{\"set\":\"" SET "\",\"target_type\":\"default\",\"target_timeline\":2}",
		 HEAD "[--log-level-console=detail] [--delta] [--set=" SET "] [--type=default] "
			  "[--target-timeline=2] " OVERRIDES "[restore]"},
		{"{\"set\":\"" SET "\",\"target_type\":\"standby\",\"repo\":3}",
		 HEAD "[--log-level-console=detail] [--repo=3] [--delta] [--set=" SET
			  "] [--type=standby] " OVERRIDES "[restore]"},
		{"{\"set\":\"" SET "\",\"target_type\":\"immediate\",\"target_timeline\":2}",
		 HEAD "[--log-level-console=detail] [--delta] [--set=" SET "] [--type=immediate] "
			  "[--target-action=promote] " OVERRIDES "[restore]"},
		{"{\"set\":\"" SET "\",\"target_type\":\"time\",\"target\":\"2024-10-23T14:11:04.5+02:00\","
		 "\"exclusive\":true}",
		 HEAD "[--log-level-console=detail] [--delta] [--set=" SET "] [--type=time] "
			  "[--target=2024-10-23 12:11:04.500000+00] [--target-exclusive] "
			  "[--target-action=promote] " OVERRIDES "[restore]"},
		{"{\"set\":\"" SET "\",\"target_type\":\"name\",\"target\":\"--delta $(x)\"}",
		 HEAD "[--log-level-console=detail] [--delta] [--set=" SET "] [--type=name] "
			  "[--target=--delta $(x)] [--target-action=promote] " OVERRIDES "[restore]"},
	};
	StepArguments arguments;
	PgbrError error;
	Command command;
	StrBuf setting;
	json_t *map;

	(void) state;
	for (size_t i = 0; i < LENGTH(rows); i++)
	{
		assert_true(reads("node-restore", rows[i].arguments, &arguments, &error));
		pgbackrest_restore_command(&config, arguments.repo, &arguments.target, "/data", NULL,
								   &command);
		assert_int_equal(command.yields, strstr(rows[i].command, "[--type=standby]") != NULL);
		is_command(&command, rows[i].command);
	}
	assert_true(reads("node-restore", "{\"set\":\"" SET "\",\"target_type\":\"standby\"}",
					  &arguments, &error));
	map = json_pack("{ss}", "16384", "/disk 2/x=y");
	pgbackrest_restore_command(&config, 0, &arguments.target, "/data", map, &command);
	json_decref(map);
	is_command(&command,
			   HEAD "[--log-level-console=detail] [--delta] [--set=" SET "] "
					"[--type=standby] " OVERRIDES "[--no-link-all] [--reset-link-map] "
					"[--reset-tablespace-map-all] [--tablespace-map=16384=/disk 2/x=y] [restore]");
	pgbackrest_push_command(&config, "/data", "000000010000000000000001", &command);
	is_command(&command, HEAD "[--log-level-console=warn] [--no-archive-async] [archive-push] "
							  "[/data/pg_wal/000000010000000000000001]");
	pgbackrest_get_command(&config, "/data", "00000002.history", "pg_wal/RECOVERYHISTORY",
						   &command);
	is_command(&command, HEAD "[--log-level-console=warn] [archive-get] [00000002.history] "
							  "[pg_wal/RECOVERYHISTORY]");
	strbuf_init(&setting);
	pgbackrest_restore_setting(&config, "/opt/side car", "/da$ta", &setting);
	assert_string_equal(setting.data,
						"exec '/opt/side car' '--archive-get' '--stanza=main' "
						"'--pgbackrest=pgbackrest' "
						"'--config=/etc/it'\\''s 100%%/pgbackrest.conf' '--pg-data=/da$ta' "
						"\"%f\" \"%p\"");
	strbuf_done(&setting);
}

static void
test_restored(void **state)
{
	int64_t bytes = -1;
	int64_t files = -1;

	(void) state;
	assert_true(pgbackrest_read_restored(
		"2026-11-24 12:03:17.691 P00   INFO: restore size = 1.5MB, file total = 965", &bytes,
		&files));
	assert_int_equal(bytes, 1024 * 1536);
	assert_int_equal(files, 965);
	assert_true(pgbackrest_read_restored("restore size = 12B, file total = 1", &bytes, &files));
	assert_int_equal(bytes, 12);
	assert_false(pgbackrest_read_restored("restore file /x (1MB, 5%)", &bytes, &files));
	assert_false(pgbackrest_read_restored("restore size = ", &bytes, &files));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accepted), cmocka_unit_test(test_refused),
		cmocka_unit_test(test_attempts), cmocka_unit_test(test_commands),
		cmocka_unit_test(test_restored),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
