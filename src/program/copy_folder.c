/*
 * copy_folder.c
 *		See copy_folder.h.
 */
#include "program/copy_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#define BLOCK	  (4 * 1024 * 1024)
#define MOST_DEEP 32 /* folders in folders: a link that leads back to itself ends here */

static bool
copy_fail(PgbrError *error, const char *what, const char *path)
{
	int reason = errno;

	pgbr_error_set(error, PGBR_ERROR_STORAGE, "could not %s \"%s\": %s", what, path,
				   strerror(reason));
	return reason == ENOSPC ? pgbr_error_hint(error, "Make room in the file system and ask again.")
							: false;
}

static bool
join(char *path, const char *folder, const char *name, PgbrError *error)
{
	return snprintf(path, PATH_MAX, "%s/%s", folder, name) < PATH_MAX ||
		   pgbr_error_set(error, PGBR_ERROR_STORAGE, "a path below \"%.200s\" is too long", folder);
}

/* Call back for each entry of a folder. */
static bool
for_each(const char *path, int depth,
		 bool (*visit)(void *argument, const char *name, int depth, PgbrError *error),
		 void *argument, PgbrError *error)
{
	struct dirent *entry;
	bool ok = true;
	DIR *folder = depth < MOST_DEEP ? opendir(path) : NULL;

	if (folder == NULL)
	{
		if (depth >= MOST_DEEP)
			errno = ELOOP;
		return copy_fail(error, "open folder", path);
	}
	while (ok && (entry = readdir(folder)) != NULL)
	{
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			ok = visit(argument, entry->d_name, depth, error);
	}
	closedir(folder);
	return ok;
}

typedef struct Sum
{
	const char *folder;
	int64_t bytes;
} Sum;

static bool
add_size(void *argument, const char *name, int depth, PgbrError *error)
{
	Sum *sum = argument;
	const char *folder = sum->folder;
	char path[PATH_MAX];
	struct stat st;
	bool ok;

	if (!join(path, folder, name, error))
		return false;
	if (stat(path, &st) != 0)
		return copy_fail(error, "look at", path);
	sum->bytes += (int64_t) st.st_blocks * 512;
	if (!S_ISDIR(st.st_mode))
		return true;
	sum->folder = path;
	ok = for_each(path, depth + 1, add_size, sum, error);
	sum->folder = folder;
	return ok;
}

bool
copy_folder_size(const char *path, int64_t *bytes, PgbrError *error)
{
	Sum sum = {path, 0};
	bool ok = for_each(path, 0, add_size, &sum, error);

	*bytes = sum.bytes;
	return ok;
}

/* One run of data, which may be followed by a hole. */
static bool
copy_run(CopyFolder *copy, int from, int to, off_t at, off_t end, const char *path,
		 PgbrError *error)
{
	if (lseek(to, at, SEEK_SET) < 0)
		return copy_fail(error, "write", path);
	while (at < end)
	{
		ssize_t got = sendfile(to, from, &at, (size_t) (end - at < BLOCK ? end - at : BLOCK));

		if (got < 0)
			return copy_fail(error, "copy", path);
		/* it became shorter meanwhile */
		if (got == 0)
			break;
		copy->bytes += got;
		if (!copy->go_on(copy->argument, copy->bytes))
			return pgbr_error_set(error, PGBR_ERROR_ABORTED, "the copy was stopped");
	}
	return true;
}

static bool
copy_content(CopyFolder *copy, int from, int to, off_t size, const char *path, PgbrError *error)
{
	off_t at = 0;

	if (copy->may_share && ioctl(to, FICLONE, from) == 0)
	{
		copy->bytes += size;
		return copy->go_on(copy->argument, copy->bytes) ||
			   pgbr_error_set(error, PGBR_ERROR_ABORTED, "the copy was stopped");
	}
	if (ftruncate(to, size) != 0)
		return copy_fail(error, "write", path);
	while (at < size)
	{
		off_t data = lseek(from, at, SEEK_DATA);
		off_t hole;

		if (data < 0 && errno == ENXIO)
			break;
		if (data < 0)
			data = at;
		hole = lseek(from, data, SEEK_HOLE);
		if (hole < 0 || hole > size)
			hole = size;
		if (!copy_run(copy, from, to, data, hole, path, error))
			return false;
		at = hole;
	}
	return true;
}

static bool
copy_file(CopyFolder *copy, const char *source, const char *target, const struct stat *st,
		  PgbrError *error)
{
	struct timespec times[2] = {st->st_atim, st->st_mtim};
	int from = open(source, O_RDONLY | O_CLOEXEC);
	int to;
	bool ok;

	if (from < 0)
		return copy_fail(error, "open", source);
	to = open(target, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, st->st_mode & 0777);
	ok = to >= 0 || copy_fail(error, "create", target);
	ok = ok && copy_content(copy, from, to, st->st_size, target, error);
	if (ok && futimens(to, times) != 0)
		ok = copy_fail(error, "write", target);
	/* a disk that is full may say so only now */
	if (to >= 0 && close(to) != 0 && ok)
		ok = copy_fail(error, "write", target);
	close(from);
	return ok;
}

static bool
copy_tree(CopyFolder *copy, const char *source, const char *target, int depth, PgbrError *error);

typedef struct Level
{
	CopyFolder *copy;
	const char *source;
	const char *target;
} Level;

static bool
copy_entry(void *argument, const char *name, int depth, PgbrError *error)
{
	Level *level = argument;
	char source[PATH_MAX];
	char target[PATH_MAX];
	struct stat st;

	if (!join(source, level->source, name, error) || !join(target, level->target, name, error))
		return false;
	if (stat(source, &st) != 0)
		return copy_fail(error, "look at", source);
	if (S_ISDIR(st.st_mode))
		return copy_tree(level->copy, source, target, depth + 1, error);
	/* sockets and the like belong to who runs */
	return !S_ISREG(st.st_mode) || copy_file(level->copy, source, target, &st, error);
}

static bool
copy_tree(CopyFolder *copy, const char *source, const char *target, int depth, PgbrError *error)
{
	Level level = {copy, source, target};

	if (mkdir(target, 0700) != 0)
		return copy_fail(error, "create folder", target);
	return for_each(source, depth, copy_entry, &level, error);
}

bool
copy_folder(CopyFolder *copy, const char *source, const char *target, PgbrError *error)
{
	bool ok;
	int fd;

	copy->bytes = 0;
	if (!copy_tree(copy, source, target, 0, error))
		return false;
	/* the whole file system at once: file by file it takes many times as long */
	fd = open(target, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ok = (fd >= 0 && syncfs(fd) == 0) || copy_fail(error, "write", target);
	if (fd >= 0)
		close(fd);
	return ok;
}

static int
remove_entry(const char *path, const struct stat *st, int kind, struct FTW *where)
{
	(void) st;
	(void) kind;
	(void) where;
	return remove(path);
}

bool
remove_folder(const char *path, PgbrError *error)
{
	return nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS) == 0 || errno == ENOENT ||
		   copy_fail(error, "remove", path);
}
