/*
 * restore.c
 *		Step node-restore: pgbackrest restores the data directory. Of files that are as the backup
 *		has them only the checksum is read.
 *
 * pgbackrest takes no lock for a restore, and two of them into one directory both say that they
 * went well. The queue runs one at a time; one that was started by hand is looked for.
 */
#include "sidecar/postgres/data_links.h"
#include "sidecar/postgres/fence.h"
#include "sidecar/pgbackrest/backup_tablespaces.h"
#include "sidecar/restore/step_folder.h"
#include "sidecar/restore/step_pgbackrest.h"
#include "sidecar/restore/step_tools.h"
#include "sidecar/pgbackrest/command_line.h"
#include "sidecar/restore/recovery_server.h"
#include "sidecar/restore/tablespace_folders.h"
#include "sidecar/steps/step_table.h"

#include "program/log.h"
#include "program/process.h"
#include "sidecar/queue/job_turn.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* exit codes of pgbackrest */
#define PGBACKREST_FILE_WRITE  64 /* when it could not write */
#define PGBACKREST_SET_INVALID 75 /* when there is no such backup */

/* True when the arguments, each ended by a NUL, hold the text. */
static bool
has_argument(const StrBuf *line, const char *text)
{
	for (size_t at = 0; at < line->length; at += strlen(line->data + at) + 1)
	{
		if (strcmp(line->data + at, text) == 0)
			return true;
	}
	return false;
}

static bool
has_option(const StrBuf *line, const char *name)
{
	for (size_t at = 0; at < line->length; at += strlen(line->data + at) + 1)
	{
		if (strncmp(line->data + at, name, strlen(name)) == 0)
			return true;
	}
	return false;
}

/* True for pgbackrest and for a script around it, which stands behind its shell. */
static bool
is_pgbackrest(const StrBuf *line)
{
	size_t at = 0;

	for (int i = 0; i < 2 && at < line->length; i++)
	{
		const char *argument = line->data + at;
		const char *slash = strrchr(argument, '/');

		if (strncmp(slash ? slash + 1 : argument, "pgbackrest", strlen("pgbackrest")) == 0)
			return true;
		at += strlen(argument) + 1;
	}
	return false;
}

/* A restore of another process that writes where ours will: into this directory by name, or with
 * our configuration. */
static bool
is_same_restore(const void *argument, const StrBuf *line)
{
	const StepContext *context = argument;
	const SidecarConfig *config = context->config;
	char option[4200];

	if (!has_argument(line, "restore") || !is_pgbackrest(line))
		return false;
	if (has_option(line, "--pg1-path="))
	{
		snprintf(option, sizeof(option), "--pg1-path=%s", context->data_directory);
		return has_argument(line, option);
	}
	snprintf(option, sizeof(option), "--stanza=%s", config->stanza);
	if (!has_argument(line, option))
		return false;
	if (config->pgbackrest_config == NULL)
		return !has_option(line, "--config=");
	snprintf(option, sizeof(option), "--config=%s", config->pgbackrest_config);
	return has_argument(line, option);
}

static bool
check_alone(const StepContext *context, PgbrError *error)
{
	pid_t found = process_find(is_same_restore, context);

	if (!found)
		return true;
	pgbr_error_set(error, PGBR_ERROR_CONFLICT,
				   "another pgbackrest restores into the same data directory, process %d",
				   (int) found);
	return pgbr_error_hint(error, "Wait for its end, or end it; two at once destroy each other.");
}

/* pgbackrest wants the folder to be there. */
static bool
make_directory(const char *path, PgbrError *error)
{
	return mkdir(path, 0700) == 0 || errno == EEXIST ||
		   pgbr_error_set(error, PGBR_ERROR_STORAGE, "could not create folder \"%s\": %s", path,
						  strerror(errno));
}

/* False when the member has lost its data directory. */
static bool
has_files(const char *data_directory)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%.3900s/PG_VERSION", data_directory);
	return access(path, F_OK) == 0;
}

typedef struct Restoring
{
	const StepContext *context;
	PgbackrestRun *output;
	bool fence;
	bool guarded;
	int64_t bytes;
	int64_t files;
} Restoring;

static void
follow_restore(void *argument, const char *line)
{
	Restoring *restoring = argument;
	PgbrError error;

	(void) pgbackrest_read_restored(line, &restoring->bytes, &restoring->files);
	/* before the first file it sets the mode of the directory */
	if (!restoring->fence || restoring->guarded || restoring->output->progress.bytes_done <= 0)
		return;
	restoring->guarded = true;
	/* without it there is a moment in which a server can slip in, which is noticed below */
	if (!fence_guard(restoring->context->data_directory, &error))
		log_error(NULL, "could not forbid the start of PostgreSQL", &error);
}

/* Patroni can't start what was restored from here on. */
static bool
fence_off(StepContext *context, PgbrError *error)
{
	return fence_raise(context->data_directory, error) && step_must_be_down(context, error);
}

static bool
keep_target(StepContext *context, const RecoveryTarget *target, PgbrError *error)
{
	json_t *json =
		json_pack("{ss ss sb sI}", "type", recovery_type_name(target->type), "text", target->text,
				  "exclusive", target->exclusive, "timeline", (json_int_t) target->timeline);
	char *text = json ? json_dumps(json, JSON_COMPACT) : NULL;
	bool ok = text ? step_folder_write(context, "target.json", text, error)
				   : pgbr_error_set(error, PGBR_ERROR_INTERNAL, "out of memory");

	free(text);
	json_decref(json);
	return ok;
}

/*
 * Take away what a server has fetched: the last segment may go on past the point to which the
 * cluster is restored, and a standby that can't reach the archive for a moment would replay all of
 * it.
 */
static bool
forget_wal(const StepContext *context, PgbrError *error)
{
	char path[PATH_MAX];
	struct dirent *entry;
	DIR *folder;
	int failed = 0;

	snprintf(path, sizeof(path), "%s/pg_wal", context->data_directory);
	folder = opendir(path);
	failed = folder ? 0 : errno;
	while (folder && !failed && (entry = readdir(folder)) != NULL)
	{
		bool segment = pgbr_is_wal_segment(entry->d_name);

		if (!segment && strcmp(entry->d_name, "RECOVERYXLOG") != 0)
			continue;
		snprintf(path, sizeof(path), "archive_status/%s.done", entry->d_name);
		if (unlinkat(dirfd(folder), entry->d_name, 0) != 0 ||
			(segment && unlinkat(dirfd(folder), path, 0) != 0 && errno != ENOENT))
			failed = errno;
	}
	if (folder)
		closedir(folder);
	return !failed || pgbr_error_set(error, PGBR_ERROR_STORAGE, "could not empty \"%s/pg_wal\": %s",
									 context->data_directory, strerror(failed));
}

/*
 * pg_control of a backup says "in production", which Patroni 3 takes for a server that has
 * crashed: before it starts that one as a replica it tries recovery without the archive, and fails.
 * A standby that has begun recovery says so. One that can't has its files all the same, and its
 * reason again when Patroni starts it.
 */
static bool
begin_recovery(StepContext *context, bool fence, PgbrError *error)
{
	RecoveryServer server;
	ControlData before;
	ControlData control;
	PgbrError reason = PGBR_ERROR_INIT;
	PgbrError ignored;

	if (!step_control(context, &before, &reason))
	{
		step_log(context, "could not begin recovery of the replica: %s", reason.message);
		return true;
	}
	if (recovery_server_start(&server, context, NULL, fence, &reason))
		(void) recovery_server_wait_begun(&server, &reason);
	(void) recovery_server_stop(&server, &ignored);
	if (!(fence ? fence_off(context, error) : step_must_be_down(context, error)) ||
		!forget_wal(context, error))
		return false;
	if (step_is_stopped(context))
		return pgbr_error_set(error, PGBR_ERROR_ABORTED, "recovery was stopped");
	if (!step_control(context, &control, error))
		return false;
	/* without the signal file PostgreSQL replays all that it finds, and is a primary then */
	if (server.log.ready || (!server.log.standby && strcmp(control.state, before.state) != 0))
	{
		pgbr_error_set(error, PGBR_ERROR_NOT_FOUND,
					   "standby.signal was removed by another process");
		return pgbr_error_hint(
			error, "Patroni does this before it recovers a server. Ask for the step again.");
	}
	if (!control_data_is_replica(&control))
		step_log(context, "could not begin recovery of the replica: %s", reason.message);
	return true;
}

/*
 * What pgbackrest does not do about tablespaces; map, unless it is NULL, gets those that lie
 * elsewhere than the backup says.
 */
static bool
care_for_tablespaces(StepContext *context, const StepArguments *arguments, json_t *map, Job *job,
					 PgbrError *error)
{
	BackupTablespaces backup;
	bool ok = backup_tablespaces_ask(context->config, arguments->repo, arguments->target.set,
									 job_queue_stop_fd(context->queue), &backup, error);

	if (!ok && error->code == PGBR_ERROR_NOT_FOUND)
	{
		job->exit_code = PGBACKREST_SET_INVALID;
		pgbr_copy_text(job->error, sizeof(job->error),
					   pgbackrest_error_name(PGBACKREST_SET_INVALID));
	}
	ok = ok && (!map || tablespace_folders_map(context->data_directory, &backup, map, error)) &&
		 tablespace_folders_empty(context, &backup, error);
	backup_tablespaces_done(&backup);
	return ok;
}

static bool
run_restore(StepContext *context, const StepArguments *arguments, const json_t *map,
			Restoring *restoring, Job *job, PgbrError *error)
{
	Command command;
	bool ok;

	pgbackrest_restore_command(context->config, arguments->repo, &arguments->target,
							   context->data_directory, map, &command);
	ok = step_pgbackrest_run(context, &command, restoring->output, follow_restore, restoring, job,
							 error);
	command_done(&command);
	/* the hint of its exit code is that of a backup, which writes elsewhere */
	if (!ok && job->exit_code == PGBACKREST_FILE_WRITE)
		pgbr_copy_text(job->hint, sizeof(job->hint),
					   "Make room in the data directory's file system and ask again.");
	return ok;
}

/* Restore the files, and put the links of this member where it had them. */
static bool
restore_files(StepContext *context, const StepArguments *arguments, Restoring *restoring, Job *job,
			  PgbrError *error)
{
	const char *data_directory = context->data_directory;
	const char *state_dir = context->config->state_dir;
	json_t *map = has_files(data_directory) ? json_object() : NULL;
	json_t *links = data_links_hold(data_directory, state_dir, error);
	bool ok = links && care_for_tablespaces(context, arguments, map, job, error) &&
			  run_restore(context, arguments, map, restoring, job, error) &&
			  (!arguments->fence || fence_off(context, error)) &&
			  data_links_put_back(data_directory, state_dir, links, error);

	json_decref(links);
	json_decref(map);
	return ok;
}

bool
step_restore(StepContext *context, const StepArguments *arguments, Job *job, PgbrError *error)
{
	PgbackrestRun output;
	Restoring restoring = {context, &output, arguments->fence, false, -1, -1};
	bool ok;

	if (!step_folder_save(context, error) || !step_must_be_down(context, error) ||
		!check_alone(context, error) || !make_directory(context->data_directory, error))
		return false;
	/* what an earlier recovery has reached is void from here on */
	if (!fence_end_keep(context->data_directory, error) ||
		!step_folder_forget(context, "recovered.json", error) ||
		!step_folder_forget(context, "recovery.log", error) ||
		!keep_target(context, &arguments->target, error))
		return false;
	pgbackrest_run_init(&output, PGBR_JOB_BACKUP);
	job_queue_progress(context->queue, &output.progress);
	ok = restore_files(context, arguments, &restoring, job, error);
	if (arguments->target.type == RECOVERY_STANDBY)
		ok = ok && begin_recovery(context, arguments->fence, error);
	if (ok)
		context->result = json_pack("{sI sI}", "bytes", (json_int_t) restoring.bytes, "files",
									(json_int_t) restoring.files);
	return ok;
}
