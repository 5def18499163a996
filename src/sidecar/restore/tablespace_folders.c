/*
 * tablespace_folders.c
 *		See tablespace_folders.h.
 */
#include "sidecar/restore/tablespace_folders.h"

#include "program/copy_folder.h"
#include "program/file.h"
#include "sidecar/restore/step_tools.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool
storage_fail(const char *what, const char *path, PgbrError *error)
{
	return pgbr_error_set(error, PGBR_ERROR_STORAGE, "could not %s \"%s\": %s", what, path,
						  strerror(errno));
}

/* Call back for each tablespace of a data directory, with its OID and the path of its link. */
static bool
for_each_link(const char *data_directory,
			  bool (*visit)(void *argument, const char *oid, const char *link, PgbrError *error),
			  void *argument, PgbrError *error)
{
	char path[PATH_MAX];
	struct dirent *entry;
	bool ok = true;
	DIR *folder;

	snprintf(path, sizeof(path), "%s/pg_tblspc", data_directory);
	folder = opendir(path);
	if (folder == NULL)
		return errno == ENOENT || storage_fail("open folder", path, error);
	while (ok && (entry = readdir(folder)) != NULL)
	{
		struct stat st;

		if (strspn(entry->d_name, "0123456789") != strlen(entry->d_name))
			continue;
		snprintf(path, sizeof(path), "%s/pg_tblspc/%s", data_directory, entry->d_name);
		/* one in place is a folder, which pgbackrest cleans with the data directory */
		if (lstat(path, &st) != 0)
			ok = storage_fail("look at", path, error);
		else if (S_ISLNK(st.st_mode))
			ok = visit(argument, entry->d_name, path, error);
	}
	closedir(folder);
	return ok;
}

/* Remove PostgreSQL's folders of this version from a location. */
static bool
empty_location(StepContext *context, const char *version, const char *location, PgbrError *error)
{
	char prefix[sizeof("PG__") + sizeof(((BackupTablespaces *) NULL)->version)];
	char path[PATH_MAX];
	struct dirent *entry;
	bool ok = true;
	DIR *folder = opendir(location);

	/* a location that is gone has nothing that replay could find */
	if (folder == NULL)
		return errno == ENOENT || storage_fail("open folder", location, error);
	snprintf(prefix, sizeof(prefix), "PG_%s_", version);
	while (ok && (entry = readdir(folder)) != NULL)
	{
		if (strncmp(entry->d_name, prefix, strlen(prefix)) != 0)
			continue;
		snprintf(path, sizeof(path), "%.3800s/%s", location, entry->d_name);
		step_log(context, "the backup has no tablespace in \"%s\": it is removed", path);
		ok = remove_folder(path, error);
	}
	closedir(folder);
	return ok && file_sync_folder(location, error);
}

typedef struct Emptying
{
	StepContext *context;
	const BackupTablespaces *backup;
} Emptying;

static bool
empty_if_late(void *argument, const char *oid, const char *link, PgbrError *error)
{
	Emptying *emptying = argument;

	return backup_tablespace(emptying->backup, oid) ||
		   empty_location(emptying->context, emptying->backup->version, link, error);
}

bool
tablespace_folders_empty(StepContext *context, const BackupTablespaces *backup, PgbrError *error)
{
	Emptying emptying = {context, backup};

	return for_each_link(context->data_directory, empty_if_late, &emptying, error);
}

typedef struct Mapping
{
	const BackupTablespaces *backup;
	json_t *map;
} Mapping;

static bool
map_if_elsewhere(void *argument, const char *oid, const char *link, PgbrError *error)
{
	Mapping *mapping = argument;
	const char *known = backup_tablespace(mapping->backup, oid);
	char location[PATH_MAX];
	ssize_t length;

	if (known == NULL)
		return true;
	length = readlink(link, location, sizeof(location) - 1);
	if (length < 0)
		return storage_fail("look at", link, error);
	location[length] = '\0';
	return strcmp(location, known) == 0 ||
		   json_object_set_new(mapping->map, oid, json_string(location)) == 0 ||
		   pgbr_error_set(error, PGBR_ERROR_INTERNAL, "out of memory");
}

bool
tablespace_folders_map(const char *data_directory, const BackupTablespaces *backup, json_t *map,
					   PgbrError *error)
{
	Mapping mapping = {backup, map};

	return for_each_link(data_directory, map_if_elsewhere, &mapping, error);
}
