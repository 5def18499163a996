/*
 * fence.c
 *		See fence.h.
 */
#include "sidecar/postgres/fence.h"

#include "common/strbuf.h"
#include "common/vocabulary.h"
#include "program/file.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * PostgreSQL refuses a directory to which others have any right. Write without execute gives them
 * none.
 */
#define GUARD S_IWOTH

typedef struct Paths
{
	char global[PATH_MAX + 16];
	char control[PATH_MAX + 32];
	char fence[PATH_MAX + 16];
	char fence_global[PATH_MAX + 32];
	char fenced[PATH_MAX + 48];
	char kept[PATH_MAX + 32];
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
	snprintf(paths->kept, sizeof(paths->kept), "%s/kept", paths->fence);
	return true;
}

static bool
fence_fail(const char *what, const char *path, PgbrError *error)
{
	return pgbr_error_set(error, PGBR_ERROR_STORAGE, "could not %s \"%s\": %s", what, path,
						  strerror(errno));
}

/* The mode is on disk at the return. */
static bool
set_guard(const char *data_directory, bool on, PgbrError *error)
{
	struct stat st;
	mode_t mode;

	if (stat(data_directory, &st) != 0)
		return errno == ENOENT || fence_fail("look at folder", data_directory, error);
	mode = (st.st_mode & 07777 & ~(mode_t) GUARD) | (on ? GUARD : 0);
	if (mode == (st.st_mode & 07777))
		return true;
	return (chmod(data_directory, mode) == 0 ||
			fence_fail("set the mode of folder", data_directory, error)) &&
		   file_sync_folder(data_directory, error);
}

/* Put the new name on disk before the old one is removed. */
static bool
move(const char *from, const char *to, const char *from_folder, const char *to_folder,
	 PgbrError *error)
{
	return (rename(from, to) == 0 || fence_fail("rename", from, error)) &&
		   file_sync_folder(to_folder, error) && file_sync_folder(from_folder, error);
}

static bool
take_away(const char *data_directory, const Paths *paths, PgbrError *error)
{
	return file_make_folder(paths->fence_global, error) && file_sync_folder(paths->fence, error) &&
		   file_sync_folder(data_directory, error) &&
		   move(paths->control, paths->fenced, paths->global, paths->fence_global, error);
}

bool
fence_raise(const char *data_directory, PgbrError *error)
{
	Paths paths;

	if (!make_paths(data_directory, &paths, error))
		return false;
	if (access(paths.control, F_OK) == 0 && !take_away(data_directory, &paths, error))
		return false;
	return set_guard(data_directory, false, error);
}

/*
 * Leaves files that others have put there. On a read-only disk rmdir says so also of what is not
 * there.
 */
static bool
drop_folder(const char *path, PgbrError *error)
{
	if (rmdir(path) == 0 || errno == ENOENT || errno == ENOTEMPTY || errno == EEXIST)
		return true;
	return (errno == EROFS && access(path, F_OK) != 0) || fence_fail("remove folder", path, error);
}

static bool
end_keep(const Paths *paths, PgbrError *error)
{
	if (unlink(paths->kept) == 0)
		return file_sync_folder(paths->fence, error);
	return errno == ENOENT || errno == ENOTDIR || access(paths->kept, F_OK) != 0 ||
		   fence_fail("remove file", paths->kept, error);
}

/* Put pg_control into its place, if it is not there. */
static bool
put_back(const Paths *paths, PgbrError *error)
{
	/* from now on a server may write */
	if (!end_keep(paths, error))
		return false;
	/* other files may have taken the place of the fenced ones */
	if (access(paths->fenced, F_OK) == 0 &&
		!(access(paths->control, F_OK) == 0
			  ? (unlink(paths->fenced) == 0 || fence_fail("remove file", paths->fenced, error)) &&
					file_sync_folder(paths->fence_global, error)
			  : move(paths->fenced, paths->control, paths->fence_global, paths->global, error)))
		return false;
	return drop_folder(paths->fence_global, error) && drop_folder(paths->fence, error);
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

bool
fence_keep(const char *data_directory, const char *restore, PgbrError *error)
{
	Paths paths;

	if (!make_paths(data_directory, &paths, error))
		return false;
	if (access(paths.fenced, F_OK) != 0)
		return pgbr_error_set(error, PGBR_ERROR_CONFLICT,
							  "the data directory \"%s\" can't be kept: it has no pg_control",
							  data_directory);
	return file_write_secret(paths.kept, restore, strlen(restore), error) &&
		   file_sync_folder(paths.fence, error);
}

bool
fence_end_keep(const char *data_directory, PgbrError *error)
{
	Paths paths;

	return make_paths(data_directory, &paths, error) && end_keep(&paths, error);
}

void
fence_kept_for(const char *data_directory, char *restore, size_t size)
{
	Paths paths;
	StrBuf text;

	restore[0] = '\0';
	strbuf_init(&text);
	if (make_paths(data_directory, &paths, NULL) && access(paths.fenced, F_OK) == 0 &&
		file_read(paths.kept, size - 1, &text, NULL) && pgbr_is_job_id(text.data))
		pgbr_copy_text(restore, size, text.data);
	strbuf_done(&text);
}

bool
fence_lacks_control(const char *data_directory)
{
	Paths paths;

	return make_paths(data_directory, &paths, NULL) && access(paths.control, F_OK) != 0 &&
		   access(paths.fenced, F_OK) != 0;
}
