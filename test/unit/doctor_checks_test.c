// links: sidecar/api/doctor_checks
/*
 * doctor_checks_test.c
 *		What "doctor" finds of a member: a row a broken fact, and the one check that says so.
 */
#include "sidecar/api/doctor_checks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void
make_healthy(DoctorFacts *facts)
{
	*facts = (DoctorFacts){
		.user = "postgres",
		.uid = 101,
		.stanza = "main",
		.running = true,
		.data_directory = "/data",
		.owner_known = true,
		.owner = 101,
		.asked = true,
		.database = "postgres",
		.archive_mode = "on",
		.archive_command = "pgbackrest --stanza=main archive-push %p",
		.archives = true,
		.last_archived = 2,
		.last_failed = 1,
		.preloaded = true,
		.extension_version = "0.1",
		.extension_database = "postgres",
		.own_version = "0.1",
		.worker_alive = true,
		.scheduled = true,
		.recovery_known = true,
		.libraries_known = true,
		.state_folder = {.state = DOCTOR_FOLDER_FINE, .path = "/state"},
		.lock_folder = {.state = DOCTOR_FOLDER_FINE, .path = "/lock"},
		.log_folder = {.state = DOCTOR_FOLDER_FINE, .path = "/log"},
		.spool_folder = {.state = DOCTOR_FOLDER_NONE},
		.stanza_ok = true,
		.repository_known = true,
		.cron_known = true,
	};
}

static int
number_of(const char *name)
{
	for (int i = 0; i < doctor_check_count(); i++)
	{
		if (strcmp(doctor_check_name(i), name) == 0)
			return i;
	}
	fail_msg("no check \"%s\"", name);
	return -1;
}

static void
test_healthy(void **state)
{
	DoctorFacts facts;

	(void) state;
	make_healthy(&facts);
	for (int i = 0; i < doctor_check_count(); i++)
	{
		DoctorFinding finding;

		doctor_check(i, &facts, &finding);
		if (finding.outcome != PGBR_VERDICT_OK)
			fail_msg("%s: %s", doctor_check_name(i), finding.reason);
		assert_true(finding.reason[0]);
		assert_string_equal(finding.cure, "");
	}
}

#define BREAK(name, statements)                  \
	static void break_##name(DoctorFacts *facts) \
	{                                            \
		statements;                              \
	}

BREAK(server, facts->running = false; strcpy(facts->server_error, "no\nserver"))
BREAK(owner, facts->owner = 0)
BREAK(data_folder, facts->data_folder = (DoctorFolder){.state = DOCTOR_FOLDER_BAD})
BREAK(owner_unknown, facts->owner_known = false)
BREAK(read_only, facts->read_only = true)
BREAK(repository_folder, facts->repository_folder.state = DOCTOR_FOLDER_BAD)
BREAK(repository_unread, facts->repository_folder.state = DOCTOR_FOLDER_UNKNOWN)
BREAK(state, facts->state_folder.state = DOCTOR_FOLDER_BAD)
BREAK(queue, strcpy(facts->queue_error, "disk full"))
BREAK(lock, facts->lock_folder.state = DOCTOR_FOLDER_BAD)
BREAK(lock_unknown, facts->lock_folder.state = DOCTOR_FOLDER_UNKNOWN)
BREAK(log, facts->log_folder.state = DOCTOR_FOLDER_BAD)
BREAK(spool, facts->spool_folder.state = DOCTOR_FOLDER_BAD)
BREAK(stanza, facts->stanza_ok = false)
BREAK(repository, strcpy(facts->repository_error, "no such bucket"))
BREAK(repository_unknown, facts->repository_known = false)
BREAK(mode, strcpy(facts->archive_mode, "off"))
BREAK(command, strcpy(facts->archive_command, "cp %p /archive"))
BREAK(library, strcpy(facts->archive_command, "library basic_archive"))
BREAK(archiver, facts->last_failed = 3)
BREAK(backlog, facts->waiting = 9)
BREAK(never, facts->last_archived = facts->last_failed = 0)
BREAK(extension, facts->extension_version[0] = '\0')
BREAK(version, strcpy(facts->extension_version, "0.0"))
BREAK(database, facts->extension_version[0] = '\0'; strcpy(facts->extension_database, "app"))
BREAK(preload, facts->preloaded = facts->scheduled = facts->worker_alive = false)
BREAK(unloaded, facts->preloaded = false)
BREAK(schedule, strcpy(facts->setting_errors, "pgbackrest_ctl.full_schedule = \"x\""))
BREAK(worker, facts->worker_alive = false)
BREAK(configuration, strcpy(facts->recovery_error, "could not open file"))
BREAK(missing, strcpy(facts->library_missing, "timescaledb"))
BREAK(libraries, facts->libraries_known = false)
BREAK(programs, facts->recovery_known = false)
BREAK(fenced, facts->fenced = true)
BREAK(kept, strcpy(facts->kept_for, "20261130T115500-ab12"))
BREAK(cron, strcpy(facts->cron_found, "/etc/cron.d/backup"))
BREAK(cron_unread, facts->cron_known = false)
BREAK(unasked, facts->asked = false)

static void
test_each_breaks_one_check(void **state)
{
	static const struct
	{
		void (*apply)(DoctorFacts *facts);
		const char *check;
		PgbrVerdict outcome;
		bool has_cure;
	} rows[] = {
		{break_server, "postgresql", PGBR_VERDICT_FAIL, true},
		{break_owner, "data-directory", PGBR_VERDICT_FAIL, true},
		{break_data_folder, "data-directory", PGBR_VERDICT_FAIL, true},
		{break_owner_unknown, "data-directory", PGBR_VERDICT_UNKNOWN, false},
		{break_read_only, "data-directory", PGBR_VERDICT_FAIL, true},
		{break_repository_folder, "repository", PGBR_VERDICT_FAIL, true},
		{break_repository_unread, "repository", PGBR_VERDICT_UNKNOWN, false},
		{break_state, "state-folder", PGBR_VERDICT_FAIL, true},
		{break_queue, "state-folder", PGBR_VERDICT_FAIL, true},
		{break_lock, "lock-path", PGBR_VERDICT_FAIL, true},
		{break_lock_unknown, "lock-path", PGBR_VERDICT_UNKNOWN, false},
		{break_log, "log-path", PGBR_VERDICT_WARN, true},
		{break_spool, "spool-path", PGBR_VERDICT_FAIL, true},
		{break_stanza, "stanza", PGBR_VERDICT_FAIL, true},
		{break_repository, "repository", PGBR_VERDICT_FAIL, true},
		{break_repository_unknown, "repository", PGBR_VERDICT_UNKNOWN, false},
		{break_mode, "archiving", PGBR_VERDICT_FAIL, true},
		{break_command, "archiving", PGBR_VERDICT_FAIL, true},
		{break_library, "archiving", PGBR_VERDICT_FAIL, true},
		{break_archiver, "archiving", PGBR_VERDICT_FAIL, true},
		{break_backlog, "archiving", PGBR_VERDICT_WARN, true},
		{break_never, "archiving", PGBR_VERDICT_UNKNOWN, true},
		{break_extension, "extension", PGBR_VERDICT_WARN, true},
		{break_version, "extension", PGBR_VERDICT_WARN, true},
		{break_database, "extension", PGBR_VERDICT_UNKNOWN, false},
		{break_preload, "preload", PGBR_VERDICT_WARN, true},
		{break_schedule, "schedules", PGBR_VERDICT_FAIL, true},
		{break_worker, "worker", PGBR_VERDICT_FAIL, true},
		{break_configuration, "recovery", PGBR_VERDICT_FAIL, true},
		{break_missing, "recovery", PGBR_VERDICT_FAIL, true},
		{break_libraries, "recovery", PGBR_VERDICT_UNKNOWN, false},
		{break_programs, "recovery", PGBR_VERDICT_UNKNOWN, false},
		{break_fenced, "recovery", PGBR_VERDICT_UNKNOWN, false},
		{break_kept, "recovery", PGBR_VERDICT_UNKNOWN, true},
		{break_cron, "cron", PGBR_VERDICT_WARN, true},
		{break_cron_unread, "cron", PGBR_VERDICT_UNKNOWN, true},
	};

	(void) state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
	{
		int broken = number_of(rows[i].check);
		DoctorFacts facts;

		make_healthy(&facts);
		rows[i].apply(&facts);
		for (int k = 0; k < doctor_check_count(); k++)
		{
			DoctorFinding finding;
			PgbrVerdict wanted = k == broken ? rows[i].outcome : PGBR_VERDICT_OK;

			doctor_check(k, &facts, &finding);
			if (finding.outcome != wanted)
				fail_msg("row %zu, %s is %s: %s", i, doctor_check_name(k),
						 pgbr_verdict_name(finding.outcome), finding.reason);
			if (k == broken)
				assert_int_equal(finding.cure[0] != '\0', rows[i].has_cure);
			assert_null(strchr(finding.reason, '\n'));
		}
	}
}

/* What was not asked is never fine. */
static void
test_unasked(void **state)
{
	static const char *const names[] = {"archiving", "extension", "preload", "schedules", "worker"};
	DoctorFacts facts;
	DoctorFinding finding;

	(void) state;
	make_healthy(&facts);
	break_unasked(&facts);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
	{
		doctor_check(number_of(names[i]), &facts, &finding);
		assert_int_equal(finding.outcome, PGBR_VERDICT_UNKNOWN);
	}
}

/* A schedule that nothing runs. */
static void
test_schedule_without_library(void **state)
{
	DoctorFacts facts;
	DoctorFinding finding;

	(void) state;
	make_healthy(&facts);
	break_unloaded(&facts);
	doctor_check(number_of("schedules"), &facts, &finding);
	assert_int_equal(finding.outcome, PGBR_VERDICT_FAIL);
	doctor_check(number_of("preload"), &facts, &finding);
	assert_int_equal(finding.outcome, PGBR_VERDICT_WARN);
}

static void
test_standby(void **state)
{
	DoctorFacts facts;
	DoctorFinding finding;

	(void) state;
	make_healthy(&facts);
	facts.archives = false;
	facts.last_archived = facts.last_failed = 0;
	doctor_check(number_of("archiving"), &facts, &finding);
	assert_int_equal(finding.outcome, PGBR_VERDICT_OK);
}

static void
test_cron_lines(void **state)
{
	(void) state;
	assert_true(doctor_is_cron_backup("0 1 * * 0 postgres pgbackrest --stanza=main backup"));
	assert_true(doctor_is_cron_backup("@daily pgbackrest --stanza=main --type=diff backup; date"));
	assert_true(doctor_is_cron_backup(" 0 1 * * * /usr/bin/pgbackrest backup --stanza=main\n"));
	assert_false(doctor_is_cron_backup("# 0 1 * * 0 postgres pgbackrest --stanza=main backup"));
	assert_false(doctor_is_cron_backup("  # pgbackrest backup"));
	assert_false(doctor_is_cron_backup("0 1 * * 0 pgbackrest --stanza=main check"));
	assert_false(doctor_is_cron_backup("0 1 * * 0 rsync /backup pgbackrest"));
	assert_false(doctor_is_cron_backup("0 1 * * 0 pgbackrest --backup-standby=y info"));
	assert_false(doctor_is_cron_backup("0 1 * * 0 other backup"));
	assert_false(doctor_is_cron_backup(""));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_healthy), cmocka_unit_test(test_each_breaks_one_check),
		cmocka_unit_test(test_unasked), cmocka_unit_test(test_schedule_without_library),
		cmocka_unit_test(test_standby), cmocka_unit_test(test_cron_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
