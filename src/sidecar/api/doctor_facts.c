/*
 * doctor_facts.c
 *		See doctor_facts.h.
 */
#include "sidecar/api/doctor_facts.h"

#include "program/file.h"
#include "program/json.h"
#include "program/pgbackrest_file.h"
#include "program/process.h"
#include "program/retention_settings.h"
#include "sidecar/pgbackrest/repo_space.h"
#include "sidecar/postgres/postmaster_opts.h"
#include "sidecar/postgres/psql.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define TIMEOUT_MS 5000
#define MAX_OUTPUT 65536

/* A setting that is not there is null: the library is not loaded. */
static const char query[] =
	"SELECT pg_catalog.json_build_object("
	"'database', pg_catalog.current_database(),"
	"'archive_mode', pg_catalog.current_setting('archive_mode'),"
	"'archive_command', pg_catalog.current_setting('archive_command'),"
	"'archive_library', pg_catalog.current_setting('archive_library', true),"
	"'preload', pg_catalog.current_setting('shared_preload_libraries'),"
	"'library_path', pg_catalog.current_setting('dynamic_library_path'),"
	"'pkglibdir', (SELECT setting FROM pg_catalog.pg_config WHERE name = 'PKGLIBDIR'),"
	"'extension', (SELECT extversion FROM pg_catalog.pg_extension"
	" WHERE extname = 'pgbackrest_ctl'),"
	"'extension_database', pg_catalog.current_setting('pgbackrest_ctl.database', true),"
	"'worker', EXISTS (SELECT FROM pg_catalog.pg_stat_activity"
	" WHERE backend_type = 'pgbackrest_ctl scheduler'),"
	"'scheduled', (SELECT pg_catalog.string_agg(setting, '') <> ''"
	" FROM pg_catalog.pg_file_settings WHERE name IN ('pgbackrest_ctl.full_schedule',"
	" 'pgbackrest_ctl.diff_schedule', 'pgbackrest_ctl.incr_schedule')),"
	"'setting_errors', (SELECT pg_catalog.string_agg(name || ' = \"' || setting || '\"', ', ')"
	" FROM pg_catalog.pg_file_settings"
	" WHERE name LIKE 'pgbackrest_ctl.%' AND error IS NOT NULL))";

static void
take(const json_t *object, const char *key, char *target, size_t size)
{
	const char *text = json_text(object, key);

	pgbr_copy_text(target, size, text ? text : "");
}

static void
read_user(DoctorFacts *facts)
{
	const struct passwd *user = getpwuid(geteuid());

	facts->uid = geteuid();
	if (user)
		pgbr_copy_text(facts->user, sizeof(facts->user), user->pw_name);
	else
		snprintf(facts->user, sizeof(facts->user), "uid %u", (unsigned int) facts->uid);
}

static void
read_node(const json_t *node, DoctorFacts *facts)
{
	struct stat st;

	facts->running = json_flag(node, "running");
	facts->fenced = json_flag(node, "fenced");
	pgbr_copy_text(facts->kept_for, sizeof(facts->kept_for),
				   json_text(node, "kept_for") ? json_text(node, "kept_for") : "");
	take(node, "error", facts->server_error, sizeof(facts->server_error));
	take(node, "data_directory", facts->data_directory, sizeof(facts->data_directory));
	facts->owner_known = facts->data_directory[0] == '/' && stat(facts->data_directory, &st) == 0;
	if (facts->owner_known)
		facts->owner = st.st_uid;
	facts->read_only = json_flag(node, "data_directory_is_read_only");
}

/* A library that is set takes the place of the command. */
static void
take_archiving(Sidecar *sidecar, const json_t *answer, DoctorFacts *facts)
{
	const char *library = json_text(answer, "archive_library");
	ArchiverState state;

	take(answer, "archive_mode", facts->archive_mode, sizeof(facts->archive_mode));
	if (library && library[0])
		snprintf(facts->archive_command, sizeof(facts->archive_command), "library %s", library);
	else
		take(answer, "archive_command", facts->archive_command, sizeof(facts->archive_command));
	archiver_get(sidecar->archiver, sidecar->stop_fd, &state);
	facts->archives = state.running && state.archives;
	facts->waiting = state.ready;
	facts->last_archived = state.last_archived;
	facts->last_failed = state.last_failed;
}

/* The libraries of a list, as PostgreSQL takes it apart; false at its end. */
static bool
next_library(const char **list, char *name, size_t size)
{
	size_t length;

	*list += strspn(*list, ", \t\n\"");
	length = strcspn(*list, ", \t\n\"");
	if (length == 0)
		return false;
	snprintf(name, size, "%.*s", (int) length, *list);
	*list += length;
	return true;
}

static bool
is_preloaded(const char *list)
{
	char name[DOCTOR_PATH_SIZE];

	while (next_library(&list, name, sizeof(name)))
	{
		const char *slash = strrchr(name, '/');

		if (strcmp(slash ? slash + 1 : name, "pgbackrest_ctl") == 0)
			return true;
	}
	return false;
}

/* ".so" may be left out. */
static bool
is_file_there(const char *folder, const char *file)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path) - 3, "%s%s%s", folder, folder[0] ? "/" : "", file);
	if (access(path, R_OK) == 0)
		return true;
	strcat(path, ".so");
	return access(path, R_OK) == 0;
}

/*
 * A name without a path is looked for in each folder of a list; "$libdir" stands for PostgreSQL's.
 */
static bool
is_library_there(const char *folders, const char *libdir, const char *name)
{
	static const char macro[] = "$libdir";
	const size_t length = sizeof(macro) - 1;
	char folder[PATH_MAX];
	bool found = false;

	if (strncmp(name, macro, length) == 0 && name[length] == '/')
		return is_file_there(libdir, name + length + 1);
	if (strchr(name, '/'))
		return is_file_there("", name);
	for (size_t end; *folders && !found; folders += end + (folders[end] == ':'))
	{
		end = strcspn(folders, ":");
		snprintf(folder, sizeof(folder), "%.*s", (int) end, folders);
		found = is_file_there(strcmp(folder, macro) == 0 ? libdir : folder, name);
	}
	return found;
}

static void
take_libraries(const json_t *answer, DoctorFacts *facts)
{
	const char *list = json_text(answer, "preload");
	const char *folders = json_text(answer, "library_path");
	const char *libdir = json_text(answer, "pkglibdir");
	char name[DOCTOR_PATH_SIZE];

	facts->preloaded = list && is_preloaded(list);
	facts->libraries_known = list && folders && libdir;
	while (facts->libraries_known && facts->library_missing[0] == '\0' &&
		   next_library(&list, name, sizeof(name)))
	{
		if (!is_library_there(folders, libdir, name))
			strcpy(facts->library_missing, name);
	}
}

static void
read_server(Sidecar *sidecar, DoctorFacts *facts)
{
	static const char *const commands[] = {query, NULL};
	PsqlCall call = {
		.config = sidecar->config, .timeout_ms = TIMEOUT_MS, .stop_fd = sidecar->stop_fd};
	PgbrError error = PGBR_ERROR_INIT;
	json_t *answer = NULL;
	StrBuf text;

	strbuf_init(&text);
	if (facts->running && psql_run(&call, commands, &text, &error))
		answer = json_parse(text.data, text.length, &error);
	facts->asked = json_is_object(answer);
	if (facts->asked)
	{
		take(answer, "database", facts->database, sizeof(facts->database));
		take(answer, "extension", facts->extension_version, sizeof(facts->extension_version));
		take(answer, "extension_database", facts->extension_database,
			 sizeof(facts->extension_database));
		take(answer, "setting_errors", facts->setting_errors, sizeof(facts->setting_errors));
		facts->worker_alive = json_flag(answer, "worker");
		facts->scheduled = json_flag(answer, "scheduled");
		take_archiving(sidecar, answer, facts);
		take_libraries(answer, facts);
	}
	else
		pgbr_copy_text(facts->asked_error, sizeof(facts->asked_error), error.message);
	json_decref(answer);
	strbuf_done(&text);
}

/* The first line of what a program printed as its error. */
static void
take_first_line(const StrBuf *text, char *line, size_t size)
{
	snprintf(line, size, "%.*s", (int) strcspn(text->data, "\n"), text->data);
	if (line[0] == '\0')
		snprintf(line, size, "it gave no reason");
}

/* Read the configuration as the recovery server of a restore would: with the saved command line. */
static void
run_postgres(Sidecar *sidecar, const char *bin, const PostmasterOpts *opts, DoctorFacts *facts)
{
	const char *argv[POSTMASTER_OPTS_MOST + 8];
	char program[PATH_MAX];
	int count = 0;
	ProcessOutput output;
	PgbrError error;

	snprintf(program, sizeof(program), "%s/postgres", bin);
	argv[count++] = program;
	argv[count++] = "-D";
	argv[count++] = facts->data_directory;
	for (int i = 0; i < opts->count; i++)
		argv[count++] = opts->argv[i];
	argv[count++] = "-C";
	argv[count++] = "shared_preload_libraries";
	argv[count] = NULL;
	process_output_init(&output);
	facts->recovery_known =
		process_run(argv, NULL, TIMEOUT_MS, MAX_OUTPUT, sidecar->stop_fd, &output, &error);
	if (!facts->recovery_known)
		pgbr_copy_text(facts->recovery_error, sizeof(facts->recovery_error), error.message);
	else if (!WIFEXITED(output.status) || WEXITSTATUS(output.status) != 0)
		take_first_line(&output.err, facts->recovery_error, sizeof(facts->recovery_error));
	process_output_done(&output);
}

static void
read_recovery(Sidecar *sidecar, const json_t *node, DoctorFacts *facts)
{
	const char *bin = json_text(node, "postgres_bin");
	char path[PATH_MAX];
	PostmasterOpts opts;
	StrBuf text;
	PgbrError error;

	if (facts->data_directory[0] != '/' || bin == NULL)
		return;
	strbuf_init(&text);
	snprintf(path, sizeof(path), "%s/postmaster.opts", facts->data_directory);
	if (!file_read(path, MAX_OUTPUT, &text, &error))
		pgbr_copy_text(facts->recovery_error, sizeof(facts->recovery_error), error.message);
	else if (postmaster_opts_read(text.data, &opts))
	{
		run_postgres(sidecar, bin, &opts, facts);
		postmaster_opts_done(&opts);
	}
	else
		snprintf(facts->recovery_error, sizeof(facts->recovery_error),
				 "\"%.500s\" can't be understood", path);
	strbuf_done(&text);
}

/* A folder that is not there is made by who uses it, if that may write to what is above. */
static void
look_at_folder(const char *path, DoctorFolder *folder)
{
	char above[DOCTOR_PATH_SIZE];
	struct stat st;

	pgbr_copy_text(folder->path, sizeof(folder->path), path);
	folder->state = DOCTOR_FOLDER_FINE;
	pgbr_copy_text(above, sizeof(above), path);
	while (stat(above, &st) != 0 && errno == ENOENT && strrchr(above, '/') > above)
		*strrchr(above, '/') = '\0';
	if (stat(above, &st) != 0 || faccessat(AT_FDCWD, above, W_OK | X_OK, AT_EACCESS) != 0)
	{
		folder->state = DOCTOR_FOLDER_BAD;
		folder->read_only = errno == EROFS;
		snprintf(folder->reason, sizeof(folder->reason), "%s", strerror(errno));
	}
	else if (!S_ISDIR(st.st_mode))
	{
		folder->state = DOCTOR_FOLDER_BAD;
		snprintf(folder->reason, sizeof(folder->reason), "is not a folder");
	}
}

/* The folders into which a restore writes; what pg_wal and pg_tblspc point to may be elsewhere. */
static void
look_at_data(DoctorFacts *facts)
{
	char path[PATH_MAX];
	const struct dirent *entry;
	DIR *spaces;

	if (facts->data_directory[0] != '/')
		return;
	look_at_folder(facts->data_directory, &facts->data_folder);
	snprintf(path, sizeof(path), "%s/pg_wal", facts->data_directory);
	if (facts->data_folder.state == DOCTOR_FOLDER_FINE)
		look_at_folder(path, &facts->data_folder);
	snprintf(path, sizeof(path), "%s/pg_tblspc", facts->data_directory);
	spaces = opendir(path);
	while (spaces && facts->data_folder.state == DOCTOR_FOLDER_FINE &&
		   (entry = readdir(spaces)) != NULL)
	{
		snprintf(path, sizeof(path), "%s/pg_tblspc/%s", facts->data_directory, entry->d_name);
		if (entry->d_name[0] != '.')
			look_at_folder(path, &facts->data_folder);
	}
	if (spaces)
		closedir(spaces);
}

static void
look_at_option(const PgbackrestFile *file, const char *stanza, const char *option,
			   const char *otherwise, DoctorFolder *folder)
{
	const char *path = retention_option(file, stanza, option);

	look_at_folder(path ? path : otherwise, folder);
}

static bool
is_option(const PgbackrestFile *file, const char *stanza, const char *option, const char *value)
{
	const char *text = retention_option(file, stanza, option);

	return text && strcmp(text, value) == 0;
}

/* What is kept elsewhere, pgbackrest alone can tell of. */
static void
look_at_repositories(const PgbackrestFile *file, const char *stanza, DoctorFolder *folder)
{
	int last = pgbackrest_file_last_repo(file, stanza);

	for (int repo = 1; repo <= (last ? last : 1); repo++)
	{
		const char *path = repo_folder(file, stanza, repo);

		*folder = (DoctorFolder){.state = DOCTOR_FOLDER_NONE};
		if (path)
			look_at_folder(path, folder);
		if (folder->state == DOCTOR_FOLDER_BAD)
			return;
	}
}

static void
read_folders(const SidecarConfig *config, DoctorFacts *facts)
{
	DoctorFolder *const folders[] = {&facts->lock_folder, &facts->log_folder, &facts->spool_folder,
									 &facts->repository_folder};
	PgbackrestFile file = PGBACKREST_FILE_INIT;
	PgbrError error;

	look_at_data(facts);
	look_at_folder(config->state_dir, &facts->state_folder);
	if (retention_files_read(config->pgbackrest_config, &file, &error))
	{
		look_at_option(&file, config->stanza, "lock-path", "/tmp/pgbackrest", folders[0]);
		if (!is_option(&file, config->stanza, "log-level-file", "off"))
			look_at_option(&file, config->stanza, "log-path", "/var/log/pgbackrest", folders[1]);
		if (is_option(&file, config->stanza, "archive-async", "y"))
			look_at_option(&file, config->stanza, "spool-path", "/var/spool/pgbackrest",
						   folders[2]);
		look_at_repositories(&file, config->stanza, folders[3]);
	}
	else
	{
		for (int i = 0; i < 4; i++)
		{
			folders[i]->state = DOCTOR_FOLDER_UNKNOWN;
			pgbr_copy_text(folders[i]->reason, sizeof(folders[i]->reason), error.message);
		}
	}
	pgbackrest_file_done(&file);
}

static void
read_sidecar(Sidecar *sidecar, DoctorFacts *facts)
{
	PgbrError error = PGBR_ERROR_INIT;
	char reason[STANZA_REASON_SIZE];
	InfoSnapshot info;

	facts->stanza_ok = stanza_keeper_state(sidecar->keeper, reason, sizeof(reason));
	snprintf(facts->stanza_reason, sizeof(facts->stanza_reason), "%.600s", reason);
	info_cache_get(sidecar->cache, &info);
	facts->repository_known = info.failed || info.document;
	if (info.failed)
		snprintf(facts->repository_error, sizeof(facts->repository_error), "%.500s", info.message);
	else if (info.document && info.stanza.repo_failed != 0)
		snprintf(facts->repository_error, sizeof(facts->repository_error), "%.500s",
				 info.stanza.repo_message);
	info_snapshot_done(&info);
	if (!job_queue_check(sidecar->queue, &error))
		pgbr_copy_text(facts->queue_error, sizeof(facts->queue_error), error.message);
}

/* Whether some line of a text has pgbackrest make backups. The text is taken apart. */
static bool
has_backup(char *text)
{
	char *rest = NULL;

	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
	{
		if (doctor_is_cron_backup(line))
			return true;
	}
	return false;
}

/* The names of what is found are listed, separated by commas. */
static void
add_found(DoctorFacts *facts, const char *name)
{
	size_t used = strlen(facts->cron_found);

	snprintf(facts->cron_found + used, sizeof(facts->cron_found) - used, "%s%s",
			 used > 0 ? ", " : "", name);
}

static void
read_cron_file(const char *path, DoctorFacts *facts)
{
	StrBuf text;
	PgbrError error;

	strbuf_init(&text);
	if (access(path, F_OK) != 0 && errno == ENOENT)
		;
	else if (!file_read(path, MAX_OUTPUT, &text, &error))
	{
		facts->cron_known = false;
		pgbr_copy_text(facts->cron_error, sizeof(facts->cron_error), error.message);
	}
	else if (text.length > 0 && has_backup(text.data))
		add_found(facts, path);
	strbuf_done(&text);
}

static void
read_cron_folder(const char *folder, DoctorFacts *facts)
{
	char path[PATH_MAX];
	const struct dirent *entry;
	DIR *open = opendir(folder);

	if (open == NULL && errno != ENOENT)
	{
		facts->cron_known = false;
		snprintf(facts->cron_error, sizeof(facts->cron_error), "could not open folder \"%s\": %s",
				 folder, strerror(errno));
	}
	while (open && (entry = readdir(open)) != NULL)
	{
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		if (entry->d_name[0] != '.')
			read_cron_file(path, facts);
	}
	if (open)
		closedir(open);
}

/* The user's own one can be read through crontab alone; where that is not there, there is no cron.
 * A service without new privileges, as ours is, may not read it even so. */
static void
read_crontab(Sidecar *sidecar, DoctorFacts *facts)
{
	static const char *const argv[] = {"crontab", "-l", NULL};
	char name[80];
	size_t used;
	ProcessOutput output;
	PgbrError error;

	process_output_init(&output);
	if (process_run(argv, NULL, TIMEOUT_MS, MAX_OUTPUT, sidecar->stop_fd, &output, &error))
	{
		if (output.out.length > 0 && has_backup(output.out.data))
		{
			snprintf(name, sizeof(name), "the crontab of %s", facts->user);
			add_found(facts, name);
		}
		else if ((!WIFEXITED(output.status) || WEXITSTATUS(output.status) != 0) &&
				 strstr(output.err.data, "no crontab for") == NULL)
		{
			facts->cron_known = false;
			snprintf(facts->cron_error, sizeof(facts->cron_error),
					 "the crontab of %s can't be read from here: ", facts->user);
			used = strlen(facts->cron_error);
			take_first_line(&output.err, facts->cron_error + used,
							sizeof(facts->cron_error) - used);
		}
	}
	else if (error.code != PGBR_ERROR_CONFIG)
	{
		facts->cron_known = false;
		pgbr_copy_text(facts->cron_error, sizeof(facts->cron_error), error.message);
	}
	process_output_done(&output);
}

void
doctor_facts_read(Sidecar *sidecar, const json_t *node, DoctorFacts *facts)
{
	static const char *const cron_folders[] = {"/etc/cron.d", "/etc/cron.hourly", "/etc/cron.daily",
											   "/etc/cron.weekly", "/etc/cron.monthly"};

	*facts = (DoctorFacts){.cron_known = true};
	pgbr_copy_text(facts->stanza, sizeof(facts->stanza), sidecar->config->stanza);
	pgbr_copy_text(facts->own_version, sizeof(facts->own_version), PGBR_VERSION);
	read_user(facts);
	read_node(node, facts);
	read_server(sidecar, facts);
	read_recovery(sidecar, node, facts);
	read_folders(sidecar->config, facts);
	read_sidecar(sidecar, facts);
	read_cron_file("/etc/crontab", facts);
	for (size_t i = 0; i < sizeof(cron_folders) / sizeof(cron_folders[0]); i++)
		read_cron_folder(cron_folders[i], facts);
	read_crontab(sidecar, facts);
}
