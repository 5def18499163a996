/*
 * unfence.c
 *		Step node-unfence: the PostgreSQL of the data directory may be started again.
 */
#include "common/wal.h"
#include "program/file.h"
#include "sidecar/postgres/fence.h"
#include "sidecar/restore/parent_segments.h"
#include "sidecar/restore/recovery_signal.h"
#include "sidecar/restore/server_stop.h"
#include "sidecar/restore/step_folder.h"
#include "sidecar/restore/step_pgbackrest.h"
#include "sidecar/restore/step_tools.h"
#include "sidecar/steps/step_table.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* A standby has no WAL to archive. */
#define STANDBY_SECONDS 30

#define HISTORY_MOST (1024 * 1024)

/*
 * Have the archiver of a leader, whether or not it runs, know of the history of its timeline.
 * Patroni removes archive_status where it takes a leader for one that has crashed, after it has
 * archived the segments itself (Rewind.cleanup_archive_status). STORAGE.
 */
static bool
mark_history_ready(StepContext *context, PgbrError *error)
{
	static const char *const ways[] = {"done", "ready"};
	ControlData control;
	char name[WAL_HISTORY_NAME_SIZE];
	char path[PATH_MAX];
	int fd;

	/* what can't be read is no reason not to let the server start */
	if (!step_control(context, &control, error))
	{
		step_log(context, "%s", error->message);
		return true;
	}
	wal_history_name(name, control.timeline);
	snprintf(path, sizeof(path), "%.3900s/pg_wal/%s", context->data_directory, name);
	if (access(path, F_OK) != 0)
		return true;
	for (int i = 0; i < 2; i++)
	{
		snprintf(path, sizeof(path), "%.3900s/pg_wal/archive_status/%s.%s", context->data_directory,
				 name, ways[i]);
		if (access(path, F_OK) == 0)
			return true;
	}
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return pgbr_error_set(error, PGBR_ERROR_STORAGE, "could not create file \"%s\": %s", path,
							  strerror(errno));
	close(fd);
	step_log(context, "the history of timeline %u waits for the archiver again", control.timeline);
	return true;
}

/* Patroni may have made a standby of a leader that was down, and have started it as one. */
static bool
end_standby(StepContext *context, PgbrError *error)
{
	char path[PATH_MAX];
	bool was_running;
	const char *how;

	snprintf(path, sizeof(path), "%s/standby.signal", context->data_directory);
	return access(path, F_OK) != 0 ||
		   (server_stop(context, STANDBY_SECONDS, &was_running, &how, error) &&
			recovery_signal_forget_standby(context->data_directory, error));
}

/* Another restore may be given up; this member stays as it is all the same. */
static bool
is_kept_for_another(StepContext *context)
{
	char kept_for[JOB_ID_SIZE];

	fence_kept_for(context->data_directory, kept_for, sizeof(kept_for));
	if (kept_for[0] == '\0' || strcmp(kept_for, context->restore) == 0)
		return false;
	step_log(context, "this member is kept for restore %s: its fence stays", kept_for);
	return true;
}

/* Once its first segment is archived, a replica may meet a prepared transaction in it. */
static bool
link_parents(StepContext *context, uint32_t timeline, Job *job, PgbrError *error)
{
	char name[WAL_HISTORY_NAME_SIZE];
	char path[PATH_MAX];
	ControlData control;
	PgbackrestRun output;
	Command command;
	StrBuf history;
	bool ok;

	/* an earlier run has done it, and a server may run by now */
	if (!fence_stands(context->data_directory))
		return true;
	wal_history_name(name, timeline);
	/* pgbackrest reads pg_control */
	if (!step_control(context, &control, error) ||
		!step_folder_path(context, "history", path, error) ||
		!fence_open(context->data_directory, error))
		return false;
	pgbackrest_run_init(&output, PGBR_JOB_BACKUP);
	pgbackrest_get_command(context->config, context->data_directory, name, path, &command);
	ok = step_pgbackrest_run(context, &command, &output, NULL, NULL, job, error);
	command_done(&command);
	strbuf_init(&history);
	ok = ok && file_read(path, HISTORY_MOST, &history, error) &&
		 parent_segments_link(context->data_directory, history.data, timeline,
							  control.wal_segment_size, error);
	strbuf_done(&history);
	return fence_raise(context->data_directory, ok ? error : NULL) && ok;
}

bool
step_unfence(StepContext *context, const StepArguments *arguments, Job *job, PgbrError *error)
{
	if (is_kept_for_another(context))
		return true;
	return (arguments->timeline <= 1 || arguments->primary ||
			link_parents(context, arguments->timeline, job, error)) &&
		   (!arguments->primary ||
			(end_standby(context, error) && mark_history_ready(context, error))) &&
		   fence_lift(context->data_directory, error);
}
