/*
 * step_arguments.c
 *		See step_arguments.h.
 */
#include "sidecar/restore/step_arguments.h"

#include "program/json.h"

#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

typedef enum MemberKind
{
	MEMBER_NAME, /* a restore point's */
	MEMBER_INT,
	MEMBER_INT64,
	MEMBER_TIMELINE,
	MEMBER_FLAG,
	/* of a target; these are read as a whole */
	MEMBER_TARGET_TEXT,
	MEMBER_TARGET_FLAG,
	MEMBER_TARGET_NUMBER,
} MemberKind;

typedef struct Member
{
	PgbrJobKind step;
	const char *name;
	MemberKind kind;
	size_t offset;
	bool required;
	long long least; /* of a number; what it is when it is not given stands in defaults */
	long long most;
} Member;

#define AT(field) offsetof(StepArguments, field)

static const Member members[] = {
	{PGBR_JOB_NODE_MARK, "name", MEMBER_NAME, AT(name), true, 0, 0},
	{PGBR_JOB_NODE_MARK, "archive_timeout", MEMBER_INT, AT(archive_timeout), false, 1, 86400},
	{PGBR_JOB_NODE_STOP, "timeout", MEMBER_INT, AT(timeout), false, 1, 86400},
	{PGBR_JOB_NODE_STOP, "fence", MEMBER_FLAG, AT(fence), false, 0, 0},
	{PGBR_JOB_NODE_STOP, "keep", MEMBER_FLAG, AT(keep), false, 0, 0},
	{PGBR_JOB_NODE_ARCHIVE, "partial", MEMBER_FLAG, AT(partial), false, 0, 0},
	{PGBR_JOB_NODE_RESTORE, "repo", MEMBER_INT, AT(repo), false, 1, PGBR_REPO_MAX},
	{PGBR_JOB_NODE_RESTORE, "fence", MEMBER_FLAG, AT(fence), false, 0, 0},
	{PGBR_JOB_NODE_RESTORE, "set", MEMBER_TARGET_TEXT, 0, true, 0, 0},
	{PGBR_JOB_NODE_RESTORE, "target_type", MEMBER_TARGET_TEXT, 0, true, 0, 0},
	{PGBR_JOB_NODE_RESTORE, "target", MEMBER_TARGET_TEXT, 0, false, 0, 0},
	{PGBR_JOB_NODE_RESTORE, "exclusive", MEMBER_TARGET_FLAG, 0, false, 0, 0},
	{PGBR_JOB_NODE_RESTORE, "target_timeline", MEMBER_TARGET_NUMBER, 0, false, 1, UINT_MAX},
	{PGBR_JOB_NODE_RECOVER, "target_timeline", MEMBER_TIMELINE, AT(target_timeline), false, 1,
	 UINT_MAX},
	{PGBR_JOB_NODE_RECOVER, "fence", MEMBER_FLAG, AT(fence), false, 0, 0},
	{PGBR_JOB_NODE_RECOVER, "keep", MEMBER_FLAG, AT(keep), false, 0, 0},
	{PGBR_JOB_NODE_RECOVER, "replay_bytes", MEMBER_INT64, AT(replay_bytes), false, 0, LLONG_MAX},
	{PGBR_JOB_NODE_UNFENCE, "primary", MEMBER_FLAG, AT(primary), false, 0, 0},
	{PGBR_JOB_NODE_UNFENCE, "timeline", MEMBER_TIMELINE, AT(timeline), false, 1, UINT_MAX},
};

static const StepArguments defaults = {.archive_timeout = 60, .timeout = 60};

/* A text without a NUL inside, which would hide what follows. */
static bool
is_whole_text(const json_t *value)
{
	return json_is_string(value) && strlen(json_string_value(value)) == json_string_length(value);
}

static bool
is_number_of(const Member *member, const json_t *value)
{
	return json_is_integer(value) && json_integer_value(value) >= member->least &&
		   json_integer_value(value) <= member->most;
}

/* False when the value is not of the member's grammar. */
static bool
take_member(const Member *member, const json_t *value, StepArguments *arguments)
{
	char *field = (char *) arguments + member->offset;
	const char *text = json_string_value(value);

	switch (member->kind)
	{
		case MEMBER_NAME:
			/* a name as the restores make them: words that need no quotes anywhere */
			if (!is_whole_text(value) || !pgbr_is_job_id(text) || !pgbr_is_restore_point_name(text))
				return false;
			strcpy(field, text);
			return true;
		case MEMBER_INT:
			*(int *) field = (int) json_integer_value(value);
			return is_number_of(member, value);
		case MEMBER_INT64:
			*(int64_t *) field = json_integer_value(value);
			return is_number_of(member, value);
		case MEMBER_TIMELINE:
			*(uint32_t *) field = (uint32_t) json_integer_value(value);
			return is_number_of(member, value);
		case MEMBER_FLAG:
			*(bool *) field = json_is_true(value);
			return json_is_boolean(value);
		case MEMBER_TARGET_TEXT:
			return is_whole_text(value);
		case MEMBER_TARGET_FLAG:
			return json_is_boolean(value);
		case MEMBER_TARGET_NUMBER:
			return is_number_of(member, value);
	}
	return false;
}

static const Member *
find_member(PgbrJobKind step, const char *name)
{
	for (size_t i = 0; i < LENGTH(members); i++)
	{
		if (members[i].step == step && strcmp(members[i].name, name) == 0)
			return &members[i];
	}
	return NULL;
}

/* The members of a target as one, by the grammar that all parts share. */
static bool
read_target(const json_t *json, RecoveryTarget *target, PgbrError *error)
{
	const json_t *number = json_object_get(json, "target_timeline");
	char timeline[24] = "";

	if (json_is_integer(number))
		snprintf(timeline, sizeof(timeline), "%lld", (long long) json_integer_value(number));
	if (!recovery_target_parse(target, json_text(json, "target_type"), json_text(json, "target"),
							   json_flag(json, "exclusive"), json_text(json, "set"), timeline,
							   error))
		return false;
	/* there, "" is as good as nothing; here pgbackrest would choose */
	return (target->set[0] && *json_text(json, "target_type")) ||
		   pgbr_error_set(error, PGBR_ERROR_INVALID_VALUE,
						  "invalid value for \"set\" or \"target_type\"");
}

bool
step_arguments_read(PgbrJobKind step, const json_t *json, StepArguments *arguments,
					PgbrError *error)
{
	const char *name;
	json_t *value;

	*arguments = defaults;
	if (json && !json_is_object(json))
		return pgbr_error_set(error, PGBR_ERROR_INVALID_VALUE, "the arguments are not an object");
	json_object_foreach((json_t *) json, name, value)
	{
		const Member *member = find_member(step, name);

		if (member == NULL)
			return pgbr_error_set(error, PGBR_ERROR_INVALID_VALUE, "%s takes no \"%.64s\"",
								  pgbr_job_kind_name(step), name);
		if (!json_is_null(value) && !take_member(member, value, arguments))
			return pgbr_error_set(error, PGBR_ERROR_INVALID_VALUE, "invalid value for \"%s\"",
								  member->name);
	}
	for (size_t i = 0; i < LENGTH(members); i++)
	{
		value = json_object_get(json, members[i].name);
		if (members[i].step == step && members[i].required && (!value || json_is_null(value)))
			return pgbr_error_set(error, PGBR_ERROR_INVALID_VALUE, "%s needs \"%s\"",
								  pgbr_job_kind_name(step), members[i].name);
	}
	return step != PGBR_JOB_NODE_RESTORE || read_target(json, &arguments->target, error);
}
