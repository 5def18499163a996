/*
 * doctor_checks.c
 *		See doctor_checks.h. No check looks at anything but the facts.
 */
#include "sidecar/api/doctor_checks.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* More segments than this wait only when archiving is slow or stands still. */
#define WAITING_MOST 8

static void __attribute__((format(printf, 3, 4)))
find(DoctorFinding *finding, PgbrVerdict outcome, const char *format, ...)
{
	va_list args;

	finding->outcome = outcome;
	va_start(args, format);
	vsnprintf(finding->reason, sizeof(finding->reason), format, args);
	va_end(args);
}

static void __attribute__((format(printf, 2, 3)))
cure(DoctorFinding *finding, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(finding->cure, sizeof(finding->cure), format, args);
	va_end(args);
}

/* True when the server's own facts are there; else the check is not known. */
static bool
is_asked(const DoctorFacts *facts, DoctorFinding *finding)
{
	if (facts->asked)
		return true;
	find(finding, PGBR_VERDICT_UNKNOWN, "PostgreSQL could not be asked%s%s",
		 facts->asked_error[0] ? ": " : "", facts->asked_error);
	return false;
}

/* How to let a service write to a folder. */
static void
cure_read_only(DoctorFinding *finding, const char *folder)
{
	cure(finding,
		 "Where systemd runs the sidecar: \"systemctl edit pgbackrest_sidecar\", add "
		 "ReadWritePaths=%s below [Service], and restart it.",
		 folder);
}

static void
check_postgresql(const DoctorFacts *facts, DoctorFinding *finding)
{
	if (facts->running)
	{
		find(finding, PGBR_VERDICT_OK, "psql works");
		return;
	}
	find(finding, PGBR_VERDICT_FAIL, "psql does not get an answer: %s", facts->server_error);
	cure(finding, "Start PostgreSQL, or correct --psql and --pg-conninfo of the sidecar.");
}

static void
check_owner(const DoctorFacts *facts, DoctorFinding *finding)
{
	if (facts->data_directory[0] == '\0' || !facts->owner_known)
		find(finding, PGBR_VERDICT_UNKNOWN, "the data directory is not known");
	else if (facts->owner == facts->uid && facts->read_only)
	{
		find(finding, PGBR_VERDICT_FAIL, "%s is read-only for the sidecar", facts->data_directory);
		cure_read_only(finding, facts->data_directory);
	}
	else if (facts->owner == facts->uid && facts->data_folder.state == DOCTOR_FOLDER_BAD)
	{
		find(finding, PGBR_VERDICT_FAIL, "%s: %s", facts->data_folder.path,
			 facts->data_folder.reason);
		cure(finding, "Give %s to %s: a restore writes there.", facts->data_folder.path,
			 facts->user);
	}
	else if (facts->owner == facts->uid)
		find(finding, PGBR_VERDICT_OK, "%s belongs to %s", facts->data_directory, facts->user);
	else
	{
		find(finding, PGBR_VERDICT_FAIL, "%s belongs to uid %u, and the sidecar runs as %s",
			 facts->data_directory, (unsigned int) facts->owner, facts->user);
		cure(finding, "Run the sidecar as the user who owns the data directory.");
	}
}

static void
check_folder(const DoctorFolder *folder, const char *option, PgbrVerdict bad,
			 DoctorFinding *finding)
{
	static const PgbrVerdict outcomes[] = {
		[DOCTOR_FOLDER_NONE] = PGBR_VERDICT_OK,
		[DOCTOR_FOLDER_FINE] = PGBR_VERDICT_OK,
		[DOCTOR_FOLDER_UNKNOWN] = PGBR_VERDICT_UNKNOWN,
	};

	if (folder->state == DOCTOR_FOLDER_NONE)
		find(finding, PGBR_VERDICT_OK, "%s is not used", option);
	else if (folder->state == DOCTOR_FOLDER_FINE)
		find(finding, PGBR_VERDICT_OK, "%s can be written", folder->path);
	else
		find(finding, folder->state == DOCTOR_FOLDER_BAD ? bad : outcomes[folder->state], "%s%s%s",
			 folder->path, folder->path[0] ? ": " : "", folder->reason);
	if (folder->state == DOCTOR_FOLDER_BAD && folder->read_only)
		cure_read_only(finding, folder->path);
	else if (folder->state == DOCTOR_FOLDER_BAD)
		cure(finding, "Give %s to the sidecar's user, or set another %s.", folder->path, option);
}

static void
check_state_folder(const DoctorFacts *facts, DoctorFinding *finding)
{
	check_folder(&facts->state_folder, "--state-dir", PGBR_VERDICT_FAIL, finding);
	if (finding->outcome != PGBR_VERDICT_OK || facts->queue_error[0] == '\0')
		return;
	find(finding, PGBR_VERDICT_FAIL, "no job can be accepted: %s", facts->queue_error);
	cure(finding, "Make room in %s; the sidecar's log tells more.", facts->state_folder.path);
}

static void
check_lock_folder(const DoctorFacts *facts, DoctorFinding *finding)
{
	check_folder(&facts->lock_folder, "lock-path", PGBR_VERDICT_FAIL, finding);
}

/* pgbackrest works without its log. */
static void
check_log_folder(const DoctorFacts *facts, DoctorFinding *finding)
{
	check_folder(&facts->log_folder, "log-path", PGBR_VERDICT_WARN, finding);
}

static void
check_spool_folder(const DoctorFacts *facts, DoctorFinding *finding)
{
	check_folder(&facts->spool_folder, "spool-path", PGBR_VERDICT_FAIL, finding);
}

static void
check_stanza(const DoctorFacts *facts, DoctorFinding *finding)
{
	if (facts->stanza_ok)
	{
		find(finding, PGBR_VERDICT_OK, "stanza \"%s\" is usable", facts->stanza);
		return;
	}
	find(finding, PGBR_VERDICT_FAIL, "stanza \"%s\": %s", facts->stanza, facts->stanza_reason);
	cure(finding, "Run \"pgbackrest_ctl check --wait\" and follow what it says.");
}

static void
check_repository(const DoctorFacts *facts, DoctorFinding *finding)
{
	if (!facts->repository_known)
		find(finding, PGBR_VERDICT_UNKNOWN, "pgbackrest info has not answered yet");
	else if (facts->repository_error[0] == '\0' &&
			 facts->repository_folder.state != DOCTOR_FOLDER_NONE &&
			 facts->repository_folder.state != DOCTOR_FOLDER_FINE)
		check_folder(&facts->repository_folder, "repoN-path", PGBR_VERDICT_FAIL, finding);
	else if (facts->repository_error[0] == '\0')
		find(finding, PGBR_VERDICT_OK, "pgbackrest info reads it");
	else
	{
		find(finding, PGBR_VERDICT_FAIL, "%s", facts->repository_error);
		cure(finding, "Run \"pgbackrest info\" as %s and correct repo1-... in pgbackrest.conf.",
			 facts->user);
	}
}

static void
check_archiving(const DoctorFacts *facts, DoctorFinding *finding)
{
	if (!is_asked(facts, finding))
		return;
	if (strcmp(facts->archive_mode, "off") == 0)
	{
		find(finding, PGBR_VERDICT_FAIL, "archive_mode is off");
		cure(finding, "Set archive_mode = on and restart PostgreSQL.");
	}
	else if (strstr(facts->archive_command, "archive-push") == NULL)
	{
		find(finding, PGBR_VERDICT_FAIL, "archive_command does not run pgbackrest archive-push");
		cure(finding, "Set archive_command = 'pgbackrest --stanza=%s archive-push %%p'.",
			 facts->stanza);
	}
	else if (!facts->archives)
		find(finding, PGBR_VERDICT_OK, "a standby with archive_mode %s archives nothing",
			 facts->archive_mode);
	else if (facts->last_failed > facts->last_archived)
	{
		find(finding, PGBR_VERDICT_FAIL, "the last attempt to archive failed; %lld segments wait",
			 (long long) facts->waiting);
		cure(finding, "See PostgreSQL's log, and run \"pgbackrest_ctl check --wait\".");
	}
	else if (facts->waiting > WAITING_MOST)
	{
		find(finding, PGBR_VERDICT_WARN, "%lld segments wait to be archived",
			 (long long) facts->waiting);
		cure(finding, "See PostgreSQL's log; archive-async=y in pgbackrest.conf archives faster.");
	}
	else if (facts->last_archived <= 0)
	{
		find(finding, PGBR_VERDICT_UNKNOWN, "nothing has been archived yet");
		cure(finding, "Run \"pgbackrest_ctl check --wait\".");
	}
	else
		find(finding, PGBR_VERDICT_OK, "the last attempt succeeded");
}

static void
check_extension(const DoctorFacts *facts, DoctorFinding *finding)
{
	if (!is_asked(facts, finding))
		return;
	if (facts->extension_version[0] && strcmp(facts->extension_version, facts->own_version) != 0)
	{
		find(finding, PGBR_VERDICT_WARN, "extension %s beside sidecar %s", facts->extension_version,
			 facts->own_version);
		cure(finding, "Install one version of both, then ALTER EXTENSION pgbackrest_ctl UPDATE.");
	}
	else if (facts->extension_version[0])
		find(finding, PGBR_VERDICT_OK, "version %s in database \"%s\"", facts->extension_version,
			 facts->database);
	else if (facts->extension_database[0] &&
			 strcmp(facts->extension_database, facts->database) != 0)
		find(finding, PGBR_VERDICT_UNKNOWN, "the sidecar asks database \"%s\", not \"%s\"",
			 facts->database, facts->extension_database);
	else
	{
		find(finding, PGBR_VERDICT_WARN, "not created in database \"%s\"", facts->database);
		cure(finding, "Run CREATE EXTENSION pgbackrest_ctl there, on the leader.");
	}
}

static void
check_preload(const DoctorFacts *facts, DoctorFinding *finding)
{
	if (!is_asked(facts, finding))
		return;
	if (facts->preloaded)
		find(finding, PGBR_VERDICT_OK, "pgbackrest_ctl is in shared_preload_libraries");
	else
	{
		find(finding, PGBR_VERDICT_WARN, "pgbackrest_ctl is not in shared_preload_libraries");
		cure(finding, "Schedules need it: add it with patronictl edit-config, then restart.");
	}
}

static void
check_schedules(const DoctorFacts *facts, DoctorFinding *finding)
{
	if (!is_asked(facts, finding))
		return;
	if (facts->setting_errors[0])
	{
		find(finding, PGBR_VERDICT_FAIL, "refused: %s", facts->setting_errors);
		cure(finding, "Correct it with patronictl edit-config; a schedule has five cron fields.");
	}
	else if (facts->scheduled && !facts->preloaded)
	{
		find(finding, PGBR_VERDICT_FAIL, "a schedule is set, and the library is not preloaded");
		cure(finding, "Add pgbackrest_ctl to shared_preload_libraries, then restart PostgreSQL.");
	}
	else
		find(finding, PGBR_VERDICT_OK, facts->scheduled ? "valid" : "none is set");
}

static void
check_worker(const DoctorFacts *facts, DoctorFinding *finding)
{
	if (!is_asked(facts, finding))
		return;
	if (facts->worker_alive)
		find(finding, PGBR_VERDICT_OK, "the background worker runs");
	else if (!facts->preloaded)
		find(finding, PGBR_VERDICT_OK, "none without the library preloaded");
	else
	{
		find(finding, PGBR_VERDICT_FAIL, "the background worker does not run");
		cure(finding,
			 "See PostgreSQL's log; it needs database \"%s\" and a free max_worker_processes.",
			 facts->extension_database);
	}
}

static void
check_recovery(const DoctorFacts *facts, DoctorFinding *finding)
{
	if (facts->kept_for[0])
	{
		find(finding, PGBR_VERDICT_UNKNOWN, "this member is kept as the way back of restore %s",
			 facts->kept_for);
		cure(finding, "\"pgbackrest_ctl restore --accept %s\" makes it a replica again.",
			 facts->kept_for);
	}
	else if (facts->fenced)
		find(finding, PGBR_VERDICT_UNKNOWN, "a restore holds the data directory");
	else if (!facts->recovery_known)
		find(finding, PGBR_VERDICT_UNKNOWN, "%s",
			 facts->recovery_error[0]
				 ? facts->recovery_error
				 : "the data directory or PostgreSQL's programs are not known");
	else if (facts->recovery_error[0])
	{
		find(finding, PGBR_VERDICT_FAIL, "postgres can't read its configuration: %s",
			 facts->recovery_error);
		cure(finding, "Let %s read each configuration file, those that are included as well.",
			 facts->user);
	}
	else if (!facts->libraries_known)
		find(finding, PGBR_VERDICT_UNKNOWN,
			 "the configuration can be read; where libraries are is not known");
	else if (facts->library_missing[0])
	{
		find(finding, PGBR_VERDICT_FAIL,
			 "library \"%s\" of shared_preload_libraries is not readable", facts->library_missing);
		cure(finding, "Install it beside the sidecar: a restore starts PostgreSQL there.");
	}
	else
		find(finding, PGBR_VERDICT_OK, "configuration and libraries can be read");
}

static void
check_cron(const DoctorFacts *facts, DoctorFinding *finding)
{
	if (facts->cron_found[0])
	{
		find(finding, PGBR_VERDICT_WARN, "pgbackrest backup is also run by %s", facts->cron_found);
		cure(finding, "Remove that line, or the schedules: two backups at once make one fail.");
	}
	else if (!facts->cron_known)
	{
		find(finding, PGBR_VERDICT_UNKNOWN, "%s", facts->cron_error);
		cure(finding, "Look yourself, as root: crontab -l -u %s", facts->user);
	}
	else
		find(finding, PGBR_VERDICT_OK, "no backup in /etc/cron* or the crontab of %s", facts->user);
}

static const struct
{
	const char *name;
	void (*check)(const DoctorFacts *facts, DoctorFinding *finding);
} checks[] = {
	{"postgresql", check_postgresql},
	{"data-directory", check_owner},
	{"state-folder", check_state_folder},
	{"lock-path", check_lock_folder},
	{"log-path", check_log_folder},
	{"spool-path", check_spool_folder},
	{"stanza", check_stanza},
	{"repository", check_repository},
	{"archiving", check_archiving},
	{"extension", check_extension},
	{"preload", check_preload},
	{"schedules", check_schedules},
	{"worker", check_worker},
	{"recovery", check_recovery},
	{"cron", check_cron},
};

int
doctor_check_count(void)
{
	return sizeof(checks) / sizeof(checks[0]);
}

const char *
doctor_check_name(int check)
{
	return checks[check].name;
}

/* A reason is one line, whatever others have said in it. */
static void
make_line(char *text)
{
	for (; *text; text++)
	{
		if (*text == '\n' || *text == '\r' || *text == '\t')
			*text = ' ';
	}
}

void
doctor_check(int check, const DoctorFacts *facts, DoctorFinding *finding)
{
	*finding = (DoctorFinding){.outcome = PGBR_VERDICT_UNKNOWN};
	checks[check].check(facts, finding);
	make_line(finding->reason);
	make_line(finding->cure);
}

/*
 * "backup" as a word of its own: "--type=full backup", but neither "backup-standby" nor "/backup".
 */
static bool
has_word(const char *line, const char *word)
{
	size_t length = strlen(word);

	for (const char *at = strstr(line, word); at; at = strstr(at + 1, word))
	{
		char after = at[length];

		if (at > line && (at[-1] == ' ' || at[-1] == '\t') &&
			(after == '\0' || strchr(" \t\n;|&>'\"", after)))
			return true;
	}
	return false;
}

bool
doctor_is_cron_backup(const char *line)
{
	line += strspn(line, " \t");
	return line[0] != '#' && strstr(line, "pgbackrest") && has_word(line, "backup");
}
