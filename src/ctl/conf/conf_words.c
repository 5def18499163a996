/*
 * conf_words.c
 *		See conf_words.h. A retention in words: what pgbackrest's documentation says about the
 *		options, with the configured numbers.
 */
#include "ctl/conf/conf_words.h"

#include "program/json.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void say(json_t *list, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void
say(json_t *list, const char *format, ...)
{
	char text[512];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	json_array_append_new(list, json_string(text));
}

static const char *
plural(int count)
{
	return count == 1 ? "" : "s";
}

/* For how many backups all WAL is kept; 0: for every one that is there. */
static int
wal_limit(const RetentionSettings *settings)
{
	if (settings->archive > 0)
		return settings->archive;
	return settings->archive_type == PGBR_BACKUP_DIFF ? settings->diff : 0;
}

static void
say_full(json_t *list, const RetentionSettings *settings)
{
	int full = settings->full;

	if (full == 0)
		say(list, "Full backups are never removed: repo%d-retention-full is not set.",
			settings->repo);
	else if (settings->full_by_time && wal_limit(settings) > 0)
		say(list,
			"Full backups: one goes when a newer one is at least %d day%s old, so there is always "
			"a "
			"backup from before the last %d day%s. There must be one that old before the first "
			"goes. "
			"To which moments they can be restored is what the WAL says.",
			full, plural(full), full, plural(full));
	else if (settings->full_by_time)
		say(list,
			"Full backups: one goes when a newer one is at least %d day%s old, so the last %d "
			"day%s "
			"can always be restored. There must be one that old before the first goes.",
			full, plural(full), full, plural(full));
	else
		say(list,
			"Full backups: the %d newest %s kept. One more must be complete before the oldest "
			"goes, "
			"so there are %d before one is removed.",
			full, full == 1 ? "is" : "are", full + 1);
}

static void
say_others(json_t *list, const RetentionSettings *settings)
{
	int diff = settings->diff;

	if (diff == 0)
		say(list, "Diff and incr backups go with the backup they depend on, not before.");
	else
		say(list,
			"Diff backups: one goes when %d newer full or diff backup%s complete, so of diff "
			"backups "
			"alone there are %d before one is removed. Incr backups go with what they depend on.",
			diff, diff == 1 ? " is" : "s are", diff + 1);
}

static void
say_wal(json_t *list, const RetentionSettings *settings)
{
	/* a type counts those that can stand in for it */
	static const char *const types[] = {
		[PGBR_BACKUP_INCR] = "",
		[PGBR_BACKUP_DIFF] = "full or diff ",
		[PGBR_BACKUP_FULL] = "full ",
	};
	const char *type = types[settings->archive_type];
	int archive = wal_limit(settings);
	char since[64];

	snprintf(since, sizeof(since), "oldest of the %d newest %sbackups", archive, type);
	if (archive == 1)
		snprintf(since, sizeof(since), "newest %sbackup", type);
	if (archive > 0)
		say(list,
			"WAL: all of it is kept since the %s. An older backup keeps only what it needs to be "
			"consistent: it can be restored to its own end, not to a later moment.",
			since);
	else if (settings->archive_type != PGBR_BACKUP_FULL || settings->full == 0)
		say(list, "WAL is never removed: no retention says which backups it is kept for.");
	else
		say(list, "WAL: all of it is kept since the oldest full backup that is kept, so any moment "
				  "since its end can be restored.");
}

json_t *
conf_keeps(const RetentionSettings *settings, bool expire_auto)
{
	json_t *list = json_array();

	if (settings->elsewhere)
	{
		say(list, "What is kept is set on the repository's host; what stands here does not count.");
		return list;
	}
	say_full(list, settings);
	say_others(list, settings);
	say_wal(list, settings);
	if (!expire_auto)
		say(list,
			"expire-auto=n: nothing expires after a backup, only when pgbackrest expire runs.");
	return list;
}

/* The value of an option of a repository, or otherwise. */
static const char *
value_of(const PgbackrestFile *file, const char *stanza, int repo, const char *option,
		 const char *otherwise)
{
	char name[64];
	const PgbackrestOption *found;

	snprintf(name, sizeof(name), "repo%d-%s", repo, option);
	found = pgbackrest_file_find(file, stanza, NULL, name);
	return found ? found->value : otherwise;
}

static bool
is_named(const PgbackrestFile *file, const char *stanza, int repo)
{
	for (size_t i = 0; i < file->count; i++)
	{
		const PgbackrestOption *option = &file->options[i];
		size_t length = strcspn(option->section, ":");

		if (pgbackrest_option_repo(option->name, NULL) == repo &&
			((length == 6 && strncmp(option->section, "global", 6) == 0) ||
			 (length == strlen(stanza) && strncmp(option->section, stanza, length) == 0)))
			return true;
	}
	return false;
}

static json_t *
repository(const PgbackrestFile *file, const char *stanza, const RetentionConfig *retention,
		   int repo)
{
	const char *type = value_of(file, stanza, repo, "type", "posix");
	const char *path = value_of(file, stanza, repo, "path", "/var/lib/pgbackrest");
	const char *host = value_of(file, stanza, repo, "host", NULL);
	const char *cipher = value_of(file, stanza, repo, "cipher-type", "none");
	json_t *object = json_object();
	char where[1024];

	if (strcmp(type, "s3") == 0)
		snprintf(where, sizeof(where), "bucket %s at %s, %s",
				 value_of(file, stanza, repo, "s3-bucket", "?"),
				 value_of(file, stanza, repo, "s3-endpoint", "?"), path);
	else
		snprintf(where, sizeof(where), "%s%s%s", path, host ? " on host " : "", host ? host : "");
	json_object_set_new(object, "repo", json_integer(repo));
	json_put_text(object, "type", type);
	json_put_text(object, "where", where);
	json_object_set_new(object, "encrypted", json_boolean(strcmp(cipher, "none") != 0));
	json_object_set_new(object, "keeps",
						conf_keeps(&retention->repos[repo - 1], retention->expire_auto));
	return object;
}

json_t *
conf_repositories(const PgbackrestFile *file, const char *stanza, const RetentionConfig *retention)
{
	json_t *list = json_array();

	for (int repo = 1; repo <= retention->count; repo++)
	{
		/* with none at all pgbackrest has its default one */
		if (retention->count == 1 || is_named(file, stanza, repo))
			json_array_append_new(list, repository(file, stanza, retention, repo));
	}
	return list;
}
