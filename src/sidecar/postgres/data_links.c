/*
 * data_links.c
 *		See data_links.h.
 */
#include "sidecar/postgres/data_links.h"

#include "common/vocabulary.h"
#include "program/copy_folder.h"
#include "program/file.h"
#include "program/json.h"

#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))
#define HELD_FILE	  "/links.json"
#define LINKS_MOST	  (1024 * 1024) /* bytes of it */

/* Names that hold data or decide how it is recovered; the first pattern that fits counts. */
static const struct
{
	const char *pattern;
	bool kept;
} rules[] = {
	{"pg_wal", true},
	{"pg_stat_tmp", true},
	{"pg_log", true},
	{"pg_hba.conf", true},
	{"pg_ident.conf", true},
	{"pg_*", false},
	{"base", false},
	{"base/*", false},
	{"global", false},
	{"global/*", false},
	{"PG_VERSION", false},
	{"pgbr_*", false},
	{"postgresql.auto.conf", false},
	{"*.signal", false},
	{"backup_label*", false},
	{"tablespace_map*", false},
	{"postmaster.*", false},
	{"recovery.*", false},
	{"backup_manifest*", false},
	{"*", true},
};

static const char *const wal_files[] = {
	"????????.history",
	"????????????????????????.partial",
	"*.*.backup",
	"RECOVERYXLOG",
	"RECOVERYHISTORY",
	"xlogtemp.*",
	"archive_status/*.ready",
	"archive_status/*.done",
	"summaries/*.summary",
};

static bool
links_fail(const char *what, const char *path, PgbrError *error)
{
	return pgbr_error_set(error, PGBR_ERROR_STORAGE, "could not %s \"%s\": %s", what, path,
						  strerror(errno));
}

bool
data_links_is_kept(const char *name)
{
	size_t i = 0;

	while (fnmatch(rules[i].pattern, name, 0) != 0)
		i++;
	return rules[i].kept;
}

bool
data_links_is_wal(const char *name)
{
	for (size_t i = 0; i < LENGTH(wal_files); i++)
	{
		if (fnmatch(wal_files[i], name, FNM_PATHNAME) == 0)
			return true;
	}
	return pgbr_is_wal_segment(name);
}

/* Add a link; name is relative to the data directory. */
static bool
add_link(const char *path, const char *name, json_t *links, PgbrError *error)
{
	char destination[PATH_MAX];
	ssize_t length = readlink(path, destination, sizeof(destination) - 1);

	if (length < 0)
		return errno == ENOENT || links_fail("read link", path, error);
	destination[length] = '\0';
	/* our own, for a replica (parent_segments.h), which leads to no other place */
	if (pgbr_is_wal_segment(destination))
		return true;
	/* what is not UTF-8 can't be remembered */
	return json_object_set_new(links, name, json_string(destination)) == 0 ||
		   pgbr_error_set(error, PGBR_ERROR_STORAGE, "could not remember link \"%s\"", path);
}

/* For a file system that does not tell it with the name. */
static int
kind_of(const char *path)
{
	struct stat st;

	/* a running server removes files meanwhile */
	if (lstat(path, &st) != 0)
		return DT_UNKNOWN;
	return S_ISLNK(st.st_mode) ? DT_LNK : S_ISDIR(st.st_mode) ? DT_DIR : DT_REG;
}

/* The links of a folder; below is "" or its name with a slash. Goes into folders once. */
static bool
read_folder(const char *data_directory, const char *below, json_t *links, PgbrError *error)
{
	char path[PATH_MAX];
	struct dirent *entry;
	bool ok = true;
	DIR *folder;

	snprintf(path, sizeof(path), "%.3800s/%s", data_directory, below);
	folder = opendir(path);
	if (folder == NULL)
		return errno == ENOENT || links_fail("open folder", path, error);
	while (ok && (entry = readdir(folder)) != NULL)
	{
		char name[300];
		int kind = entry->d_type;

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		snprintf(name, sizeof(name), "%s%s", below, entry->d_name);
		snprintf(path, sizeof(path), "%.3700s/%s", data_directory, name);
		if (kind == DT_UNKNOWN)
			kind = kind_of(path);
		if (kind == DT_LNK)
			ok = add_link(path, name, links, error);
		else if (kind == DT_DIR && !below[0] && strcmp(name, "pg_tblspc") != 0)
		{
			strcat(name, "/");
			ok = read_folder(data_directory, name, links, error);
		}
	}
	closedir(folder);
	return ok;
}

json_t *
data_links_read(const char *data_directory, PgbrError *error)
{
	json_t *links = json_object();

	if (links && read_folder(data_directory, "", links, error))
		return links;
	if (links == NULL)
		pgbr_error_set(error, PGBR_ERROR_INTERNAL, "out of memory");
	json_decref(links);
	return NULL;
}

static bool
links_path(const char *state_dir, const char *name, char path[PATH_MAX], PgbrError *error)
{
	return snprintf(path, PATH_MAX, "%s/restore%s", state_dir, name) < PATH_MAX ||
		   pgbr_error_set(error, PGBR_ERROR_CONFIG, "the path of the state folder is too long");
}

/* Add what an earlier restore has taken away, unless its place is another link now or what it led
 * to is gone. */
static bool
add_held(const char *data_directory, const char *path, json_t *links, PgbrError *error)
{
	json_t *held;
	const char *name;
	json_t *destination;
	StrBuf text;

	if (access(path, F_OK) != 0)
		return true;
	strbuf_init(&text);
	held = file_read(path, LINKS_MOST, &text, error) ? json_parse(text.data, text.length, error)
													 : NULL;
	strbuf_done(&text);
	if (held == NULL)
		return false;
	json_object_foreach(held, name, destination)
	{
		char target[PATH_MAX];
		const char *to = json_string_value(destination);

		snprintf(target, sizeof(target), "%.2000s%s%.2000s",
				 to && to[0] == '/' ? "" : data_directory, to && to[0] == '/' ? "" : "/",
				 to ? to : "");
		if (to && access(target, F_OK) == 0 && json_object_get(links, name) == NULL)
			json_object_set(links, name, destination);
	}
	json_decref(held);
	return true;
}

static void
drop_others(json_t *links)
{
	const char *name;
	json_t *destination;
	void *next;

	json_object_foreach_safe(links, next, name, destination)
	{
		if (!data_links_is_kept(name))
			json_object_del(links, name);
	}
}

/* Recovery would fail when all else is restored. */
static bool
check_wal(const char *data_directory, PgbrError *error)
{
	char path[PATH_MAX];
	struct stat st;

	snprintf(path, sizeof(path), "%.3900s/pg_wal", data_directory);
	if (lstat(path, &st) != 0 || !S_ISLNK(st.st_mode) || stat(path, &st) == 0)
		return true;
	links_fail("follow link", path, error);
	return pgbr_error_hint(error,
						   "Mount what it leads to, or remove the link: then WAL is restored into "
						   "the data directory.");
}

static bool
hold(const char *state_dir, const char *path, const json_t *links, PgbrError *error)
{
	char folder[PATH_MAX];
	StrBuf text;
	bool ok;

	if (json_object_size(links) == 0)
		return true;
	strbuf_init(&text);
	ok =
		(json_write(links, &text) || pgbr_error_set(error, PGBR_ERROR_INTERNAL, "out of memory")) &&
		links_path(state_dir, "", folder, error) && file_make_folder(folder, error) &&
		file_write_secret(path, text.data, text.length, error) && file_sync_folder(folder, error);
	strbuf_done(&text);
	return ok;
}

json_t *
data_links_hold(const char *data_directory, const char *state_dir, PgbrError *error)
{
	json_t *links = data_links_read(data_directory, error);
	char path[PATH_MAX];

	if (links)
		drop_others(links);
	if (links && links_path(state_dir, HELD_FILE, path, error) &&
		add_held(data_directory, path, links, error) && check_wal(data_directory, error) &&
		hold(state_dir, path, links, error))
		return links;
	json_decref(links);
	return NULL;
}

/* Remove WAL from a folder, below "" or a folder in it with a slash: what is in pg_wal would be
 * replayed past the target. */
static bool
remove_wal(const char *wal, const char *below, PgbrError *error)
{
	char path[PATH_MAX];
	struct dirent *entry;
	bool ok = true;
	DIR *folder;

	snprintf(path, sizeof(path), "%.3800s/%s", wal, below);
	folder = opendir(path);
	if (folder == NULL)
		return (below[0] && errno == ENOENT) || links_fail("open folder", path, error);
	while (ok && (entry = readdir(folder)) != NULL)
	{
		char name[300];

		snprintf(name, sizeof(name), "%s%s", below, entry->d_name);
		if (data_links_is_wal(name) && unlinkat(dirfd(folder), entry->d_name, 0) != 0)
			ok = links_fail("remove file", path, error);
	}
	closedir(folder);
	return ok && file_sync_folder(path, error);
}

/* The folder that pg_wal leads to, ready for recovery. */
static bool
empty_wal(const char *wal, PgbrError *error)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%.3900s/archive_status", wal);
	if (mkdir(path, 0700) != 0 && errno != EEXIST)
		return links_fail("create folder", path, error);
	return remove_wal(wal, "archive_status/", error) && remove_wal(wal, "summaries/", error) &&
		   remove_wal(wal, "", error);
}

/* Put a link in the place of what was restored there. */
static bool
put_link(const char *data_directory, const char *name, const char *destination, PgbrError *error)
{
	char path[PATH_MAX];
	char wal[PATH_MAX];
	struct stat st;

	snprintf(path, sizeof(path), "%.3700s/%s", data_directory, name);
	snprintf(wal, sizeof(wal), "%.2000s%s%.2000s", destination[0] == '/' ? "" : data_directory,
			 destination[0] == '/' ? "" : "/", destination);
	if (strcmp(name, "pg_wal") == 0 && !empty_wal(wal, error))
		return false;
	if (lstat(path, &st) == 0 && S_ISLNK(st.st_mode))
		return true;
	if (!remove_folder(path, error))
		return false;
	/* the backup may lack the folder that it was in */
	*strrchr(path, '/') = '\0';
	if (!file_make_folder(path, error))
		return false;
	snprintf(path, sizeof(path), "%.3700s/%s", data_directory, name);
	return symlink(destination, path) == 0 || links_fail("create link", path, error);
}

bool
data_links_put_back(const char *data_directory, const char *state_dir, const json_t *links,
					PgbrError *error)
{
	char path[PATH_MAX];
	const char *name;
	json_t *destination;

	json_object_foreach((json_t *) links, name, destination)
	{
		if (!put_link(data_directory, name, json_string_value(destination), error))
			return false;
	}
	if (json_object_size(links) == 0)
		return true;
	return links_path(state_dir, HELD_FILE, path, error) &&
		   file_sync_folder(data_directory, error) &&
		   (unlink(path) == 0 || errno == ENOENT || links_fail("remove file", path, error));
}
