/*
 * pgbackrest.c
 *		See pgbackrest.h.
 */
#include "sidecar/pgbackrest.h"

#include "program/json.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

void
command_done(Command *command)
{
	for (int i = 0; i < command->count; i++)
		free(command->argv[i]);
	command->count = 0;
}

void
command_add(Command *command, const char *format, ...)
{
	va_list arguments;

	if (command->count + 1 >= (int) LENGTH(command->argv))
	{
		command->failed = true;
		return;
	}
	va_start(arguments, format);
	if (vasprintf(&command->argv[command->count], format, arguments) < 0)
		command->failed = true;
	else
		command->argv[++command->count] = NULL;
	va_end(arguments);
}

static void
begin(const SidecarConfig *config, Command *command)
{
	command->count = 0;
	command->failed = false;
	command->argv[0] = NULL;
	command_add(command, "%s", config->pgbackrest);
	if (config->pgbackrest_config)
		command_add(command, "--config=%s", config->pgbackrest_config);
}

void
pgbackrest_begin(const SidecarConfig *config, Command *command)
{
	begin(config, command);
	command_add(command, "--stanza=%s", config->stanza);
}

static void
add_annotations(Command *command, const JobRequest *request)
{
	json_t *annotations = json_loads(request->annotations, 0, NULL);
	const char *key;
	json_t *value;

	json_object_foreach(annotations, key, value)
	{
		command_add(command, "--annotation=%s=%s", key, json_string_value(value));
	}
	json_decref(annotations);
}

void
pgbackrest_job_command(const SidecarConfig *config, const Job *job, Command *command)
{
	const JobRequest *request = &job->request;

	pgbackrest_begin(config, command);
	/* everything on one stream, in order; single files at detail show the progress */
	command_add(command, "--log-level-stderr=off");
	command_add(command, "--log-level-console=%s",
				request->kind == PGBR_JOB_BACKUP ? "detail" : "info");
	if (request->repo)
		command_add(command, "--repo=%d", request->repo);
	if (request->kind == PGBR_JOB_BACKUP)
	{
		command_add(command, "--type=%s", pgbr_backup_type_name(request->type));
		command_add(command, "--annotation=timestamp=%s", job->id);
		if (request->backup_standby)
			command_add(command, "--backup-standby");
	}
	if (request->annotations[0])
		add_annotations(command, request);
	if (request->set[0])
		command_add(command, "--set=%s", request->set);
	if (request->dry_run)
		command_add(command, "--dry-run");
	if (request->kind == PGBR_JOB_VERIFY)
		command_add(command, "--output=text");
	command_add(command, "%s", pgbr_job_kind_name(request->kind));
}

void
pgbackrest_server_command(const SidecarConfig *config, Command *command)
{
	begin(config, command);
	command_add(command, "--log-level-stderr=off");
	command_add(command, "--log-level-console=info");
	command_add(command, "server");
}

void
pgbackrest_info_command(const SidecarConfig *config, Command *command)
{
	pgbackrest_begin(config, command);
	command_add(command, "--log-level-console=off");
	command_add(command, "--log-level-stderr=error");
	command_add(command, "--output=json");
	command_add(command, "info");
}

void
pgbackrest_wal_command(const SidecarConfig *config, const char *archive_id, int repo,
					   const char *segment, Command *command)
{
	pgbackrest_begin(config, command);
	command_add(command, "--log-level-console=off");
	command_add(command, "--log-level-stderr=error");
	command_add(command, "--repo=%d", repo);
	command_add(command, "--output=text");
	command_add(command, "--filter=^%s-[0-9a-f]{40}", segment);
	command_add(command, "repo-ls");
	command_add(command, "archive/%s/%s/%.16s", config->stanza, archive_id, segment);
}

static const struct
{
	int code;
	const char *name;
	const char *hint;
} errors[] = {
	{25, "assert", NULL},
	{26, "checksum", NULL},
	{27, "config", "Check pgbackrest.conf, and that PostgreSQL is running."},
	{28, "file-invalid",
	 "The stanza belongs to another database cluster; after an upgrade of PostgreSQL ask for a "
	 "stanza-upgrade."},
	{29, "format", "Check the cipher pass phrase of the repository."},
	{30, "command-required", NULL},
	{31, "option-invalid", "Check pgbackrest.conf for options this version does not have."},
	{32, "option-invalid-value", "Check pgbackrest.conf."},
	{37, "option-required", "Check that pgbackrest.conf holds the stanza, with pg1-path."},
	{38, "pg-running", "Stop PostgreSQL first."},
	{39, "protocol", "Check the repository's host, bucket, key and secret."},
	{40, "path-not-empty", NULL},
	{41, "file-open", "Check the repository's path and its permissions."},
	{42, "file-read", "Check the repository's disk."},
	{43, "param-required", NULL},
	{44, "archive-mismatch", NULL},
	{45, "archive-duplicate", NULL},
	{46, "version-not-supported", NULL},
	{47, "path-create", "Check the repository's path, its permissions and its free space."},
	{48, "command-invalid", NULL},
	{49, "host-connect", "Check that the repository's host can be reached."},
	{50, "lock-acquire",
	 "Another pgbackrest works on this stanza; wait for it, or look for one started by hand or by "
	 "cron."},
	{51, "backup-mismatch", "The repository belongs to another database cluster."},
	{52, "file-sync", "Check the repository's disk."},
	{53, "path-open", "Check the repository's path and its permissions."},
	{54, "path-sync", "Check the repository's disk."},
	{55, "file-missing", "Ask for a stanza-create first, and check the stanza's name."},
	{56, "db-connect",
	 "Check that PostgreSQL is running. On a standby pgbackrest.conf must name the primary as well "
	 "(pg2-host)."},
	{57, "db-query", NULL},
	{58, "db-mismatch", "Check pg1-path and pg1-port in pgbackrest.conf."},
	{60, "file-remove", "Check the repository's permissions."},
	{61, "path-remove", "Check the repository's permissions."},
	{62, "stop", "Somebody ran \"pgbackrest stop\"; run \"pgbackrest start\"."},
	{63, "term", "pgbackrest was asked to end; ask again."},
	{64, "file-write", "Check the free space of the repository."},
	{67, "feature-not-supported", NULL},
	{68, "archive-command-invalid",
	 "Set archive_command to \"pgbackrest --stanza=NAME archive-push %p\"."},
	{69, "link-expected", NULL},
	{70, "link-destination", NULL},
	{72, "host-invalid", "Backups of a remote repository are made on the repository's host."},
	{73, "path-missing", "Check that the repository's path and pg1-path exist."},
	{74, "file-move", NULL},
	{75, "backup-set-invalid", "Choose a backup that pgbr_backups shows."},
	{76, "tablespace-map", NULL},
	{78, "link-map", NULL},
	{79, "file-close", NULL},
	{80, "db-missing", NULL},
	{81, "db-invalid", NULL},
	{82, "archive-timeout",
	 "WAL does not reach the repository: check archive_command, and pg_stat_archiver for its "
	 "failures."},
	{83, "file-mode", NULL},
	{87, "archive-disabled", "Set archive_mode to on and restart PostgreSQL."},
	{88, "file-owner", NULL},
	{89, "user-missing", NULL},
	{93, "file-exists", NULL},
	{94, "memory", NULL},
	{95, "crypto", "Check the certificates: repo-storage-ca-file, repo-storage-verify-tls."},
	{96, "param-invalid", NULL},
	{97, "path-close", NULL},
	{98, "file-info", NULL},
	{99, "json-format", NULL},
	{100, "kernel", NULL},
	{101, "service", NULL},
	{102, "execute", NULL},
	{103, "repo-invalid", "No repository could be used: check their paths, hosts and keys."},
	{104, "command", "See the job's log for what went wrong."},
	{105, "access", NULL},
	{106, "clock", NULL},
	{122, "runtime", NULL},
	{124, "unhandled", NULL},
	{125, "unknown", NULL},
};

const char *
pgbackrest_error_name(int exit_code)
{
	for (size_t i = 0; i < LENGTH(errors); i++)
	{
		if (errors[i].code == exit_code)
			return errors[i].name;
	}
	return "unknown";
}

/* NULL when there is nothing to say. */
static const char *
error_hint(int exit_code)
{
	for (size_t i = 0; i < LENGTH(errors); i++)
	{
		if (errors[i].code == exit_code)
			return errors[i].hint;
	}
	return NULL;
}

void
pgbackrest_run_hint(const PgbackrestRun *run, int exit_code, char *hint, size_t size)
{
	const char *ours = error_hint(exit_code);
	char text[1024];

	snprintf(text, sizeof(text), "%s%s%s", ours ? ours : "",
			 run->hint[0] == '\0' ? ""
			 : ours				  ? " pgbackrest's own hint: "
								  : "",
			 run->hint);
	pgbr_copy_text(hint, size, text);
}

void
pgbackrest_run_init(PgbackrestRun *run, PgbrJobKind kind)
{
	*run = (PgbackrestRun){
		.progress = {kind == PGBR_JOB_BACKUP ? "starting" : NULL, 0, -1, -1},
	};
}

/* The size in "29.2KB", in bytes; pgbackrest rounds it to one digit behind the point. */
static double
parse_size(const char *text)
{
	static const char units[] = "BKMGTP";
	char *end;
	double size = strtod(text, &end);
	const char *unit = *end ? strchr(units, *end) : NULL;

	for (; unit && unit > units; unit--)
		size *= 1024;
	return size;
}

/*
 * A line like "backup file [host:]/path (bundle 1/0, 29.2KB, 0.01%) checksum ...". The percentage is of
 * the whole backup so far; the total follows from it, the better the more is done.
 */
static void
read_copied_file(PgbackrestRun *run, const char *text)
{
	const char *percent = strrchr(text, '%');
	const char *comma = percent;
	const char *size;
	double done;

	while (comma && comma > text && *comma != ',')
		comma--;
	if (comma == NULL || comma <= text)
		return;
	for (size = comma; size > text && size[-1] != '(' && size[-1] != ' ';)
		size--;
	run->copied += parse_size(size);
	done = strtod(comma + 1, NULL);
	run->progress.phase = "copying";
	run->progress.percent = done;
	run->progress.bytes_done = (int64_t) run->copied;
	/* below one percent the rounding of the percentage says more than the files do */
	if (done >= 1)
		run->progress.bytes_total =
			done >= 100 ? run->progress.bytes_done : (int64_t) (run->copied * 100 / done);
}

static const struct
{
	const char *begins;
	const char *phase;
} phases[] = {
	{"execute non-exclusive backup stop", "waiting for WAL"},
	{"execute exclusive backup stop", "waiting for WAL"},
	{"check archive for ", "waiting for WAL"},
	{"expire command begin", "expiring"},
};

static bool
begins_with(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

static void
read_info_line(PgbackrestRun *run, const char *text)
{
	if (begins_with(text, "new backup label = "))
	{
		const char *label = text + strlen("new backup label = ");

		if (pgbr_is_backup_label(label))
			strcpy(run->label, label);
	}
	if (begins_with(text, "backup command end: completed"))
		run->made = true;
	for (size_t i = 0; run->progress.phase && i < LENGTH(phases); i++)
	{
		if (begins_with(text, phases[i].begins))
			run->progress.phase = phases[i].phase;
	}
}

static void
append_text(char *target, size_t size, const char *separator, const char *text)
{
	size_t length = strlen(target);

	if (length > 0)
		pgbr_copy_text(target + length, size - length, separator);
	length = strlen(target);
	pgbr_copy_text(target + length, size - length, text);
}

/* A line that belongs to the error before it. */
static void
add_to_error(PgbackrestRun *run, const char *text)
{
	if (begins_with(text, "HINT: "))
		append_text(run->hint, sizeof(run->hint), "; ", text + strlen("HINT: "));
	else
		append_text(run->message, sizeof(run->message), " ", text);
}

/* Lines about single files. In a full backup that goes on where an interrupted one has ended, and in
 * one that compares contents, files are done without being copied. */
static const struct
{
	const char *begins;
	bool has_progress;
} file_lines[] = {
	{"backup file ", true},
	{"match file from prior backup ", true},
	{"checksum resumed file ", true},
	{"store truncated file ", true},
	{"store zero-length file ", false},
	{"reference ", false},
};

/* True when the line is about a single file. */
static bool
read_file_line(PgbackrestRun *run, const char *text)
{
	for (size_t i = 0; i < LENGTH(file_lines); i++)
	{
		if (!begins_with(text, file_lines[i].begins))
			continue;
		if (file_lines[i].has_progress && run->progress.phase)
			read_copied_file(run, text);
		return true;
	}
	return false;
}

/* Lines are "YYYY-MM-DD HH:MM:SS.mmm P00   INFO: text", "ERROR: text" before the log is set up, or
 * the indented rest of the line before. */
bool
pgbackrest_run_line(PgbackrestRun *run, const char *line)
{
	const char *level = strstr(line, ": ");
	const char *text = level ? level + 2 : "";
	size_t length;

	if (begins_with(line, " "))
	{
		line += strspn(line, " ");
		if (run->in_error)
			add_to_error(run, line);
		if (begins_with(line, "status: error"))
			run->verify_failed = true;
		return true;
	}
	if (strcmp(line, "status: error") == 0)
		run->verify_failed = true;
	if (level == NULL)
		return true;
	for (length = 0; level - length > line && level[-1 - (long) length] != ' ';)
		length++;
	level -= length;
	run->in_error = begins_with(level, "ERROR: ") && run->message[0] == '\0';
	if (run->in_error)
		/* the number in "[050]: text" is the exit code, which is told apart */
		add_to_error(run, text[0] == '[' && strlen(text) > 7 ? text + 7 : text);
	else if (begins_with(level, "INFO: "))
		read_info_line(run, text);
	else if (begins_with(level, "DETAIL: "))
		return !read_file_line(run, text);
	return true;
}

static void
read_status(const json_t *holder, int *code, char *message, size_t size)
{
	const json_t *status = json_object_get(holder, "status");
	const char *text = json_text(status, "message");

	*code = (int) json_number(status, "code", 99);
	pgbr_copy_text(message, size, text ? text : "unknown");
}

static void
read_repositories(const json_t *repos, PgbackrestStanza *result)
{
	size_t i;
	json_t *repo;

	json_array_foreach((json_t *) repos, i, repo)
	{
		int code;
		char message[256];

		read_status(repo, &code, message, sizeof(message));
		result->repo_count++;
		if (code == 0 || code == 2)
		{
			if (result->archive_repo == 0)
				result->archive_repo = (int) json_number(repo, "key", 1);
			continue;
		}
		if (result->repo_failed++ == 0)
			memcpy(result->repo_message, message, sizeof(message));
	}
}

static void
read_stanza(const json_t *stanza, PgbackrestStanza *result)
{
	const json_t *databases = json_object_get(stanza, "db");
	const json_t *archives = json_object_get(stanza, "archive");
	const json_t *newest = json_array_get(databases, json_array_size(databases) - 1);
	const json_t *archive = json_array_get(archives, json_array_size(archives) - 1);
	const char *archive_id = json_text(archive, "id");
	long long system_id = json_number(newest, "system-id", 0);

	*result = (PgbackrestStanza){0};
	read_status(stanza, &result->status_code, result->status_message,
				sizeof(result->status_message));
	if (system_id)
		snprintf(result->system_id, sizeof(result->system_id), "%llu",
				 (unsigned long long) system_id);
	pgbr_copy_text(result->archive_id, sizeof(result->archive_id), archive_id ? archive_id : "");
	read_repositories(json_object_get(stanza, "repo"), result);
}

bool
pgbackrest_read_info(const json_t *document, const char *stanza, PgbackrestStanza *result,
					 PgbrError *error)
{
	size_t i;
	json_t *entry;

	if (!json_is_array(document))
		return pgbr_error_set(error, PGBR_ERROR_PROTOCOL,
							  "pgbackrest info gave no list of stanzas");
	json_array_foreach((json_t *) document, i, entry)
	{
		const char *name = json_text(entry, "name");

		if (name && strcmp(name, stanza) == 0)
		{
			read_stanza(entry, result);
			return true;
		}
	}
	return pgbr_error_set(error, PGBR_ERROR_PROTOCOL, "pgbackrest info knows no stanza \"%s\"",
						  stanza);
}
