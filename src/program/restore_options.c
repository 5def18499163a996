/*
 * restore_options.c
 *		See restore_options.h.
 */
#include "program/restore_options.h"

#include "program/json.h"
#include "program/pgbackrest_option.h"
#include "program/retention_settings.h"

#include <fnmatch.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

const RestoreOption restore_options[] = {
	/* a restore in place brings all databases back */
	{"db-exclude", RESTORE_OPTION_OVERRIDDEN, "--reset-db-exclude"},
	{"db-include", RESTORE_OPTION_OVERRIDDEN, "--reset-db-include"},
	/* it would land in postgresql.auto.conf, and the new timeline would never be archived */
	{"archive-mode", RESTORE_OPTION_OVERRIDDEN, "--archive-mode=preserve"},
	/* the recovery server and Patroni know what they need */
	{"recovery-option", RESTORE_OPTION_OVERRIDDEN, "--reset-recovery-option"},
	{"link-all", RESTORE_OPTION_PLACED, "--no-link-all"},
	{"link-map", RESTORE_OPTION_PLACED, "--reset-link-map"},
	{"tablespace-map", RESTORE_OPTION_PLACED, "--reset-tablespace-map"},
	{"tablespace-map-all", RESTORE_OPTION_PLACED, "--reset-tablespace-map-all"},
	{"delta", RESTORE_OPTION_GIVEN, NULL},
	{"log-level-console", RESTORE_OPTION_GIVEN, NULL},
	{"log-level-stderr", RESTORE_OPTION_GIVEN, NULL},
	{"pg-path", RESTORE_OPTION_GIVEN, NULL},
	{"repo", RESTORE_OPTION_GIVEN, NULL},
	{"set", RESTORE_OPTION_GIVEN, NULL},
	{"stanza", RESTORE_OPTION_GIVEN, NULL},
	{"type", RESTORE_OPTION_GIVEN, NULL},
	/* compares size and time of a file instead of its checksum */
	{"force", RESTORE_OPTION_REFUSED, NULL},
	{"target", RESTORE_OPTION_REFUSED, NULL},
	{"target-action", RESTORE_OPTION_REFUSED, NULL},
	{"target-exclusive", RESTORE_OPTION_REFUSED, NULL},
	{"target-timeline", RESTORE_OPTION_REFUSED, NULL},
	{"repo-target-time", RESTORE_OPTION_REFUSED, NULL},
	{"allow-root", RESTORE_OPTION_HARMLESS, NULL},
	{"beta", RESTORE_OPTION_HARMLESS, NULL},
	{"buffer-size", RESTORE_OPTION_HARMLESS, NULL},
	{"checksum-page-error", RESTORE_OPTION_HARMLESS, NULL},
	{"cmd", RESTORE_OPTION_HARMLESS, NULL},
	{"cmd-ssh", RESTORE_OPTION_HARMLESS, NULL},
	{"compress-level-network", RESTORE_OPTION_HARMLESS, NULL},
	{"config", RESTORE_OPTION_HARMLESS, NULL},
	{"config-include-path", RESTORE_OPTION_HARMLESS, NULL},
	{"config-path", RESTORE_OPTION_HARMLESS, NULL},
	{"io-timeout", RESTORE_OPTION_HARMLESS, NULL},
	{"job-retry", RESTORE_OPTION_HARMLESS, NULL},
	{"job-retry-interval", RESTORE_OPTION_HARMLESS, NULL},
	{"lock-path", RESTORE_OPTION_HARMLESS, NULL},
	{"log-level-file", RESTORE_OPTION_HARMLESS, NULL},
	{"log-path", RESTORE_OPTION_HARMLESS, NULL},
	{"log-subprocess", RESTORE_OPTION_HARMLESS, NULL},
	{"log-timestamp", RESTORE_OPTION_HARMLESS, NULL},
	{"neutral-umask", RESTORE_OPTION_HARMLESS, NULL},
	{"priority", RESTORE_OPTION_HARMLESS, NULL},
	{"process-max", RESTORE_OPTION_HARMLESS, NULL},
	{"protocol-timeout", RESTORE_OPTION_HARMLESS, NULL},
	{"sck-*", RESTORE_OPTION_HARMLESS, NULL},
	{"spool-path", RESTORE_OPTION_HARMLESS, NULL},
	{"tcp-keep-alive-*", RESTORE_OPTION_HARMLESS, NULL},
	{"tls-cipher-*", RESTORE_OPTION_HARMLESS, NULL},
	/* where the repository is, and how it is read */
	{"repo-*", RESTORE_OPTION_HARMLESS, NULL},
	{"pg-*", RESTORE_OPTION_HARMLESS, NULL},
	{NULL, RESTORE_OPTION_HARMLESS, NULL},
};

/* The name in pgbackrest's help: "repo1-path" is "repo-path" there. */
static void
without_number(const char *name, char *plain, size_t size)
{
	size_t stem = strcspn(name, "0123456789");
	size_t digits = strspn(name + stem, "0123456789");
	bool numbered = name[stem + digits] == '-' && ((stem == 4 && memcmp(name, "repo", 4) == 0) ||
												   (stem == 2 && memcmp(name, "pg", 2) == 0));

	snprintf(plain, size, "%.*s%s", numbered ? (int) stem : 0, name,
			 name + (numbered ? stem + digits : 0));
}

const RestoreOption *
restore_option_find(const char *name)
{
	char plain[128];

	without_number(name, plain, sizeof(plain));
	for (const RestoreOption *option = restore_options; option->name; option++)
	{
		if (fnmatch(option->name, plain, 0) == 0)
			return option;
	}
	return NULL;
}

/* What a set option does, or NULL when there is nothing to say. */
static const char *
effect_of(const char *name)
{
	const RestoreOption *option = restore_option_find(name);

	if (option == NULL)
		return pgbackrest_is_option(name) ? NULL : "unknown";
	if (option->rule == RESTORE_OPTION_REFUSED)
		return "refused";
	return option->rule == RESTORE_OPTION_OVERRIDDEN ? "overridden" : NULL;
}

static bool
is_listed(const json_t *list, const char *name)
{
	const json_t *item;
	size_t index;

	json_array_foreach(list, index, item)
	{
		if (strcmp(json_text(item, "option"), name) == 0)
			return true;
	}
	return false;
}

static void
add_set(json_t *list, const char *name, const char *where, const char *effect)
{
	if (effect && !is_listed(list, name))
		json_array_append_new(
			list, json_pack("{ss ss ss}", "option", name, "where", where, "effect", effect));
}

static void
add_variable(json_t *list, const char *variable)
{
	char name[PGBACKREST_VARIABLE_SIZE];
	char where[192];
	size_t length = strcspn(variable, "=");

	/* a stray one does not reach our children, an empty one counts as not set */
	if (!pgbackrest_variable_option(variable, name) || variable[length] == '\0' ||
		variable[length + 1] == '\0')
		return;
	snprintf(where, sizeof(where), "%.*s in the environment of the sidecar", (int) length,
			 variable);
	add_set(list, name, where, effect_of(name));
}

json_t *
restore_options_list(const PgbackrestFile *file, const char *stanza, char *const *environment)
{
	json_t *list = json_array();

	for (size_t i = 0; list && environment[i]; i++)
		add_variable(list, environment[i]);
	for (size_t i = 0; list && i < file->count; i++)
	{
		const PgbackrestOption *option =
			pgbackrest_file_find(file, stanza, "restore", file->options[i].name);
		char where[128];

		if (option == NULL)
			continue;
		snprintf(where, sizeof(where), "section [%.64s] of pgbackrest.conf", option->section);
		add_set(list, option->name, where, effect_of(option->name));
	}
	return list;
}

json_t *
restore_options_json(const char *path, const char *stanza)
{
	PgbackrestFile file = PGBACKREST_FILE_INIT;
	PgbrError ignored;
	json_t *list = NULL;

	if (retention_files_read(path, &file, &ignored))
		list = restore_options_list(&file, stanza, environ);
	pgbackrest_file_done(&file);
	return list ? list : json_null();
}
