/*
 * values.c
 *		See values.h. The table of keys, and the way through the file to them; how a value of each
 *		type is taken is in values_take.c.
 */
#include "common/values.h"

#include "common/values_take.h"
#include "common/vocabulary.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

static bool
is_repo_type(const char *text)
{
	return strcmp(text, "rwx") == 0 || strcmp(text, "s3") == 0;
}

static bool
is_absolute_path(const char *text)
{
	return text[0] == '/';
}

/* Digits, with a fraction or without, and a unit. */
static bool
is_quantity(const char *text)
{
	static const char *const units[] = {"",	 "m",  "k",	 "M",  "G",	 "T",  "P",
										"E", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"};
	size_t whole = strspn(text, "0123456789");
	const char *rest = text + whole;

	if (whole > 0 && *rest == '.')
	{
		size_t fraction = strspn(rest + 1, "0123456789");

		if (fraction == 0)
			return false;
		rest += 1 + fraction;
	}
	for (size_t i = 0; whole > 0 && i < LENGTH(units); i++)
	{
		if (strcmp(rest, units[i]) == 0)
			return true;
	}
	return false;
}

static bool take_group(ValuesReader *reader, const KeySpec *spec, void *target);

#define KEY(name, kind, member, ...)                                                      \
	{                                                                                     \
		.path = name, .take = values_take_##kind, .target = offsetof(PgbrValues, member), \
		__VA_ARGS__                                                                       \
	}
#define GROUP(name, member)                                                            \
	{                                                                                  \
		.path = name, .take = take_group, .target = offsetof(PgbrValues, member.place) \
	}
#define SECRET(name, member) \
	KEY(name, text, member, .check = pgbr_is_secret, .rule = PGBR_SECRET_RULE, .is_secret = true)
#define S3_KEYS(name, member)                                                            \
	GROUP(name, member), KEY(name ".bucket", text, member.bucket),                       \
		KEY(name ".endpoint", text, member.endpoint), SECRET(name ".key", member.key),   \
		SECRET(name ".secret", member.secret), KEY(name ".region", text, member.region), \
		KEY(name ".verifySsl", flag, member.verify_ssl, .fallback = true)

#define QUANTITY(name, member)                                     \
	KEY(name, text, member, .check = is_quantity, .numbers = true, \
		.rule = "Write a quantity as 500m, 2 or 256Mi.")
#define QUANTITIES(name, member)                            \
	GROUP(name, member), QUANTITY(name ".cpu", member.cpu), \
		QUANTITY(name ".memory", member.memory),            \
		QUANTITY(name ".ephemeral-storage", member.ephemeral_storage)

/* Fewer than 64 rows: what was seen is a set of bits. */
static const KeySpec keys[] = {
	KEY("dockerImage", text, docker_image),
	KEY("repoType", text, repo_type, .check = is_repo_type, .rule = "Use rwx or s3."),
	KEY("repoPath", text, repo_path, .check = is_absolute_path, .rule = "Use an absolute path."),
	KEY("fullSchedule", text, full_schedule),
	KEY("diffSchedule", text, diff_schedule),
	KEY("incrSchedule", text, incr_schedule),
	KEY("timeZone", text, time_zone),
	KEY("fullRetention", count, full_retention),
	KEY("diffRetention", count, diff_retention),
	KEY("backupFromStandby", flag, backup_from_standby, .fallback = false),
	KEY("configParams", params, params),
	GROUP("rwx", rwx),
	KEY("rwx.type", text, rwx.type),
	KEY("rwx.size", text, rwx.size),
	KEY("rwx.storageClass", text, rwx.storage_class),
	KEY("rwx.volumes", list, rwx.volumes),
	S3_KEYS("s3", s3),
	S3_KEYS("drS3", dr_s3),
	GROUP("resources", resources),
	QUANTITIES("resources.requests", resources.requests),
	QUANTITIES("resources.limits", resources.limits),
	KEY("existingSecret", text, existing_secret),
};

/* The last part of a path that lies right in the group, which is "" for the section; else NULL. */
static const char *
name_in(const char *path, const char *group)
{
	size_t length = strlen(group);

	if (length > 0 && (strncmp(path, group, length) != 0 || path[length] != '.'))
		return NULL;
	path += length > 0 ? length + 1 : 0;
	return strchr(path, '.') ? NULL : path;
}

static void
add_unknown_key(ValuesReader *reader, const char *group, const char *key)
{
	char known[400] = "";
	size_t length = 0;

	for (size_t i = 0; i < LENGTH(keys); i++)
	{
		const char *name = name_in(keys[i].path, group);

		if (name)
			length += (size_t) snprintf(known + length, sizeof(known) - length, "%s%s",
										length > 0 ? ", " : "", name);
	}
	pgbr_error_hint(values_problem(reader, "unknown key \"%s%s%s.%s\"", SECTION, *group ? "." : "",
								   group, key && pgbr_is_plain_text(key, 100) ? key : "?"),
					"The keys are %s.", known);
}

static bool
take_key(ValuesReader *reader, const KeySpec *group, void *target)
{
	const char *key = yaml_reader_text(&reader->yaml.event);
	const KeySpec *spec = NULL;

	(void) target;
	for (size_t i = 0; key && i < LENGTH(keys); i++)
	{
		const char *name = name_in(keys[i].path, group->path);

		if (name && strcmp(name, key) == 0)
			spec = &keys[i];
	}
	if (spec && !(reader->seen >> (spec - keys) & 1))
	{
		reader->seen |= UINT64_C(1) << (spec - keys);
		if (!yaml_reader_next(&reader->yaml))
			return false;
		return yaml_reader_is_unset(&reader->yaml.event) ||
			   spec->take(reader, spec, (char *) reader->values + spec->target);
	}
	if (spec)
		pgbr_error_hint(values_problem(reader, "\"%s.%s\" is there twice", SECTION, spec->path),
						"The first one counts; remove one of them.");
	else
		add_unknown_key(reader, group->path, key);
	return yaml_reader_skip(&reader->yaml) && yaml_reader_next(&reader->yaml) &&
		   yaml_reader_skip(&reader->yaml);
}

static bool
take_group(ValuesReader *reader, const KeySpec *spec, void *target)
{
	if (reader->yaml.event.type != YAML_MAPPING_START_EVENT)
		return values_wrong_type(reader, spec, "a mapping",
								 "Write its keys on lines of their own, indented.");
	if (target)
		*(PgbrValuesPlace *) target = values_place(reader);
	return values_take_each(reader, take_key, spec, target);
}

/* A top-level section: ours or not. */
static bool
take_section(ValuesReader *reader, const KeySpec *spec, void *target)
{
	const char *key = yaml_reader_text(&reader->yaml.event);
	bool is_ours = key && (strcmp(key, SECTION) == 0 || strcmp(key, "pgBackrest") == 0);

	if (is_ours && !reader->values->found)
	{
		reader->values->found = true;
		reader->values->place = values_place(reader);
		return yaml_reader_next(&reader->yaml) &&
			   (yaml_reader_is_unset(&reader->yaml.event) || take_group(reader, spec, target));
	}
	if (is_ours)
		pgbr_error_hint(values_problem(reader, "section \"%s\" is there twice", SECTION),
						"The first one counts; remove one of them.");
	return yaml_reader_skip(&reader->yaml) && yaml_reader_next(&reader->yaml) &&
		   yaml_reader_skip(&reader->yaml);
}

static bool
values_refuse(ValuesReader *reader, const char *reason)
{
	pgbr_error_set(reader->yaml.error, PGBR_ERROR_CONFIG, "values file \"%s\" %s",
				   reader->yaml.name, reason);
	return yaml_reader_place(&reader->yaml, reader->yaml.error);
}

static bool
take_stream(ValuesReader *reader)
{
	static const KeySpec section = {.path = ""};
	YamlReader *yaml = &reader->yaml;

	/* the stream begins; a document begins, or there is none */
	if (!yaml_reader_next(yaml) || !yaml_reader_next(yaml))
		return false;
	if (yaml->event.type == YAML_STREAM_END_EVENT)
		return true;
	if (!yaml_reader_next(yaml))
		return false;
	if (yaml->event.type == YAML_MAPPING_START_EVENT)
	{
		if (!values_take_each(reader, take_section, &section, NULL))
			return false;
	}
	else if (!yaml_reader_is_unset(&yaml->event))
		return values_refuse(reader, "is not a mapping of sections");
	/* the document ends; the stream ends, or there is another document */
	if (!yaml_reader_next(yaml) || !yaml_reader_next(yaml))
		return false;
	return yaml->event.type == YAML_STREAM_END_EVENT ||
		   values_refuse(reader, "holds more than one document");
}

bool
pgbr_values_parse(const char *name, const char *data, size_t length, PgbrValues *values,
				  PgbrError *error)
{
	ValuesReader reader = {.values = values};
	bool ok;

	memset(values, 0, sizeof(*values));
	for (size_t i = 0; i < LENGTH(keys); i++)
	{
		if (keys[i].take == values_take_flag)
			*(bool *) ((char *) values + keys[i].target) = keys[i].fallback;
	}
	ok = yaml_reader_init(&reader.yaml, name, data, length, error) && take_stream(&reader);
	yaml_reader_done(&reader.yaml);
	if (!ok)
		pgbr_values_done(values);
	return ok;
}

bool
pgbr_values_read(const char *path, PgbrValues *values, PgbrError *error)
{
	char *data;
	size_t length;
	bool ok;

	memset(values, 0, sizeof(*values));
	ok = yaml_reader_load(path, PGBR_VALUES_MAX_SIZE, &data, &length, error) &&
		 pgbr_values_parse(path, data, length, values, error);
	free(data);
	return ok;
}

void
pgbr_values_done(PgbrValues *values)
{
	for (size_t i = 0; i < LENGTH(keys); i++)
	{
		void *target = (char *) values + keys[i].target;

		if (keys[i].take == values_take_text)
			free(((PgbrValuesText *) target)->text);
		else if (keys[i].take == values_take_list)
		{
			PgbrValuesList *list = target;

			for (size_t j = 0; j < list->count; j++)
				free(list->items[j].text);
			free(list->items);
		}
	}
	for (size_t i = 0; i < values->param_count; i++)
	{
		free(values->params[i].name);
		free(values->params[i].value);
	}
	free(values->params);
	free(values->problems);
	memset(values, 0, sizeof(*values));
}

bool
pgbr_values_locate(const char *name, const PgbrValuesText *value, PgbrError *error)
{
	char detail[sizeof(error->detail)];

	if (error == NULL)
		return false;
	pgbr_copy_text(detail, sizeof(detail), error->detail);
	return pgbr_error_detail(error, "File \"%s\", line %d, column %d.%s%s", name, value->place.line,
							 value->place.column, *detail ? " " : "", detail);
}
