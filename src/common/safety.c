/*
 * safety.c
 *		See safety.h.
 */
#include "common/safety.h"

#include "common/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define AGE_TEXT 32

static void
safety_add(PgbrSafety *safety, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void
safety_add(PgbrSafety *safety, const char *format, ...)
{
	char text[PGBR_SAFETY_TEXT + 64];
	va_list arguments;

	if (safety->count == PGBR_SAFETY_PROBLEMS)
		return;
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	pgbr_copy_text(safety->problems[safety->count++], PGBR_SAFETY_TEXT, text);
}

/* "90 s", "25 min", "30 h", "9 days" */
static const char *
safety_age(char *target, double seconds)
{
	static const struct
	{
		double seconds;
		const char *unit;
	} units[] = {{86400, "days"}, {3600, "h"}, {60, "min"}, {1, "s"}};
	size_t at = 0;

	while (at + 1 < sizeof(units) / sizeof(units[0]) && seconds < 2 * units[at].seconds)
		at++;
	snprintf(target, AGE_TEXT, "%.0f %s", (seconds < 0 ? 0 : seconds) / units[at].seconds,
			 units[at].unit);
	return target;
}

static void
judge_foreign(const PgbrSafetyFacts *facts, PgbrSafety *safety)
{
	for (int i = 0; i < facts->repo_count; i++)
	{
		if (facts->repos[i].foreign_id)
			safety_add(safety,
					   "repository %d holds backups of another cluster: its system identifier is "
					   "%s, this server's is %s",
					   facts->repos[i].repo, facts->repos[i].foreign_id,
					   facts->system_id ? facts->system_id : "not known");
	}
}

static void
judge_knowledge(const PgbrSafetyFacts *facts, PgbrSafety *safety)
{
	if (facts->sidecar_error)
		safety_add(safety, "it is not known whether there are backups: %s", facts->sidecar_error);
	else if (!facts->has_info)
		safety_add(safety, "it is not known whether there are backups: %s",
				   facts->info_error ? facts->info_error
									 : "pgbackrest has not been asked successfully yet");
}

/* pgbackrest lists no backup of a repository that it could not read. */
static bool
is_unread(const PgbrSafetyFacts *facts, const PgbrSafetyRepo *repo)
{
	return !facts->has_backup && repo->code == PGBR_REPO_UNREAD;
}

static void
judge_backup(const PgbrSafetyFacts *facts, PgbrSafety *safety)
{
	bool unread = false;

	if (!facts->has_info || facts->has_backup)
		return;
	for (int i = 0; i < facts->repo_count; i++)
	{
		if (!is_unread(facts, &facts->repos[i]))
			continue;
		safety_add(safety, "it is not known whether there are backups: repository %d: %s",
				   facts->repos[i].repo,
				   facts->repos[i].message ? facts->repos[i].message : "it could not be read");
		unread = true;
	}
	if (!unread)
		safety_add(safety, "there is no backup: nothing can be restored");
}

static void
judge_archiving(const PgbrSafetyFacts *facts, PgbrSafety *safety)
{
	char age[AGE_TEXT];

	if (!facts->postgres_answers)
		safety_add(safety,
				   "it is not known whether WAL is archived: PostgreSQL could not be asked");
	else if (!facts->archives && !facts->is_standby)
		safety_add(safety, "WAL is not archived: archive_mode is off");
	if (!facts->postgres_answers || !facts->archives)
		return;
	if (facts->wal == PGBR_WAL_MISSING)
		safety_add(safety,
				   "WAL is lost: PostgreSQL has archived \"%s\", but it is in no repository; "
				   "archive_command must run pgbackrest archive-push",
				   facts->missing_wal ? facts->missing_wal : "?");
	if (facts->archive_fails)
		safety_add(safety,
				   "archive_command fails for \"%s\", %lld WAL files are waiting; the server's log "
				   "has the error",
				   facts->failed_wal ? facts->failed_wal : "?", facts->waiting);
	else if (facts->waiting > 0 && facts->waiting_age > PGBR_SAFETY_ARCHIVE_S)
		safety_add(safety, "WAL is archived late: %lld files are waiting, the oldest for %s",
				   facts->waiting, safety_age(age, facts->waiting_age));
	else if (facts->wal == PGBR_WAL_UNKNOWN && facts->has_info)
		safety_add(safety, "it is not known whether WAL reaches a repository: PostgreSQL has "
						   "archived none since its statistics were reset");
}

/* WAL that is in no repository was named already, as lost. */
static void
judge_repository_wal(const PgbrSafetyFacts *facts, const PgbrSafetyRepo *repo, PgbrSafety *safety)
{
	if (!facts->postgres_answers || !facts->archives || facts->wal == PGBR_WAL_MISSING)
		return;
	if (repo->missing_wal)
		safety_add(safety,
				   "repository %d lacks WAL: PostgreSQL has archived \"%s\", but it is not there; "
				   "archive_command must push to all repositories",
				   repo->repo, repo->missing_wal);
}

static void
judge_repositories(const PgbrSafetyFacts *facts, PgbrSafety *safety)
{
	for (int i = 0; i < facts->repo_count; i++)
	{
		const PgbrSafetyRepo *repo = &facts->repos[i];

		/* said already: that there is no backup at all, and why that is not known */
		if (repo->code != 0 && !is_unread(facts, repo) &&
			(facts->has_backup || repo->code != PGBR_REPO_NO_BACKUP))
			safety_add(safety, "repository %d: %s", repo->repo,
					   repo->message ? repo->message : "its status is not known");
		judge_repository_wal(facts, repo, safety);
	}
	if (facts->damaged)
		safety_add(safety, "the newest backup, \"%s\", holds damaged pages", facts->damaged);
}

static void
judge_information(const PgbrSafetyFacts *facts, PgbrSafety *safety)
{
	char age[AGE_TEXT];

	if (!facts->has_info || (facts->info_age <= PGBR_SAFETY_STALE_S && facts->info_error == NULL))
		return;
	safety_age(age, facts->info_age);
	if (facts->info_error)
		safety_add(safety, "information about the repositories is %s old: %s", age,
				   facts->info_error);
	else
		safety_add(safety, "information about the repositories is %s old", age);
}

/* The strongest first; a due full backup that is missing does not hide a due diff. */
static void
judge_due(const PgbrSafetyFacts *facts, PgbrSafety *safety)
{
	double limit = facts->backup_runs ? PGBR_SAFETY_RUNNING_S : PGBR_SAFETY_OVERDUE_S;
	char age[AGE_TEXT];

	for (int type = PGBR_BACKUP_TYPE_COUNT - 1; type >= 0; type--)
	{
		if (facts->is_scheduled[type] && facts->overdue[type] > limit)
			safety_add(safety, "the %s backup that was due %s ago has not been made",
					   pgbr_backup_type_name((PgbrBackupType) type),
					   safety_age(age, facts->overdue[type]));
	}
}

static void
judge_schedules(const PgbrSafetyFacts *facts, PgbrSafety *safety)
{
	for (int type = PGBR_BACKUP_TYPE_COUNT - 1; type >= 0; type--)
	{
		if (facts->schedule_errors[type])
			safety_add(safety, "the schedule of %s backups is wrong: %s",
					   pgbr_backup_type_name((PgbrBackupType) type), facts->schedule_errors[type]);
	}
	if (facts->values_error)
		safety_add(safety, "the settings of the schedules are not all in force: %s",
				   facts->values_error);
	if (facts->idle)
		safety_add(safety, "%s", facts->idle);
}

static void
judge_failures(const PgbrSafetyFacts *facts, PgbrSafety *safety)
{
	const char *message = facts->failure_message ? facts->failure_message : "no message";

	if (facts->failures == 1)
		safety_add(safety, "the last backup failed: %s", message);
	else if (facts->failures > 1)
		safety_add(safety, "the last %d backups failed: %s", facts->failures, message);
}

static void
judge_age(const PgbrSafetyFacts *facts, PgbrSafety *safety)
{
	char age[AGE_TEXT];

	for (int type = 0; type < PGBR_BACKUP_TYPE_COUNT; type++)
	{
		if (facts->is_scheduled[type] || facts->schedule_errors[type])
			return;
	}
	if (facts->has_info && facts->newest_age > PGBR_SAFETY_UNSCHEDULED_S)
		safety_add(safety, "the newest backup is %s old, and no backup is scheduled",
				   safety_age(age, facts->newest_age));
}

static void
judge_standby(const PgbrSafetyFacts *facts, PgbrSafety *safety)
{
	if (!facts->postgres_answers || !facts->is_standby)
		return;
	if (safety->count == 0)
		safety->safe = PGBR_SAFE_UNSEEN;
	safety_add(safety,
			   "this is a standby: ask the leader whether WAL is archived and schedules run");
}

/* The order of the problems: worst first. */
static void (*const judges[])(const PgbrSafetyFacts *facts, PgbrSafety *safety) = {
	judge_foreign,		judge_knowledge,   judge_backup,  judge_archiving,
	judge_repositories, judge_information, judge_due,	  judge_schedules,
	judge_failures,		judge_age,		   judge_standby,
};

void
pgbr_safety_judge(const PgbrSafetyFacts *facts, PgbrSafety *safety)
{
	safety->safe = PGBR_SAFE_NO;
	safety->count = 0;
	for (size_t i = 0; i < sizeof(judges) / sizeof(judges[0]); i++)
		judges[i](facts, safety);
	if (safety->count == 0)
		safety->safe = PGBR_SAFE_YES;
}
