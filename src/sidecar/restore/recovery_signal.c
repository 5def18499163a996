/*
 * recovery_signal.c
 *		See recovery_signal.h.
 */
#include "sidecar/restore/recovery_signal.h"

#include "program/file.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME "recovery.signal"

static bool
signal_fail(const char *what, const char *path, PgbrError *error)
{
	return pgbr_error_set(error, PGBR_ERROR_STORAGE, "could not %s file \"%s\": %s", what, path,
						  strerror(errno));
}

bool
recovery_signal_set(const char *data_directory, PgbrError *error)
{
	char path[PATH_MAX + 16];
	char made[PATH_MAX + 32];

	snprintf(path, sizeof(path), "%.4000s/" NAME, data_directory);
	snprintf(made, sizeof(made), "%s.new", path);
	/* by another name: there is no moment without the file */
	if (unlink(made) != 0 && errno != ENOENT)
		return signal_fail("remove", made, error);
	return (mknod(made, S_IFSOCK | 0600, 0) == 0 || mknod(made, S_IFREG | 0600, 0) == 0 ||
			signal_fail("create", made, error)) &&
		   (rename(made, path) == 0 || signal_fail("rename", made, error)) &&
		   file_sync_folder(data_directory, error);
}

bool
recovery_signal_is_set(const char *data_directory)
{
	char path[PATH_MAX + 16];

	snprintf(path, sizeof(path), "%.4000s/" NAME, data_directory);
	return access(path, F_OK) == 0;
}

bool
recovery_signal_forget_standby(const char *data_directory, PgbrError *error)
{
	char path[PATH_MAX + 16];

	snprintf(path, sizeof(path), "%.4000s/standby.signal", data_directory);
	return unlink(path) == 0 || errno == ENOENT || signal_fail("remove", path, error);
}
