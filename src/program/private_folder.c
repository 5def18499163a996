/*
 * private_folder.c
 *		See private_folder.h.
 */
#include "program/private_folder.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Folders in folders; nothing of ours lies deeper. */
#define DEPTH_MOST 8

static bool
is_trusted(uid_t owner)
{
	return owner == 0 || owner == geteuid();
}

/* In a user namespace whoever is not of it looks like one user, root as well: a container without
 * privileges can't tell who made the folders that it stands in, and none of its own users has. */
static bool
is_of_namespace(uid_t owner)
{
	unsigned int first;
	unsigned int count;
	bool found = false;
	FILE *map = fopen("/proc/self/uid_map", "re");

	while (map && !found && fscanf(map, "%u %*u %u", &first, &count) == 2)
		found = owner >= first && owner - first < count;
	if (map)
		fclose(map);
	return found || map == NULL;
}

static bool
look_at(const char *path, struct stat *st, PgbrError *error)
{
	return lstat(path, st) == 0 ||
		   pgbr_error_set(error, PGBR_ERROR_CONFIG, "could not stat \"%s\": %s", path,
						  strerror(errno));
}

static bool
hint_owner(const char *path, const char *how, PgbrError *error)
{
	return pgbr_error_hint(error,
						   "Use another folder, or look at what is in it, and run: chown %s%u '%s'",
						   how, (unsigned int) geteuid(), path);
}

static bool
refuse_owner(const char *path, const struct stat *st, const char *how, PgbrError *error)
{
	pgbr_error_set(error, PGBR_ERROR_CONFIG, "\"%s\" belongs to another user, uid %u", path,
				   (unsigned int) st->st_uid);
	return hint_owner(path, how, error);
}

static bool
refuse_mode(const char *path, const struct stat *st, PgbrError *error)
{
	pgbr_error_set(error, PGBR_ERROR_CONFIG, "\"%s\" can be written by others, mode %04o", path,
				   (unsigned int) st->st_mode & 07777);
	return pgbr_error_hint(
		error, "Use another folder, or look at what is in it, and run: chmod go-w '%s'", path);
}

/* One name on the way. */
static bool
check_step(const char *path, PgbrError *error)
{
	struct stat st;

	if (!look_at(path, &st, error))
		return false;
	if (!is_trusted(st.st_uid) && is_of_namespace(st.st_uid))
		return refuse_owner(path, &st, "", error);
	return S_ISLNK(st.st_mode) || (st.st_mode & S_IWOTH) == 0 || (st.st_mode & S_ISVTX) ||
		   refuse_mode(path, &st, error);
}

/* Each name on the way, from the root or from the current folder on. */
static bool
check_steps(const char *path, PgbrError *error)
{
	char part[PATH_MAX];
	size_t length = strlen(path);

	if (length >= sizeof(part))
		return pgbr_error_set(error, PGBR_ERROR_CONFIG, "path is too long: \"%.64s...\"", path);
	for (size_t end = 1; end <= length; end++)
	{
		if (path[end] != '/' && path[end] != '\0')
			continue;
		memcpy(part, path, end);
		part[end] = '\0';
		if (!check_step(part, error))
			return false;
	}
	return path[0] != '/' || check_step("/", error);
}

bool
private_folder_check_way(const char *path, PgbrError *error)
{
	char real[PATH_MAX];

	if (!check_steps(path, error))
		return false;
	if (realpath(path, real) == NULL)
		return pgbr_error_set(error, PGBR_ERROR_CONFIG, "could not resolve \"%s\": %s", path,
							  strerror(errno));
	return check_steps(real, error);
}

static bool check_content(const char *path, int depth, PgbrError *error);

/* What lies in it. The mode of a socket says who may connect. */
static bool
check_entry(const char *path, int depth, PgbrError *error)
{
	struct stat st;

	if (!look_at(path, &st, error))
		return false;
	if (!is_trusted(st.st_uid))
		return refuse_owner(path, &st, "-R ", error);
	if (S_ISLNK(st.st_mode))
	{
		pgbr_error_set(error, PGBR_ERROR_CONFIG, "\"%s\" is a symbolic link", path);
		return pgbr_error_hint(error, "Remove it, or put what it leads to in its place.");
	}
	if (!S_ISSOCK(st.st_mode) && (st.st_mode & (S_IWGRP | S_IWOTH)))
		return refuse_mode(path, &st, error);
	return !S_ISDIR(st.st_mode) || depth == 0 || check_content(path, depth - 1, error);
}

static bool
check_content(const char *path, int depth, PgbrError *error)
{
	char entry_path[PATH_MAX];
	struct dirent *entry;
	bool ok = true;
	DIR *folder = opendir(path);

	if (folder == NULL)
	{
		pgbr_error_set(error, PGBR_ERROR_CONFIG, "could not open folder \"%s\": %s", path,
					   strerror(errno));
		return hint_owner(path, "-R ", error);
	}
	while (ok && (entry = readdir(folder)) != NULL)
	{
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (snprintf(entry_path, sizeof(entry_path), "%s/%s", path, entry->d_name) >=
			(int) sizeof(entry_path))
			ok = pgbr_error_set(error, PGBR_ERROR_CONFIG, "path is too long: \"%.64s...\"", path);
		else
			ok = check_entry(entry_path, depth, error);
	}
	closedir(folder);
	return ok;
}

bool
private_folder_check(const char *path, PgbrError *error)
{
	char real[PATH_MAX];
	struct stat st;

	if (!private_folder_check_way(path, error))
		return false;
	if (realpath(path, real) == NULL || stat(real, &st) != 0)
		return pgbr_error_set(error, PGBR_ERROR_CONFIG, "could not resolve \"%s\": %s", path,
							  strerror(errno));
	if (st.st_uid != geteuid())
		return refuse_owner(path, &st, "-R ", error);
	if (st.st_mode & (S_IWGRP | S_IWOTH))
		return refuse_mode(path, &st, error);
	return check_content(real, DEPTH_MOST, error);
}
