/*
 * secret_file.c
 *		See secret_file.h.
 */
#include "common/secret_file.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

bool
pgbr_secret_file_check(const char *path, PgbrError *error)
{
	struct stat st;

	if (stat(path, &st) != 0)
		return pgbr_error_set(error, PGBR_ERROR_CONFIG, "could not open file \"%s\": %s", path,
							  strerror(errno));
	if (!S_ISREG(st.st_mode))
		return pgbr_error_set(error, PGBR_ERROR_CONFIG, "file \"%s\" is not a regular file", path);
	if ((st.st_mode & (st.st_uid == 0 ? 0037 : 0077)) == 0)
		return true;
	pgbr_error_set(error, PGBR_ERROR_CONFIG, "file \"%s\" has group or world access", path);
	return pgbr_error_hint(error, "File must have permissions u=rw (0600) or less if owned by the "
								  "current user, or permissions u=rw,g=r (0640) or less if owned "
								  "by root.");
}
