/*
 * conf_params.c
 *		See conf_params.h. configParams are pgBackRest's own options and go in as they are, except
 *		those that pgbackrest would ignore or refuse. It reports these only when it runs, and some
 *		only in its log.
 */
#include "ctl/conf/conf_params.h"

#include "common/vocabulary.h"

#include <stdlib.h>
#include <string.h>

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

/* Names that pgbackrest does not take from its configuration, by how they begin. */
static const struct
{
	const char *prefix;
	bool whole; /* nothing may follow */
	const char *hint;
} refused_names[] = {
	{"repo-", false, "pgBackRest numbers repositories: write repo1-... for the first."},
	{"pg-", false, "pgBackRest numbers clusters: write pg1-... for the first."},
	{"no-", false, "Write the option without no- and with the value n."},
	{"reset-", false, "Leave the option out."},
	{"stanza", true, "It is an option of the command line: --stanza."},
	{"config", true, "pgBackRest takes it on its command line only."},
	{"config-path", true, "pgBackRest takes it on its command line only."},
	{"config-include-path", true, "pgBackRest takes it on its command line only."},
};

/* True for an option that names a program or command to run: pgbackrest on another host, ssh, or a
 * setting such as restore_command that a restore writes into PostgreSQL's configuration. */
static bool
names_command(const char *name)
{
	size_t length = strlen(name);

	return strcmp(name, "cmd") == 0 || strcmp(name, "cmd-ssh") == 0 ||
		   strcmp(name, "recovery-option") == 0 ||
		   (length > 4 && strcmp(name + length - 4, "-cmd") == 0);
}

/* Options that may be there several times. */
static const char *const lists[] = {
	"annotation", "db-exclude",		 "db-include",	   "exclude",
	"link-map",	  "recovery-option", "tablespace-map", "tls-server-auth",
};

bool
conf_is_list(const char *name)
{
	for (size_t i = 0; i < LENGTH(lists); i++)
	{
		if (strcmp(name, lists[i]) == 0)
			return true;
	}
	return strlen(name) > 12 && strcmp(name + strlen(name) - 12, "-storage-tag") == 0;
}

static bool
is_limit(const char *text)
{
	size_t length = strspn(text, "0123456789");
	long number = strtol(text, NULL, 10);

	return length > 0 && length <= 7 && text[length] == '\0' && number >= 1;
}

static bool
is_full_type(const char *text)
{
	return strcmp(text, "count") == 0 || strcmp(text, "time") == 0;
}

static bool
is_backup_type(const char *text)
{
	PgbrBackupType type;

	return pgbr_backup_type_parse(text, &type);
}

static bool
is_cipher_type(const char *text)
{
	return strcmp(text, "none") == 0 || strcmp(text, "aes-256-cbc") == 0;
}

/* Options of a repository whose mistakes cost backups, by what follows "repoN-". */
static const struct
{
	const char *option;
	bool (*check)(const char *text);
	const char *rule;
} checked_values[] = {
	{"retention-full", is_limit, "Write a number from 1 to 9999999, or leave it out to keep all."},
	{"retention-diff", is_limit, "Write a number from 1 to 9999999, or leave it out to keep all."},
	{"retention-archive", is_limit, "Write a number from 1 to 9999999, or leave it out."},
	{"retention-full-type", is_full_type, "Use count or time."},
	{"retention-archive-type", is_backup_type, "Use one of " PGBR_BACKUP_TYPES "."},
	{"cipher-type", is_cipher_type, "Use aes-256-cbc or none."},
};

/* What follows "repoN-"; NULL: it is no option of a repository. */
static const char *
after_repo(const char *name)
{
	size_t digits = strncmp(name, "repo", 4) == 0 ? strspn(name + 4, "0123456789") : 0;

	return digits > 0 && name[4 + digits] == '-' ? name + 5 + digits : NULL;
}

const char *
conf_name_hint(const char *name)
{
	for (size_t i = 0; i < LENGTH(refused_names); i++)
	{
		size_t length = strlen(refused_names[i].prefix);

		if (strncmp(name, refused_names[i].prefix, length) == 0 &&
			(!refused_names[i].whole || name[length] == '\0'))
			return refused_names[i].hint;
	}
	return NULL;
}

const char *
conf_value_hint(const char *name, const char *value)
{
	const char *option = after_repo(name);

	for (size_t i = 0; option && i < LENGTH(checked_values); i++)
	{
		if (strcmp(option, checked_values[i].option) == 0 && !checked_values[i].check(value))
			return checked_values[i].rule;
	}
	return NULL;
}

/* False: it is a problem. */
static bool
check_param(ConfBuilder *builder, const PgbrValuesParam *param)
{
	const char *name_hint = conf_name_hint(param->name);
	const char *value_hint = conf_value_hint(param->name, param->value);

	if (name_hint)
		return pgbr_error_hint(conf_problem(builder, param->place,
											"pgbackrest takes no option \"%s\" in its file",
											param->name),
							   "%s", name_hint);
	if (names_command(param->name))
		return pgbr_error_hint(
			conf_problem(
				builder, param->place,
				"option \"%s\" names a program to run, and is not taken from a values file",
				param->name),
			"The administrator of the host can put it into a file of pgbackrest's conf.d "
			"directory.");
	if (value_hint)
		return pgbr_error_hint(conf_problem(builder, param->place,
											"invalid value \"%.100s\" of option \"%s\"",
											param->value, param->name),
							   "%s", value_hint);
	if (param->value[0] == ' ' || param->value[strlen(param->value) - 1] == ' ')
		return pgbr_error_hint(conf_problem(builder, param->place,
											"value of option \"%s\" has blanks around it",
											param->name),
							   "pgbackrest would strip them; remove them.");
	if (builder->conf->secret_name && pgbr_is_secret_option(param->name))
		return pgbr_error_hint(
			conf_problem(builder, param->place,
						 "option \"%s\" is set together with \"pgBackRest.existingSecret\"",
						 param->name),
			"Put it into the Secret and remove it here.");
	return true;
}

/* An invalid one is skipped. */
static void
take_param(ConfBuilder *builder, const PgbrValuesParam *param)
{
	ConfOption *same = (ConfOption *) conf_find(builder->conf, param->name);

	if (!check_param(builder, param))
		return;
	if (same && same->origin == CONF_KEY)
		pgbr_error_hint(
			conf_problem(builder, param->place,
						 "option \"%s\" is also set by a key or an option of the command line",
						 param->name),
			"Remove one of them.");
	else if (same && same->origin == CONF_PARAM && !conf_is_list(param->name))
		pgbr_error_hint(
			conf_problem(builder, param->place, "option \"%s\" is there twice", param->name),
			"pgBackRest takes one value of it; remove one.");
	else if (same && same->origin == CONF_DEFAULT)
	{
		char *value = strdup(param->value);

		builder->conf->failed = builder->conf->failed || value == NULL;
		free(same->value);
		same->value = value;
		same->origin = CONF_PARAM;
	}
	else
		conf_add(builder, CONF_PARAM, param->name, param->value);
}

/* Encryption needs both options; pgbackrest says so when it is too late. */
static void
check_cipher(ConfBuilder *builder, const PgbrValuesParam *param)
{
	static const struct
	{
		const char *option;
		const char *other;
	} pairs[] = {{"cipher-type", "cipher-pass"}, {"cipher-pass", "cipher-type"}};
	const char *option = after_repo(param->name);
	char name[PGBR_OPTION_NAME_MAX + 1];

	for (size_t i = 0; option && i < LENGTH(pairs); i++)
	{
		size_t length = (size_t) (option - param->name);

		if (strcmp(option, pairs[i].option) != 0 || strcmp(param->value, "none") == 0)
			continue;
		memcpy(name, param->name, length);
		strcpy(name + length, pairs[i].other);
		if (conf_find(builder->conf, name) || builder->conf->secret_name)
			continue;
		pgbr_error_hint(conf_problem(builder, param->place, "option \"%s\" needs \"%s\" beside it",
									 param->name, name),
						"A repository is encrypted with both, from its first backup on.");
	}
}

void
conf_take_params(ConfBuilder *builder)
{
	const PgbrValues *values = builder->values;

	for (size_t i = 0; i < values->param_count; i++)
		take_param(builder, &values->params[i]);
	for (size_t i = 0; i < values->param_count; i++)
		check_cipher(builder, &values->params[i]);
}
