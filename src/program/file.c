/*
 * file.c
 *		See file.h.
 */
#include "program/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * Opened without waiting: a pipe of that name must not stop the caller, nor a device give for ever.
 */
static int
open_regular(const char *path, PgbrError *error)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) != 0)
	{
		bool denied = errno == EACCES;

		pgbr_error_set(error, PGBR_ERROR_CONFIG, "could not open file \"%s\": %s", path,
					   strerror(errno));
		if (denied)
			pgbr_error_hint(error, "User %u, who runs this, must be able to read it.",
							(unsigned int) geteuid());
	}
	else if (S_ISREG(st.st_mode))
		return fd;
	else
		pgbr_error_set(error, PGBR_ERROR_CONFIG, "file \"%s\" is not a regular file", path);
	if (fd >= 0)
		close(fd);
	return -1;
}

bool
file_read(const char *path, size_t max, StrBuf *content, PgbrError *error)
{
	char block[8192];
	ssize_t got;
	int fd = open_regular(path, error);

	if (fd < 0)
		return false;
	while ((got = read(fd, block, sizeof(block))) > 0)
	{
		if (content->length + (size_t) got > max)
		{
			close(fd);
			return pgbr_error_set(error, PGBR_ERROR_TOO_LARGE,
								  "file \"%s\" is larger than %zu bytes", path, max);
		}
		strbuf_append(content, block, (size_t) got);
	}
	if (got < 0)
		pgbr_error_set(error, PGBR_ERROR_CONFIG, "could not read file \"%s\": %s", path,
					   strerror(errno));
	else if (content->failed)
		pgbr_error_set(error, PGBR_ERROR_INTERNAL, "out of memory");
	close(fd);
	return got == 0 && !content->failed;
}

bool
file_check_writers(const char *path, PgbrError *error)
{
	struct stat st;

	/* whoever reads it says what hinders; a pipe is of its writer alone */
	if (stat(path, &st) != 0 || !S_ISREG(st.st_mode) || (st.st_mode & S_IWOTH) == 0)
		return true;
	pgbr_error_set(error, PGBR_ERROR_CONFIG, "everybody can write file \"%s\"", path);
	return pgbr_error_hint(error,
						   "It says where secrets are sent: look at what is in it, and run: "
						   "chmod o-w '%s'",
						   path);
}

static bool
write_failed(const char *path, int reason, PgbrError *error)
{
	return pgbr_error_set(error, PGBR_ERROR_CONFIG, "could not write file \"%s\": %s", path,
						  strerror(reason));
}

static bool
write_all(int fd, const char *data, size_t length)
{
	while (length > 0)
	{
		ssize_t written = write(fd, data, length);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return false;
		data += written;
		length -= (size_t) written;
	}
	return fsync(fd) == 0;
}

static bool
replace(const char *path, mode_t mode, const char *data, size_t length, PgbrError *error)
{
	char temporary[PATH_MAX];
	struct stat st;
	bool ok;
	int reason;
	int fd;

	if (lstat(path, &st) == 0 && !S_ISREG(st.st_mode))
	{
		pgbr_error_set(error, PGBR_ERROR_CONFIG, "\"%s\" is not a regular file", path);
		return pgbr_error_hint(error, "Name a file, which is replaced.");
	}
	if (snprintf(temporary, sizeof(temporary), "%s.XXXXXX", path) >= (int) sizeof(temporary))
		return pgbr_error_set(error, PGBR_ERROR_CONFIG, "path is too long: \"%.64s...\"", path);
	/* O_EXCL, and 0600 whatever the umask is */
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0)
		return pgbr_error_set(error, PGBR_ERROR_CONFIG, "could not create file \"%s\": %s",
							  temporary, strerror(errno));
	ok = write_all(fd, data, length) && (mode == 0600 || fchmod(fd, mode) == 0);
	reason = errno;
	if (close(fd) != 0 && ok)
	{
		ok = false;
		reason = errno;
	}
	if (ok && rename(temporary, path) != 0)
	{
		ok = false;
		reason = errno;
	}
	if (ok)
		return true;
	unlink(temporary);
	return write_failed(path, reason, error);
}

bool
file_write(const char *path, const char *data, size_t length, PgbrError *error)
{
	return replace(path, 0644, data, length, error);
}

bool
file_write_secret(const char *path, const char *data, size_t length, PgbrError *error)
{
	return replace(path, 0600, data, length, error);
}

bool
file_sync_folder(const char *path, PgbrError *error)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool ok = fd >= 0 && fsync(fd) == 0;

	if (!ok)
		pgbr_error_set(error, PGBR_ERROR_STORAGE, "could not sync folder \"%s\": %s", path,
					   strerror(errno));
	if (fd >= 0)
		close(fd);
	return ok;
}

bool
file_make_folder(const char *path, PgbrError *error)
{
	char part[PATH_MAX];
	size_t length = strlen(path);
	struct stat st;

	if (length >= sizeof(part))
		return pgbr_error_set(error, PGBR_ERROR_CONFIG, "path is too long: \"%.64s...\"", path);
	memcpy(part, path, length + 1);
	for (char *p = part + 1;; p++)
	{
		char kept = *p;

		if (kept != '/' && kept != '\0')
			continue;
		*p = '\0';
		if (mkdir(part, 0700) != 0 && errno != EEXIST)
			return pgbr_error_set(error, PGBR_ERROR_CONFIG, "could not create folder \"%s\": %s",
								  part, strerror(errno));
		*p = kept;
		if (kept == '\0')
			break;
	}
	if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode))
		return pgbr_error_set(error, PGBR_ERROR_CONFIG, "\"%s\" is not a folder", path);
	return true;
}
