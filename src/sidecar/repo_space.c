/*
 * repo_space.c
 *		See repo_space.h.
 */
#include "sidecar/repo_space.h"

#include "program/retention_settings.h"

#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>

#define DEFAULT_PATH "/var/lib/pgbackrest"

/* The folder of a repository on this host, or NULL. */
static const char *
find_folder(const PgbackrestFile *file, const char *stanza, int repo)
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
			const char *folder = find_folder(&file, config->stanza, repo);
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
