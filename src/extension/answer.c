/*
 * answer.c
 *		See answer.h. Knows nothing of HTTP and makes no rows.
 */
#include "postgres.h"

#include <float.h>

#include "common/visible.h"
#include "common/vocabulary.h"
#include "extension/answer.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/numeric.h"

#define REQUIRED true
#define OPTIONAL false
#define END                               \
	{                                     \
		NULL, ANSWER_TEXT, OPTIONAL, NULL \
	}

/* 9999-12-31 23:59:59 UTC */
#define SECONDS_MAX 253402300799.0

static const AnswerMember job_progress[] = {
	{"phase", ANSWER_TEXT, OPTIONAL, NULL},
	{"bytes_done", ANSWER_INT8, OPTIONAL, NULL},
	{"bytes_total", ANSWER_INT8, OPTIONAL, NULL},
	{"percent", ANSWER_NUMBER, OPTIONAL, NULL},
	END,
};

const AnswerMember answer_job[] = {
	{"id", ANSWER_JOB_ID, REQUIRED, NULL},
	{"kind", ANSWER_TEXT, REQUIRED, NULL},
	{"type", ANSWER_TEXT, OPTIONAL, NULL},
	{"repo", ANSWER_INT4, OPTIONAL, NULL},
	{"annotations", ANSWER_OBJECT, OPTIONAL, NULL},
	{"set", ANSWER_TEXT, OPTIONAL, NULL},
	{"dry_run", ANSWER_FLAG, OPTIONAL, NULL},
	{"state", ANSWER_TEXT, REQUIRED, NULL},
	{"covered_by", ANSWER_JOB_ID, OPTIONAL, NULL},
	{"requested_by", ANSWER_TEXT, OPTIONAL, NULL},
	{"claimed_by", ANSWER_TEXT, OPTIONAL, NULL},
	{"reason", ANSWER_TEXT, OPTIONAL, NULL},
	{"requested_at", ANSWER_TIME, REQUIRED, NULL},
	{"started_at", ANSWER_TIME, OPTIONAL, NULL},
	{"finished_at", ANSWER_TIME, OPTIONAL, NULL},
	{"progress", ANSWER_OBJECT, OPTIONAL, job_progress},
	{"label", ANSWER_TEXT, OPTIONAL, NULL},
	{"exit_code", ANSWER_INT4, OPTIONAL, NULL},
	{"error", ANSWER_TEXT, OPTIONAL, NULL},
	{"message", ANSWER_TEXT, OPTIONAL, NULL},
	{"hint", ANSWER_TEXT, OPTIONAL, NULL},
	END,
};

const AnswerMember answer_jobs[] = {
	{"jobs", ANSWER_ARRAY, REQUIRED, answer_job},
	{"next", ANSWER_JOB_ID, OPTIONAL, NULL},
	END,
};

static const AnswerMember audit_row[] = {
	{"id", ANSWER_INT8, REQUIRED, NULL},
	{"time", ANSWER_TIME, REQUIRED, NULL},
	{"caller", ANSWER_TEXT, REQUIRED, NULL},
	{"claimed_by", ANSWER_TEXT, OPTIONAL, NULL},
	{"peer", ANSWER_TEXT, OPTIONAL, NULL},
	{"listener", ANSWER_TEXT, OPTIONAL, NULL},
	{"method", ANSWER_TEXT, REQUIRED, NULL},
	{"path", ANSWER_TEXT, REQUIRED, NULL},
	{"status", ANSWER_INT4, OPTIONAL, NULL},
	{"refused", ANSWER_FLAG, REQUIRED, NULL},
	{"count", ANSWER_INT4, REQUIRED, NULL},
	{"concerns", ANSWER_TEXT, OPTIONAL, NULL},
	END,
};

const AnswerMember answer_audit[] = {
	{"audit", ANSWER_ARRAY, REQUIRED, audit_row},
	{"next", ANSWER_INT8, OPTIONAL, NULL},
	END,
};

static const AnswerMember stanza_database[] = {
	{"id", ANSWER_INT4, OPTIONAL, NULL},
	{"repo-key", ANSWER_INT4, OPTIONAL, NULL},
	END,
};

static const AnswerMember stanza_archive[] = {
	{"database", ANSWER_OBJECT, OPTIONAL, stanza_database},
	{"id", ANSWER_TEXT, OPTIONAL, NULL},
	{"min", ANSWER_TEXT, OPTIONAL, NULL},
	{"max", ANSWER_TEXT, OPTIONAL, NULL},
	END,
};

static const AnswerMember backup_archive[] = {
	{"start", ANSWER_TEXT, OPTIONAL, NULL},
	{"stop", ANSWER_TEXT, OPTIONAL, NULL},
	END,
};

static const AnswerMember backup_backrest[] = {
	{"version", ANSWER_TEXT, OPTIONAL, NULL},
	END,
};

static const AnswerMember backup_repository[] = {
	{"size", ANSWER_INT8, OPTIONAL, NULL},
	{"delta", ANSWER_INT8, OPTIONAL, NULL},
	END,
};

static const AnswerMember backup_info[] = {
	{"size", ANSWER_INT8, OPTIONAL, NULL},
	{"delta", ANSWER_INT8, OPTIONAL, NULL},
	{"repository", ANSWER_OBJECT, OPTIONAL, backup_repository},
	END,
};

static const AnswerMember backup_lsn[] = {
	{"start", ANSWER_LSN, OPTIONAL, NULL},
	{"stop", ANSWER_LSN, OPTIONAL, NULL},
	END,
};

static const AnswerMember backup_annotation[] = {
	{"timestamp", ANSWER_TEXT, OPTIONAL, NULL},
	END,
};

static const AnswerMember backup_timestamp[] = {
	{"start", ANSWER_SECONDS, OPTIONAL, NULL},
	{"stop", ANSWER_SECONDS, OPTIONAL, NULL},
	END,
};

static const AnswerMember stanza_backup[] = {
	{"label", ANSWER_TEXT, REQUIRED, NULL},
	{"type", ANSWER_TEXT, OPTIONAL, NULL},
	{"prior", ANSWER_TEXT, OPTIONAL, NULL},
	{"reference", ANSWER_TEXTS, OPTIONAL, NULL},
	{"annotation", ANSWER_OBJECT, OPTIONAL, backup_annotation},
	{"archive", ANSWER_OBJECT, OPTIONAL, backup_archive},
	{"backrest", ANSWER_OBJECT, OPTIONAL, backup_backrest},
	{"database", ANSWER_OBJECT, OPTIONAL, stanza_database},
	{"error", ANSWER_FLAG, OPTIONAL, NULL},
	{"info", ANSWER_OBJECT, OPTIONAL, backup_info},
	{"lsn", ANSWER_OBJECT, OPTIONAL, backup_lsn},
	{"timestamp", ANSWER_OBJECT, OPTIONAL, backup_timestamp},
	END,
};

static const AnswerMember stanza_db[] = {
	{"id", ANSWER_INT4, OPTIONAL, NULL},
	{"repo-key", ANSWER_INT4, OPTIONAL, NULL},
	{"system-id", ANSWER_NUMBER, OPTIONAL, NULL},
	{"version", ANSWER_TEXT, OPTIONAL, NULL},
	END,
};

static const AnswerMember lock_backup[] = {
	{"held", ANSWER_FLAG, OPTIONAL, NULL},
	END,
};

static const AnswerMember status_lock[] = {
	{"backup", ANSWER_OBJECT, OPTIONAL, lock_backup},
	END,
};

static const AnswerMember stanza_status[] = {
	{"code", ANSWER_INT4, OPTIONAL, NULL},
	{"message", ANSWER_TEXT, OPTIONAL, NULL},
	{"lock", ANSWER_OBJECT, OPTIONAL, status_lock},
	END,
};

static const AnswerMember stanza_repo[] = {
	{"key", ANSWER_INT4, OPTIONAL, NULL},
	{"cipher", ANSWER_TEXT, OPTIONAL, NULL},
	{"status", ANSWER_OBJECT, OPTIONAL, stanza_status},
	END,
};

static const AnswerMember info_stanza[] = {
	{"name", ANSWER_TEXT, REQUIRED, NULL},
	{"archive", ANSWER_ARRAY, OPTIONAL, stanza_archive},
	{"backup", ANSWER_ARRAY, OPTIONAL, stanza_backup},
	{"db", ANSWER_ARRAY, OPTIONAL, stanza_db},
	{"repo", ANSWER_ARRAY, OPTIONAL, stanza_repo},
	{"status", ANSWER_OBJECT, OPTIONAL, stanza_status},
	END,
};

static const AnswerMember info_error[] = {
	{"code", ANSWER_TEXT, REQUIRED, NULL},
	{"message", ANSWER_TEXT, REQUIRED, NULL},
	{"hint", ANSWER_TEXT, OPTIONAL, NULL},
	{"exit_code", ANSWER_INT4, OPTIONAL, NULL},
	END,
};

static const AnswerMember retention_backup[] = {
	{"expires", ANSWER_TEXT, OPTIONAL, NULL},
	{"kept_because", ANSWER_TEXT, OPTIONAL, NULL},
	{"pinned", ANSWER_FLAG, OPTIONAL, NULL},
	{"point_in_time", ANSWER_FLAG, OPTIONAL, NULL},
	END,
};

static const AnswerMember retention_archive[] = {
	{"point_in_time_from", ANSWER_TIME, OPTIONAL, NULL},
	{"point_in_time_label", ANSWER_TEXT, OPTIONAL, NULL},
	{"point_in_time_wal", ANSWER_TEXT, OPTIONAL, NULL},
	END,
};

static const AnswerMember retention_repository[] = {
	{"backups", ANSWER_MAP, OPTIONAL, retention_backup},
	{"archives", ANSWER_MAP, OPTIONAL, retention_archive},
	END,
};

static const AnswerMember info_retention[] = {
	{"error", ANSWER_TEXT, OPTIONAL, NULL},
	{"repositories", ANSWER_MAP, OPTIONAL, retention_repository},
	END,
};

const AnswerMember answer_info[] = {
	{"fetched_at", ANSWER_TIME, OPTIONAL, NULL},
	{"age_seconds", ANSWER_SECONDS, OPTIONAL, NULL},
	{"error", ANSWER_OBJECT, OPTIONAL, info_error},
	{"retention", ANSWER_OBJECT, OPTIONAL, info_retention},
	{"stanzas", ANSWER_ARRAY, REQUIRED, info_stanza},
	END,
};

const AnswerMember answer_wal[] = {
	{"archived", ANSWER_FLAG, REQUIRED, NULL},
	END,
};

const AnswerMember answer_restore_point[] = {
	{"name", ANSWER_TEXT, REQUIRED, NULL},	   {"lsn", ANSWER_LSN, REQUIRED, NULL},
	{"timeline", ANSWER_INT4, REQUIRED, NULL}, {"time", ANSWER_TIME, REQUIRED, NULL},
	{"xid", ANSWER_XID, REQUIRED, NULL},	   END,
};

const AnswerMember answer_restore_points[] = {
	{"restore_points", ANSWER_ARRAY, REQUIRED, answer_restore_point},
	END,
};

const AnswerMember answer_problem[] = {
	{"code", ANSWER_TEXT, REQUIRED, NULL},
	{"detail", ANSWER_TEXT, REQUIRED, NULL},
	{"hint", ANSWER_TEXT, OPTIONAL, NULL},
	{"exit_code", ANSWER_INT4, OPTIONAL, NULL},
	END,
};

static void
answer_refuse(const char *name, const char *reason)
{
	ereport(ERROR, (errcode(ERRCODE_PROTOCOL_VIOLATION),
					errmsg("invalid response from the sidecar: member \"%s\" %s", name, reason)));
}

static bool
is_number(const JsonbValue *value, double min, double max)
{
	double number;

	if (value->type != jbvNumeric)
		return false;
	number =
		DatumGetFloat8(DirectFunctionCall1(numeric_float8, NumericGetDatum(value->val.numeric)));
	return number >= min && number <= max;
}

/* The range is left to the conversion, which raises an error of its own. */
static bool
is_whole(const JsonbValue *value, PGFunction conversion)
{
	Datum number;

	if (value->type != jbvNumeric)
		return false;
	number = NumericGetDatum(value->val.numeric);
	if (DatumGetInt32(DirectFunctionCall1(numeric_scale, number)) != 0)
		return false;
	DirectFunctionCall1(conversion, number);
	return true;
}

/* Likewise: the type's input function raises an error. */
static bool
is_input(const JsonbValue *value, PGFunction input)
{
	char *text;

	if (value->type != jbvString)
		return false;
	text = pnstrdup(value->val.string.val, value->val.string.len);
	DirectFunctionCall3(input, CStringGetDatum(text), ObjectIdGetDatum(InvalidOid),
						Int32GetDatum(-1));
	pfree(text);
	return true;
}

static bool
is_texts(const JsonbValue *value)
{
	JsonbIterator *iterator;
	JsonbIteratorToken token;
	JsonbValue element;

	if (value->type != jbvBinary || !JsonContainerIsArray(value->val.binary.data))
		return false;
	iterator = JsonbIteratorInit(value->val.binary.data);
	while ((token = JsonbIteratorNext(&iterator, &element, true)) != WJB_DONE)
	{
		if (token == WJB_ELEM && element.type != jbvString)
			return false;
	}
	return true;
}

static bool
is_job_id(const JsonbValue *value)
{
	return value->type == jbvString &&
		   pgbr_is_job_id(pnstrdup(value->val.string.val, value->val.string.len));
}

/* NULL, or what is wrong with a value of a kind that has no members */
static const char *
check_scalar(const JsonbValue *value, AnswerKind kind)
{
	switch (kind)
	{
		case ANSWER_TEXT:
			return value->type == jbvString ? NULL : "is not a text";
		case ANSWER_JOB_ID:
			return is_job_id(value) ? NULL : "is not a job ID";
		case ANSWER_FLAG:
			return value->type == jbvBool ? NULL : "is neither true nor false";
		case ANSWER_NUMBER:
			return is_number(value, -DBL_MAX, DBL_MAX) ? NULL : "is not a number";
		case ANSWER_SECONDS:
			return is_number(value, 0, SECONDS_MAX) ? NULL : "is not a time in seconds";
		case ANSWER_INT4:
			return is_whole(value, numeric_int4) ? NULL : "is not a whole number";
		case ANSWER_INT8:
			return is_whole(value, numeric_int8) ? NULL : "is not a whole number";
		case ANSWER_TIME:
			return is_input(value, timestamptz_in) ? NULL : "is not a time";
		case ANSWER_LSN:
			return is_input(value, pg_lsn_in) ? NULL : "is not an LSN";
		case ANSWER_XID:
			return is_input(value, xid8in) ? NULL : "is not a transaction ID";
		case ANSWER_TEXTS:
			return is_texts(value) ? NULL : "is not an array of texts";
		case ANSWER_OBJECT:
		case ANSWER_ARRAY:
		case ANSWER_MAP:
			break;
	}
	return "is of an unknown kind";
}

/* Of an array its elements, of a map its values. */
static void
check_each(JsonbContainer *container, const AnswerMember *member)
{
	JsonbIterator *iterator = JsonbIteratorInit(container);
	JsonbIteratorToken token;
	JsonbValue element;

	/* skipping nested containers, so that each object comes as one element */
	while ((token = JsonbIteratorNext(&iterator, &element, true)) != WJB_DONE)
	{
		if (token != WJB_ELEM && token != WJB_VALUE)
			continue;
		if (element.type != jbvBinary || !JsonContainerIsObject(element.val.binary.data))
			answer_refuse(member->name, token == WJB_ELEM ? "is not an array of objects"
														  : "is not an object of objects");
		answer_check(element.val.binary.data, member->members);
	}
}

static void
check_member(const JsonbValue *value, const AnswerMember *member)
{
	const char *reason = NULL;

	switch (member->kind)
	{
		case ANSWER_OBJECT:
			if (value->type != jbvBinary || !JsonContainerIsObject(value->val.binary.data))
				reason = "is not an object";
			else if (member->members)
				answer_check(value->val.binary.data, member->members);
			break;
		case ANSWER_ARRAY:
			if (value->type != jbvBinary || !JsonContainerIsArray(value->val.binary.data))
				reason = "is not an array";
			else
				check_each(value->val.binary.data, member);
			break;
		case ANSWER_MAP:
			if (value->type != jbvBinary || !JsonContainerIsObject(value->val.binary.data))
				reason = "is not an object";
			else
				check_each(value->val.binary.data, member);
			break;
		default:
			reason = check_scalar(value, member->kind);
			break;
	}
	if (reason)
		answer_refuse(member->name, reason);
}

void
answer_check(JsonbContainer *answer, const AnswerMember *members)
{
	if (!JsonContainerIsObject(answer))
		ereport(ERROR, (errcode(ERRCODE_PROTOCOL_VIOLATION),
						errmsg("invalid response from the sidecar: it is not a JSON object")));
	for (const AnswerMember *member = members; member->name; member++)
	{
		JsonbValue value;

		if (getKeyJsonValueFromContainer(answer, member->name, strlen(member->name), &value) &&
			value.type != jbvNull)
			check_member(&value, member);
		else if (member->required)
			answer_refuse(member->name, "is missing");
	}
}

static bool
answer_find(JsonbContainer *object, const char *name, enum jbvType type, JsonbValue *value)
{
	return getKeyJsonValueFromContainer(object, name, strlen(name), value) != NULL &&
		   value->type == type;
}

/* Server's encoding in and out. */
static char *
make_visible(char *text)
{
	char *shown;
	bool failed;
	StrBuf buf;

	text = pg_server_to_any(text, strlen(text), PG_UTF8);
	strbuf_init(&buf);
	pgbr_put_visible(&buf, text, "\n\t");
	/* no error is raised while there is a buffer that only we know of */
	shown = palloc_extended(buf.length + 1, MCXT_ALLOC_NO_OOM);
	failed = buf.failed || shown == NULL;
	if (!failed)
		memcpy(shown, buf.data, buf.length + 1);
	strbuf_done(&buf);
	if (failed)
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
	return pg_any_to_server(shown, strlen(shown), PG_UTF8);
}

char *
answer_text(JsonbContainer *object, const char *name)
{
	JsonbValue value;

	if (!answer_find(object, name, jbvString, &value))
		return NULL;
	return make_visible(pnstrdup(value.val.string.val, value.val.string.len));
}

bool
answer_flag(JsonbContainer *object, const char *name)
{
	JsonbValue value;

	return answer_find(object, name, jbvBool, &value) && value.val.boolean;
}

int
answer_int(JsonbContainer *object, const char *name, int otherwise)
{
	JsonbValue value;

	if (!answer_find(object, name, jbvNumeric, &value))
		return otherwise;
	return DatumGetInt32(DirectFunctionCall1(numeric_int4, NumericGetDatum(value.val.numeric)));
}

double
answer_number(JsonbContainer *object, const char *name, double otherwise)
{
	JsonbValue value;

	if (!answer_find(object, name, jbvNumeric, &value))
		return otherwise;
	return DatumGetFloat8(DirectFunctionCall1(numeric_float8, NumericGetDatum(value.val.numeric)));
}

JsonbContainer *
answer_object(JsonbContainer *object, const char *name)
{
	JsonbValue value;

	return answer_find(object, name, jbvBinary, &value) ? value.val.binary.data : NULL;
}
