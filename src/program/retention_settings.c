/*
 * retention_settings.c
 *		See retention_settings.h. Which files pgbackrest reads is told by its option --config and by
 *		PGBACKREST_CONFIG, _CONFIG_PATH and _CONFIG_INCLUDE_PATH.
 */
#include "program/retention_settings.h"

#include "program/file.h"
#include "program/pgbackrest_option.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DEFAULT_FOLDER	 "/etc/pgbackrest"
#define OLD_DEFAULT_FILE "/etc/pgbackrest.conf"
#define FILE_NAME		 "pgbackrest.conf"
#define INCLUDE_NAME	 "conf.d"
#define PATH_SIZE		 4096

typedef struct Lookup
{
	const PgbackrestFile *file;
	const char *stanza;
	const char *command;
	bool environment;
} Lookup;

/*
 * The value of an option in the environment: repo1-retention-full is
 * PGBACKREST_REPO1_RETENTION_FULL. One that is empty counts as not set.
 */
static const char *
from_environment(const char *name)
{
	char variable[128];
	size_t length = (size_t) snprintf(variable, sizeof(variable), "PGBACKREST_%s", name);
	const char *value;

	for (size_t i = 0; i < length && i < sizeof(variable) - 1; i++)
		variable[i] = variable[i] == '-' ? '_' : (char) toupper((unsigned char) variable[i]);
	value = getenv(variable);
	return value && value[0] ? value : NULL;
}

static const char *
setting_find(const Lookup *lookup, const char *name)
{
	const char *value = lookup->environment ? from_environment(name) : NULL;
	const PgbackrestOption *option;

	if (value)
		return value;
	option = pgbackrest_file_find(lookup->file, lookup->stanza, lookup->command, name);
	return option ? option->value : NULL;
}

const char *
retention_option(const PgbackrestFile *file, const char *stanza, const char *name)
{
	return setting_find(&(Lookup){file, stanza, NULL, true}, name);
}

/* The first repository's had no number once. */
static const char *
find_retention(const Lookup *lookup, int repo, const char *what, char *name, size_t size)
{
	const char *value;

	snprintf(name, size, "repo%d-retention-%s", repo, what);
	value = setting_find(lookup, name);
	if (value || repo != 1)
		return value;
	value = setting_find(lookup, name + strlen("repo1-"));
	return value;
}

static bool
invalid(const char *name, const char *value, const char *wanted, PgbrError *error)
{
	pgbr_error_set(error, PGBR_ERROR_CONFIG, "invalid value \"%.64s\" for \"%s\"", value, name);
	return pgbr_error_hint(error, "It must be %s.", wanted);
}

static bool
read_limit(const Lookup *lookup, int repo, const char *what, int *limit, PgbrError *error)
{
	char name[64];
	const char *value = find_retention(lookup, repo, what, name, sizeof(name));
	char *end;
	long number;

	if (value == NULL)
		return true;
	number = strtol(value, &end, 10);
	if (*end != '\0' || !isdigit((unsigned char) value[0]) || number < 1 || number > RETENTION_MAX)
		return invalid(name, value, "a whole number from 1 to 9999999", error);
	*limit = (int) number;
	return true;
}

static bool
read_types(const Lookup *lookup, RetentionSettings *settings, PgbrError *error)
{
	char name[64];
	const char *value = find_retention(lookup, settings->repo, "full-type", name, sizeof(name));

	if (value && strcmp(value, "count") != 0 && strcmp(value, "time") != 0)
		return invalid(name, value, "count or time", error);
	settings->full_by_time = value && strcmp(value, "time") == 0;
	value = find_retention(lookup, settings->repo, "archive-type", name, sizeof(name));
	if (value && !pgbr_backup_type_parse(value, &settings->archive_type))
		return invalid(name, value, "one of " PGBR_BACKUP_TYPES, error);
	return true;
}

static bool
is_elsewhere(const Lookup *lookup, int repo)
{
	char name[32];

	snprintf(name, sizeof(name), "repo%d-host", repo);
	return setting_find(lookup, name) != NULL;
}

/* The last repository that the environment speaks of. */
static int
last_repo_in_environment(void)
{
	static const char prefix[] = PGBACKREST_VARIABLE_PREFIX "REPO";
	int last = 0;

	for (char **variable = environ; *variable; variable++)
	{
		int repo;

		if (strncmp(*variable, prefix, sizeof(prefix) - 1) != 0 || pgbackrest_is_stray(*variable))
			continue;
		repo = atoi(*variable + sizeof(prefix) - 1);
		if (repo > last && repo <= PGBR_REPO_MAX)
			last = repo;
	}
	return last;
}

bool
retention_settings_of_file(const PgbackrestFile *file, const char *stanza, bool environment,
						   RetentionConfig *config, PgbrError *error)
{
	Lookup lookup = {file, stanza, "expire", environment};
	int last = pgbackrest_file_last_repo(file, stanza);
	const char *automatic;

	if (environment && last_repo_in_environment() > last)
		last = last_repo_in_environment();
	/* one that is nowhere named has pgbackrest's default path */
	config->count = last > 0 ? last : 1;
	for (int i = 0; i < config->count; i++)
	{
		RetentionSettings *settings = &config->repos[i];

		*settings = (RetentionSettings){.repo = i + 1, .archive_type = PGBR_BACKUP_FULL};
		settings->elsewhere = is_elsewhere(&lookup, i + 1);
		/* what is set here for it is not what its host goes by */
		if (settings->elsewhere)
			continue;
		if (!read_limit(&lookup, i + 1, "full", &settings->full, error) ||
			!read_limit(&lookup, i + 1, "diff", &settings->diff, error) ||
			!read_limit(&lookup, i + 1, "archive", &settings->archive, error) ||
			!read_types(&lookup, settings, error))
			return false;
	}
	lookup.command = "backup";
	automatic = setting_find(&lookup, "expire-auto");
	config->expire_auto = automatic == NULL || strcmp(automatic, "n") != 0;
	return true;
}

/* Add a file; one that may be missing adds nothing then. */
static bool
add_file(PgbackrestFile *file, const char *path, bool may_miss, PgbrError *error)
{
	StrBuf text;
	bool done;

	if (may_miss && access(path, F_OK) != 0)
		return true;
	strbuf_init(&text);
	done = file_read(path, PGBACKREST_FILE_MAX_SIZE, &text, error) &&
		   pgbackrest_file_add(file, path, text.data, text.length, error);
	strbuf_done(&text);
	return done;
}

static int
is_configuration(const struct dirent *entry)
{
	size_t length = strlen(entry->d_name);

	return length > 5 && strcmp(entry->d_name + length - 5, ".conf") == 0;
}

/* Add the files of a folder in the order of their names. */
static bool
add_folder(PgbackrestFile *file, const char *folder, bool may_miss, PgbrError *error)
{
	struct dirent **entries;
	int count = scandir(folder, &entries, is_configuration, alphasort);
	bool done = true;

	if (count < 0)
		return (may_miss && errno == ENOENT) ||
			   pgbr_error_set(error, PGBR_ERROR_CONFIG, "could not open folder \"%s\": %s", folder,
							  strerror(errno));
	for (int i = 0; i < count; i++)
	{
		char path[PATH_SIZE + sizeof(entries[i]->d_name)];

		snprintf(path, sizeof(path), "%s/%s", folder, entries[i]->d_name);
		done = done && add_file(file, path, false, error);
		free(entries[i]);
	}
	free(entries);
	return done;
}

/*
 * As pgbackrest does: a file that was named must be there, and the folder of includes is then read
 * only when it or the folder of both was named, too.
 */
bool
retention_files_read(const char *path, PgbackrestFile *file, PgbrError *error)
{
	const char *both = from_environment("config-path");
	const char *include = from_environment("config-include-path");
	const char *folder = both ? both : DEFAULT_FOLDER;
	char made[PATH_SIZE];

	if (path == NULL)
		path = from_environment("config");
	snprintf(made, sizeof(made), "%s/" FILE_NAME, folder);
	if (path ? !add_file(file, path, false, error)
			 : !add_file(file, access(made, F_OK) == 0 || both ? made : OLD_DEFAULT_FILE, true,
						 error))
		return false;
	if (path && !include && !both)
		return true;
	snprintf(made, sizeof(made), "%s/" INCLUDE_NAME, folder);
	return add_folder(file, include ? include : made, include == NULL, error);
}

bool
retention_settings_read(const char *path, const char *stanza, RetentionConfig *config,
						PgbrError *error)
{
	PgbackrestFile file = PGBACKREST_FILE_INIT;
	bool done = retention_files_read(path, &file, error) &&
				retention_settings_of_file(&file, stanza, true, config, error);

	pgbackrest_file_done(&file);
	return done;
}
