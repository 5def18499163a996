/*
 * repo_space.c
 *		See repo_space.h.
 */
#include "sidecar/pgbackrest/repo_space.h"

#include "common/memory.h"
#include "program/clock.h"
#include "program/retention_settings.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define DEFAULT_PATH  "/var/lib/pgbackrest"
#define FRESH_MS	  300000
#define ARCHIVE_DEPTH 4 /* of an archive: its id, and a part of the name of its segments */

struct ArchiveSize
{
	const SidecarConfig *config;
	pthread_mutex_t lock; /* guards all below */
	int64_t asked_at;	  /* monotonic; 0: never */
	int64_t bytes;
};

const char *
repo_folder(const PgbackrestFile *file, const char *stanza, int repo)
{
	char name[32];
	const char *type;
	const char *path;

	snprintf(name, sizeof(name), "repo%d-host", repo);
	if (retention_option(file, stanza, name))
		return NULL;
	snprintf(name, sizeof(name), "repo%d-type", repo);
	type = retention_option(file, stanza, name);
	if (type && strcmp(type, "posix") != 0 && strcmp(type, "cifs") != 0)
		return NULL;
	snprintf(name, sizeof(name), "repo%d-path", repo);
	path = retention_option(file, stanza, name);
	return path ? path : repo == 1 ? DEFAULT_PATH : NULL;
}

int
repo_space_read(const SidecarConfig *config, RepoSpace *spaces)
{
	PgbackrestFile file = PGBACKREST_FILE_INIT;
	PgbrError error;
	int count = 0;
	int last;

	if (retention_files_read(config->pgbackrest_config, &file, &error))
	{
		last = pgbackrest_file_last_repo(&file, config->stanza);
		for (int repo = 1; repo <= (last ? last : 1) && count < REPO_SPACE_MAX; repo++)
		{
			const char *folder = repo_folder(&file, config->stanza, repo);
			struct statvfs disk;

			if (folder && statvfs(folder, &disk) == 0)
				spaces[count++] =
					(RepoSpace){repo, (int64_t) disk.f_bavail * (int64_t) disk.f_frsize,
								(int64_t) disk.f_blocks * (int64_t) disk.f_frsize};
		}
	}
	pgbackrest_file_done(&file);
	return count;
}

/*
 * Add the bytes of all files below a folder, which is taken over. Not by fts, which does not bear
 * that memory is refused.
 */
static bool
add_up(int fd, int depth, int64_t *bytes)
{
	DIR *folder = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (folder == NULL)
	{
		if (errno == ENOMEM)
			memory_note_refused();
		if (fd >= 0)
			close(fd);
		return false;
	}
	while ((entry = readdir(folder)) != NULL)
	{
		struct stat st;

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
			fstatat(fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0)
			continue;
		if (S_ISREG(st.st_mode))
			*bytes += st.st_size;
		else if (S_ISDIR(st.st_mode) && depth > 0)
			(void) add_up(openat(fd, entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC), depth - 1,
						  bytes);
	}
	closedir(folder);
	return true;
}

static int64_t
measure(const SidecarConfig *config)
{
	PgbackrestFile file = PGBACKREST_FILE_INIT;
	PgbrError error;
	int64_t bytes = -1;

	if (retention_files_read(config->pgbackrest_config, &file, &error))
	{
		int last = pgbackrest_file_last_repo(&file, config->stanza);

		for (int repo = 1; repo <= (last ? last : 1) && bytes < 0; repo++)
		{
			const char *folder = repo_folder(&file, config->stanza, repo);
			char path[4096];

			if (folder == NULL)
				continue;
			snprintf(path, sizeof(path), "%s/archive/%s", folder, config->stanza);
			bytes = 0;
			if (!add_up(open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), ARCHIVE_DEPTH, &bytes))
				bytes = -1;
		}
	}
	pgbackrest_file_done(&file);
	return bytes;
}

ArchiveSize *
archive_size_new(const SidecarConfig *config)
{
	ArchiveSize *size = calloc(1, sizeof(*size));

	if (size == NULL)
		return NULL;
	size->config = config;
	pthread_mutex_init(&size->lock, NULL);
	return size;
}

void
archive_size_free(ArchiveSize *size)
{
	if (size == NULL)
		return;
	pthread_mutex_destroy(&size->lock);
	free(size);
}

int64_t
archive_size_get(ArchiveSize *size)
{
	int64_t bytes;

	pthread_mutex_lock(&size->lock);
	if (size->asked_at == 0 || size->bytes < 0 || clock_monotonic_ms() - size->asked_at > FRESH_MS)
	{
		size->bytes = measure(size->config);
		size->asked_at = clock_monotonic_ms();
	}
	bytes = size->bytes;
	pthread_mutex_unlock(&size->lock);
	return bytes;
}
