/*
 * fence.c
 *		See fence.h.
 */
#include "sidecar/fence.h"

#include "program/file.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* PostgreSQL refuses a directory to which others have any right. Write without execute gives them none. */
#define GUARD S_IWOTH

typedef struct Paths
{
	char folder[PATH_MAX];
	char control[PATH_MAX + 32];
	char fenced[PATH_MAX + 32];
} Paths;

static bool
make_paths(const char *data_directory, Paths *paths, PgbrError *error)
{
	if (snprintf(paths->folder, sizeof(paths->folder), "%s/global", data_directory) >=
		(int) sizeof(paths->folder))
		return pgbr_error_set(error, PGBR_ERROR_CONFIG, "the data directory's path is too long");
	snprintf(paths->control, sizeof(paths->control), "%s/pg_control", paths->folder);
	snprintf(paths->fenced, sizeof(paths->fenced), "%s/" FENCE_FILE, paths->folder);
	return true;
}

static bool
set_guard(const char *data_directory, bool on, PgbrError *error)
{
	struct stat st;
	mode_t mode;

	if (stat(data_directory, &st) != 0)
		return errno == ENOENT ||
			   pgbr_error_set(error, PGBR_ERROR_STORAGE, "could not look at folder \"%s\": %s",
							  data_directory, strerror(errno));
	mode = (st.st_mode & 07777 & ~(mode_t) GUARD) | (on ? GUARD : 0);
	return mode == (st.st_mode & 07777) || chmod(data_directory, mode) == 0 ||
		   pgbr_error_set(error, PGBR_ERROR_STORAGE, "could not set the mode of folder \"%s\": %s",
						  data_directory, strerror(errno));
}

/* True also when there is no such file. The new name is on disk at the return. */
static bool
move(const char *from, const char *to, const char *folder, PgbrError *error)
{
	if (rename(from, to) != 0)
		return errno == ENOENT ||
			   pgbr_error_set(error, PGBR_ERROR_STORAGE, "could not rename \"%s\": %s", from,
							  strerror(errno));
	return file_sync_folder(folder, error);
}

bool
fence_raise(const char *data_directory, PgbrError *error)
{
	Paths paths;

	return make_paths(data_directory, &paths, error) &&
		   move(paths.control, paths.fenced, paths.folder, error) &&
		   set_guard(data_directory, false, error);
}

bool
fence_lift(const char *data_directory, PgbrError *error)
{
	Paths paths;

	if (!make_paths(data_directory, &paths, error) || !set_guard(data_directory, false, error))
		return false;
	/* somebody has put other files in the place of those that were fenced */
	if (access(paths.control, F_OK) == 0)
		return unlink(paths.fenced) == 0 || errno == ENOENT ||
			   pgbr_error_set(error, PGBR_ERROR_STORAGE, "could not remove file \"%s\": %s",
							  paths.fenced, strerror(errno));
	return move(paths.fenced, paths.control, paths.folder, error);
}

bool
fence_guard(const char *data_directory, PgbrError *error)
{
	return set_guard(data_directory, true, error);
}

bool
fence_stands(const char *data_directory)
{
	Paths paths;

	return make_paths(data_directory, &paths, NULL) && access(paths.fenced, F_OK) == 0;
}
