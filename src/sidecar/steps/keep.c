/*
 * keep.c
 *		Step node-keep: a copy of the stopped data directory beside it, DATA.before-ID, with its
 *		tablespaces and WAL inside, wherever they lie.
 *
 * It has its name only when it is whole: a half one lies under another and is thrown away.
 */
#include "program/copy_folder.h"
#include "sidecar/postgres/fence.h"
#include "sidecar/queue/job_turn.h"
#include "sidecar/restore/step_tools.h"
#include "sidecar/steps/step_table.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* Left free: a file system that is filled to the brim is of no use to the restore. */
#define SPARE (INT64_C(64) * 1024 * 1024)

typedef struct Keeping
{
	StepContext *context;
	int64_t total;
} Keeping;

static bool
show(void *argument, int64_t bytes)
{
	Keeping *keeping = argument;
	JobProgress progress = {"copying", bytes, keeping->total, 0};

	if (progress.bytes_done > progress.bytes_total)
		progress.bytes_done = progress.bytes_total;
	progress.percent =
		keeping->total > 0 ? (double) progress.bytes_done * 100 / (double) keeping->total : 100;
	job_queue_progress(keeping->context->queue, &progress);
	return !step_is_stopped(keeping->context);
}

/* Try whether a file of the directory can share its blocks with one beside it. */
static bool
can_share(const char *data_directory, const char *probe)
{
	char path[PATH_MAX];
	int from;
	int to;
	bool ok;

	snprintf(path, sizeof(path), "%s/PG_VERSION", data_directory);
	from = open(path, O_RDONLY | O_CLOEXEC);
	to = open(probe, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	ok = from >= 0 && to >= 0 && ioctl(to, FICLONE, from) == 0;
	if (from >= 0)
		close(from);
	if (to >= 0)
		close(to);
	unlink(probe);
	return ok;
}

static bool
check_room(const char *data_directory, int64_t needed, PgbrError *error)
{
	char parent[PATH_MAX];
	struct statvfs disk;
	int64_t free_bytes;

	snprintf(parent, sizeof(parent), "%s/..", data_directory);
	if (statvfs(parent, &disk) != 0)
		return pgbr_error_set(error, PGBR_ERROR_STORAGE, "could not look at \"%s\": %s", parent,
							  strerror(errno));
	free_bytes = (int64_t) disk.f_bavail * (int64_t) disk.f_frsize;
	if (free_bytes >= needed + SPARE)
		return true;
	pgbr_error_set(error, PGBR_ERROR_STORAGE,
				   "a copy of the data directory takes %lld bytes, and %lld are free beside it",
				   (long long) needed, (long long) free_bytes);
	return pgbr_error_hint(error, "Make room, or restore without keeping a copy.");
}

static bool
make_copy(StepContext *context, const char *part, const char *path, int64_t bytes, PgbrError *error)
{
	Keeping keeping = {context, bytes};
	CopyFolder copy = {.go_on = show, .argument = &keeping};
	PgbrError ignored;

	if (!remove_folder(part, error))
		return false;
	copy.may_share = can_share(context->data_directory, part);
	if (!copy.may_share && !check_room(context->data_directory, bytes, error))
		return false;
	if (copy_folder(&copy, context->data_directory, part, error) && fence_lift(part, error))
	{
		if (rename(part, path) == 0)
			return true;
		pgbr_error_set(error, PGBR_ERROR_STORAGE, "could not rename \"%s\": %s", part,
					   strerror(errno));
	}
	/* what is half done helps nobody, and its room may be what is missing */
	(void) remove_folder(part, &ignored);
	return false;
}

bool
step_keep(StepContext *context, const StepArguments *arguments, Job *job, PgbrError *error)
{
	char path[PATH_MAX];
	char part[PATH_MAX + 8];
	struct stat st;
	int64_t bytes;
	int length = (int) strlen(context->data_directory);

	(void) arguments;
	(void) job;
	/* a slash at its end would put the copy inside */
	while (length > 1 && context->data_directory[length - 1] == '/')
		length--;
	if (snprintf(path, sizeof(path), "%.*s.before-%s", length, context->data_directory,
				 context->restore) >= (int) sizeof(path))
		return pgbr_error_set(error, PGBR_ERROR_CONFIG, "the data directory's path is too long");
	snprintf(part, sizeof(part), "%s.part", path);
	job_queue_progress(context->queue, &(JobProgress){"copying", 0, -1, -1});
	if (stat(path, &st) == 0)
	{
		step_log(context, "the copy already exists: \"%s\"", path);
		if (!copy_folder_size(path, &bytes, error))
			return false;
	}
	else if (!step_must_be_down(context, error) ||
			 !copy_folder_size(context->data_directory, &bytes, error) ||
			 !make_copy(context, part, path, bytes, error))
		return false;
	context->result = json_pack("{ss sI}", "path", path, "bytes", (json_int_t) bytes);
	return true;
}
