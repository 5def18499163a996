/*
 * pgbackrest_conf.c
 *		See pgbackrest_conf.h. This file makes the options; conf_params.c adds configParams.
 */
#include "ctl/conf/pgbackrest_conf.h"

#include "common/vocabulary.h"
#include "ctl/conf/conf_params.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))
#define MAX_PATH	  1024

static void
add_repo(ConfBuilder *builder, ConfOrigin origin, int repo, const char *option, const char *value)
{
	char name[PGBR_OPTION_NAME_MAX + 1];

	snprintf(name, sizeof(name), "repo%d-%s", repo, option);
	conf_add(builder, origin, name, value);
}

static bool
is_bucket(const char *text)
{
	size_t length =
		strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_");

	return length >= 3 && length <= 255 && text[length] == '\0' && text[0] != '-' && text[0] != '.';
}

static bool
is_region(const char *text)
{
	size_t length =
		strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_");

	return length >= 1 && length <= 64 && text[length] == '\0' && text[0] != '-';
}

/* "https://host:port/" or a part of it, split; pgbackrest has no place for more. */
static bool
split_endpoint(const char *text, char *host, size_t size, int *port)
{
	const char *start = strncmp(text, "https://", 8) == 0 ? text + 8 : text;
	size_t length =
		strspn(start, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-");
	const char *rest = start + length;
	char *end = (char *) rest;

	*port = 0;
	if (length == 0 || length >= size || start[0] == '-' || start[0] == '.')
		return false;
	memcpy(host, start, length);
	host[length] = '\0';
	if (*rest == ':')
	{
		long number = rest[1] >= '1' && rest[1] <= '9' ? strtol(rest + 1, &end, 10) : 0;

		if (number < 1 || number > 65535)
			return false;
		*port = (int) number;
	}
	return *end == '\0' || strcmp(end, "/") == 0;
}

static void
add_endpoint(ConfBuilder *builder, int repo, const char *group, const PgbrValuesText *endpoint)
{
	char host[256];
	char number[12];
	int port;

	if (split_endpoint(endpoint->text, host, sizeof(host), &port))
	{
		add_repo(builder, CONF_KEY, repo, "s3-endpoint", host);
		snprintf(number, sizeof(number), "%d", port);
		if (port > 0)
			add_repo(builder, CONF_KEY, repo, "storage-port", number);
		return;
	}
	pgbr_error_hint(
		conf_problem(builder, endpoint->place,
					 "invalid value \"%.100s\" for \"pgBackRest.%s.endpoint\"", endpoint->text,
					 group),
		strncmp(endpoint->text, "http://", 7) == 0
			? "pgBackRest talks to the store by HTTPS only; verifySsl: false takes any certificate."
			: "Write https://host or https://host:port; the bucket is a key of its own.");
}

/* True when the group says something about a store; verifySsl alone does not. */
static bool
has_s3(const PgbrValuesS3 *s3)
{
	return s3->bucket.text || s3->endpoint.text || s3->key.text || s3->secret.text ||
		   s3->region.text;
}

static bool
has_rwx(const PgbrValues *values)
{
	return values->rwx.type.text || values->rwx.size.text || values->rwx.storage_class.text ||
		   values->rwx.volumes.count > 0;
}

/* A store that identifies the client itself needs no key. */
static bool
has_key_type(const PgbrValues *values, int repo)
{
	char name[32];

	snprintf(name, sizeof(name), "repo%d-s3-key-type", repo);
	for (size_t i = 0; i < values->param_count; i++)
	{
		if (strcmp(values->params[i].name, name) == 0)
			return strcmp(values->params[i].value, "shared") != 0;
	}
	return false;
}

typedef struct S3Key
{
	const char *key;
	size_t value; /* offset in PgbrValuesS3 */
	const char *option;
	bool (*check)(const char *text);
	const char *rule; /* a sentence, what it is if it is missing or wrong */
} S3Key;

static const S3Key s3_keys[] = {
	{"bucket", offsetof(PgbrValuesS3, bucket), "s3-bucket", is_bucket,
	 "Write the bucket's name alone: 3 or more letters, digits, dots and dashes."},
	{"endpoint", offsetof(PgbrValuesS3, endpoint), NULL, NULL,
	 "Write https://host or https://host:port."},
	{"region", offsetof(PgbrValuesS3, region), "s3-region", is_region,
	 "Write the store's region; those that have none mostly take us-east-1."},
	{"key", offsetof(PgbrValuesS3, key), "s3-key", NULL,
	 "Write key and secret, or name an existingSecret that holds them."},
	{"secret", offsetof(PgbrValuesS3, secret), "s3-key-secret", NULL,
	 "Write key and secret, or name an existingSecret that holds them."},
};

static void
take_s3_key(ConfBuilder *builder, int repo, const char *group, const PgbrValuesS3 *s3,
			const S3Key *key)
{
	const PgbrValues *values = builder->values;
	const PgbrValuesText *value = (const PgbrValuesText *) ((const char *) s3 + key->value);
	bool is_secret =
		key->value == offsetof(PgbrValuesS3, key) || key->value == offsetof(PgbrValuesS3, secret);
	bool is_elsewhere = is_secret && (values->existing_secret.text || has_key_type(values, repo));

	if (value->text && is_elsewhere)
		pgbr_error_hint(
			conf_problem(builder, value->place, "\"pgBackRest.%s.%s\" is set together with %s",
						 group, key->key,
						 values->existing_secret.text ? "\"pgBackRest.existingSecret\""
													  : "a repoN-s3-key-type that needs none"),
			"Keep one of them.");
	else if (value->text == NULL && value->place.line == 0 && !is_elsewhere)
		pgbr_error_hint(conf_problem(builder, s3->place.line ? s3->place : values->place,
									 "\"pgBackRest.%s.%s\" is missing", group, key->key),
						"%s", key->rule);
	else if (value->text && key->check && !key->check(value->text))
		pgbr_error_hint(conf_problem(builder, value->place,
									 "invalid value \"%.100s\" for \"pgBackRest.%s.%s\"",
									 value->text, group, key->key),
						"%s", key->rule);
	else if (value->text && key->option == NULL)
		add_endpoint(builder, repo, group, value);
	else if (value->text)
		add_repo(builder, CONF_KEY, repo, key->option, value->text);
}

/* A path that pgbackrest takes: absolute, no part of it is empty, and no blank at its end, which
 * would be lost. */
static bool
is_path(const char *text)
{
	return text[0] == '/' && strstr(text, "//") == NULL && text[strlen(text) - 1] != ' ' &&
		   pgbr_is_plain_text(text, MAX_PATH);
}

static void
add_s3(ConfBuilder *builder, int repo, const char *group, const PgbrValuesS3 *s3, const char *path)
{
	add_repo(builder, CONF_KEY, repo, "type", "s3");
	add_repo(builder, CONF_KEY, repo, "path", path);
	for (size_t i = 0; i < LENGTH(s3_keys); i++)
		take_s3_key(builder, repo, group, s3, &s3_keys[i]);
	/* names of buckets before the host's name need DNS that only the big stores have */
	add_repo(builder, CONF_DEFAULT, repo, "s3-uri-style", "path");
	if (!s3->verify_ssl)
		add_repo(builder, CONF_KEY, repo, "storage-verify-tls", "n");
}

static void
refuse_group(ConfBuilder *builder, PgbrValuesPlace place, const char *group, const char *type)
{
	pgbr_error_hint(
		conf_problem(builder, place, "\"pgBackRest.%s\" is set, but repoType is %s", group, type),
		"Remove one: there is one repository, a folder (rwx) or a bucket (s3). drS3 may "
		"be a second one.");
}

static void
add_repositories(ConfBuilder *builder)
{
	const PgbrValues *values = builder->values;
	const char *type = values->repo_type.text;
	const char *path = values->repo_path.text ? values->repo_path.text : CONF_DEFAULT_REPO_PATH;

	if (!is_path(path))
		pgbr_error_hint(conf_problem(builder, values->repo_path.place,
									 "invalid value \"%.100s\" for \"pgBackRest.repoPath\"", path),
						"Use an absolute path without an empty part.");
	if (type == NULL && values->repo_type.place.line > 0)
		return;
	if (type == NULL)
	{
		pgbr_error_hint(conf_problem(builder, values->place,
									 "there is no repository: "
									 "\"pgBackRest.repoType\" is missing"),
						"Set it to rwx for a folder or to s3 for a bucket.");
		return;
	}
	if (strcmp(type, "s3") == 0)
	{
		if (has_rwx(values))
			refuse_group(builder, values->rwx.place, "rwx", type);
		add_s3(builder, 1, "s3", &values->s3, path);
	}
	else
	{
		if (has_s3(&values->s3))
			refuse_group(builder, values->s3.place, "s3", type);
		add_repo(builder, CONF_KEY, 1, "path", path);
	}
	if (has_s3(&values->dr_s3))
		add_s3(builder, 2, "drS3", &values->dr_s3, path);
}

static void
add_retention(ConfBuilder *builder, const char *option, int limit)
{
	char number[12];

	/* pgbackrest.conf refuses 0; an unset option keeps everything */
	snprintf(number, sizeof(number), "%d", limit);
	if (limit > 0)
		add_repo(builder, CONF_KEY, 1, option, number);
}

static bool
refuse_member(const char *what, const char *value, const char *hint, PgbrError *error)
{
	pgbr_error_set(error, PGBR_ERROR_CONFIG, "invalid value \"%.100s\" for --%s", value, what);
	return pgbr_error_hint(error, "%s", hint);
}

/* pgbackrest trims a value, so blanks around it would be lost. */
static bool
is_word(const char *text)
{
	return text[0] && pgbr_is_plain_text(text, MAX_PATH) && strchr(text, ' ') == NULL;
}

static bool
check_member(const ConfMember *member, PgbrError *error)
{
	static const char path_rule[] = "It is an absolute path without an empty part.";

	if (member->stanza && !pgbr_is_stanza(member->stanza))
		return refuse_member("stanza", member->stanza,
							 "It is made of letters, digits, '.', '_' and '-'.", error);
	if (member->name && !pgbr_is_stanza(member->name))
		return refuse_member("member", member->name,
							 "It is made of letters, digits, '.', '_' and '-'.", error);
	if (member->path && !is_path(member->path))
		return refuse_member("pg1-path", member->path, path_rule, error);
	if (member->socket_path && !is_path(member->socket_path))
		return refuse_member("pg1-socket-path", member->socket_path, path_rule, error);
	if (member->user && !is_word(member->user))
		return refuse_member("pg1-user", member->user, "It is the name of a role.", error);
	return true;
}

static void
add_member(ConfBuilder *builder, const ConfMember *member)
{
	char text[MAX_PATH];

	if (member->path)
		conf_add(builder, CONF_KEY, "pg1-path", member->path);
	else if (member->name)
	{
		snprintf(text, sizeof(text), CONF_MEMBER_DATA_PREFIX "%s", member->name);
		conf_add(builder, CONF_DEFAULT, "pg1-path", text);
	}
	snprintf(text, sizeof(text), "%d", member->port);
	if (member->port > 0)
		conf_add(builder, CONF_KEY, "pg1-port", text);
	if (member->socket_path)
		conf_add(builder, CONF_KEY, "pg1-socket-path", member->socket_path);
	if (member->user)
		conf_add(builder, CONF_KEY, "pg1-user", member->user);
}

static bool
take_problems(const PgbrValues *values, Conf *conf)
{
	if (values->problem_count == 0)
		return true;
	conf->problems = malloc(values->problem_count * sizeof(PgbrError));
	if (conf->problems == NULL)
		return false;
	memcpy(conf->problems, values->problems, values->problem_count * sizeof(PgbrError));
	conf->problem_count = values->problem_count;
	return true;
}

bool
conf_make(const char *name, const PgbrValues *values, const ConfMember *member, Conf *conf,
		  PgbrError *error)
{
	ConfBuilder builder = {.name = name, .values = values};

	*conf = (Conf){.secret_name = values->existing_secret.text};
	builder.conf = conf;
	if (!check_member(member, error))
		return false;
	pgbr_copy_text(conf->stanza, sizeof(conf->stanza),
				   member->stanza ? member->stanza : CONF_DEFAULT_STANZA);
	conf->failed = !take_problems(values, conf);
	if (!values->found)
		pgbr_error_hint(
			conf_problem(&builder, (PgbrValuesPlace){1, 1}, "there is no section \"pgBackRest\""),
			"It is a key of the file's top level.");
	else
	{
		conf_add(&builder, CONF_DEFAULT, "log-level-file", "detail");
		conf_add(&builder, CONF_DEFAULT, "log-level-console", "info");
		add_repositories(&builder);
		add_retention(&builder, "retention-full", values->full_retention);
		add_retention(&builder, "retention-diff", values->diff_retention);
		add_member(&builder, member);
		conf_take_params(&builder);
	}
	if (!conf->failed)
		return true;
	conf_done(conf);
	return pgbr_error_set(error, PGBR_ERROR_INTERNAL, "out of memory");
}
