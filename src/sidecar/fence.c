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
	char global[PATH_MAX + 16];
	char control[PATH_MAX + 32];
	char fence[PATH_MAX + 16];
	char fence_global[PATH_MAX + 32];
	char fenced[PATH_MAX + 48];
} Paths;

static bool
make_paths(const char *data_directory, Paths *paths, PgbrError *error)
{
	if (strlen(data_directory) >= PATH_MAX)
		return pgbr_error_set(error, PGBR_ERROR_CONFIG, "the data directory's path is too long");
	snprintf(paths->global, sizeof(paths->global), "%.4095s/global", data_directory);
	snprintf(paths->control, sizeof(paths->control), "%s/pg_control", paths->global);
	snprintf(paths->fence, sizeof(paths->fence), "%.4095s/" FENCE_FOLDER, data_directory);
	snprintf(paths->fence_global, sizeof(paths->fence_global), "%s/global", paths->fence);
	snprintf(paths->fenced, sizeof(paths->fenced), "%s/pg_control", paths->fence_global);
	return true;
}

static bool
fail(const char *what, const char *path, PgbrError *error)
{
	return pgbr_error_set(error, PGBR_ERROR_STORAGE, "could not %s \"%s\": %s", what, path,
						  strerror(errno));
}

static bool
set_guard(const char *data_directory, bool on, PgbrError *error)
{
	struct stat st;
	mode_t mode;

	if (stat(data_directory, &st) != 0)
		return errno == ENOENT || fail("look at folder", data_directory, error);
	mode = (st.st_mode & 07777 & ~(mode_t) GUARD) | (on ? GUARD : 0);
	return mode == (st.st_mode & 07777) || chmod(data_directory, mode) == 0 ||
		   fail("set the mode of folder", data_directory, error);
}

static bool
make_folder(const char *path, PgbrError *error)
{
	return mkdir(path, 0700) == 0 || errno == EEXIST || fail("create folder", path, error);
}

/* The new name is on disk at the return. */
static bool
move(const char *from, const char *to, const Paths *paths, PgbrError *error)
{
	return (rename(from, to) == 0 || fail("rename", from, error)) &&
		   file_sync_folder(paths->fence_global, error) && file_sync_folder(paths->global, error);
}

bool
fence_raise(const char *data_directory, PgbrError *error)
{
	Paths paths;

	if (!make_paths(data_directory, &paths, error))
		return false;
	if (access(paths.control, F_OK) == 0 &&
		(!make_folder(paths.fence, error) || !make_folder(paths.fence_global, error) ||
		 !move(paths.control, paths.fenced, &paths, error)))
		return false;
	return set_guard(data_directory, false, error);
}

/* Put pg_control into its place, if it is not there. */
static bool
put_back(const Paths *paths, PgbrError *error)
{
	/* somebody may have put other files in the place of those that were fenced */
	if (access(paths->fenced, F_OK) == 0 &&
		!(access(paths->control, F_OK) == 0
			  ? unlink(paths->fenced) == 0 || fail("remove file", paths->fenced, error)
			  : move(paths->fenced, paths->control, paths, error)))
		return false;
	return ((rmdir(paths->fence_global) == 0 || errno == ENOENT) &&
			(rmdir(paths->fence) == 0 || errno == ENOENT)) ||
		   fail("remove folder", paths->fence, error);
}

bool
fence_lift(const char *data_directory, PgbrError *error)
{
	Paths paths;

	return make_paths(data_directory, &paths, error) && put_back(&paths, error) &&
		   set_guard(data_directory, false, error);
}

bool
fence_open(const char *data_directory, PgbrError *error)
{
	Paths paths;

	return make_paths(data_directory, &paths, error) && set_guard(data_directory, true, error) &&
		   put_back(&paths, error);
}

bool
fence_guard(const char *data_directory, PgbrError *error)
{
	return set_guard(data_directory, true, error);
}

bool
fence_has_control(const char *data_directory)
{
	Paths paths;

	return make_paths(data_directory, &paths, NULL) && access(paths.fenced, F_OK) == 0;
}

bool
fence_stands(const char *data_directory)
{
	struct stat st;

	return fence_has_control(data_directory) ||
		   (stat(data_directory, &st) == 0 && (st.st_mode & GUARD));
}
