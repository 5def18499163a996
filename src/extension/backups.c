/*
 * backups.c
 *		pgbr_info: one row a backup. The other answers become rows in SQL; this is in C, since a
 *		repository can hold thousands of backups, and C takes a fifth of the time.
 *
 * A table says where in pgbackrest's document each column comes from; its type is the one that SQL
 * declares. The answer was compared with answer_info, so every value has the kind that is read
 * here, or is missing or null.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "extension/compat.h"
#include "extension/info.h"
#include "funcapi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(pgbr_info);

/* The objects that columns come from. */
typedef enum Source
{
	ANSWER,
	STANZA,
	BACKUP,
	DATABASE,  /* the member of the stanza's db that the backup names */
	RETENTION, /* what the next expire does to the backup */
	SOURCE_COUNT,
} Source;

typedef struct Column
{
	Source source;
	const char *path[3];
} Column;

/* in the order of pgbr_info's result */
static const Column columns[] = {
	{STANZA, {"name"}},
	{BACKUP, {"database", "repo-key"}},
	{BACKUP, {"label"}},
	{BACKUP, {"type"}},
	{BACKUP, {"prior"}},
	{BACKUP, {"reference"}},
	{BACKUP, {"annotation", "timestamp"}},
	{BACKUP, {"timestamp", "start"}},
	{BACKUP, {"timestamp", "stop"}},
	{BACKUP, {"timestamp"}}, /* the duration */
	{BACKUP, {"lsn", "start"}},
	{BACKUP, {"lsn", "stop"}},
	{BACKUP, {"archive", "start"}},
	{BACKUP, {"archive", "stop"}},
	{BACKUP, {"info", "size"}},
	{BACKUP, {"info", "delta"}},
	{BACKUP, {"info", "repository", "size"}},
	{BACKUP, {"info", "repository", "delta"}},
	{BACKUP, {"error"}},
	{BACKUP, {"annotation"}},
	{RETENTION, {"pinned"}},
	{RETENTION, {"expires"}},
	{RETENTION, {"kept_because"}},
	{RETENTION, {"point_in_time"}},
	{BACKUP, {"backrest", "version"}},
	{DATABASE, {"version"}},
	{BACKUP, {"database", "id"}},
	{DATABASE, {"system-id"}},
	{ANSWER, {"age_seconds"}},
};

/* Where the walk through the answer is. */
typedef struct Walk
{
	JsonbContainer *sources[SOURCE_COUNT];
	JsonbContainer *stanzas;
	JsonbContainer *backups; /* of the stanza; NULL: it has none */
	uint32 next_stanza;
	uint32 next_backup;
} Walk;

static JsonbContainer *
element(JsonbContainer *array, uint32 number)
{
	JsonbValue *value = getIthJsonbValueFromContainer(array, number);

	return value ? value->val.binary.data : NULL;
}

static JsonbContainer *
find_database(JsonbContainer *stanza, JsonbContainer *backup)
{
	JsonbContainer *databases = answer_object(stanza, "db");
	JsonbContainer *wanted = answer_object(backup, "database");
	JsonbContainer *database;

	if (databases == NULL || wanted == NULL)
		return NULL;
	for (uint32 i = 0; (database = element(databases, i)) != NULL; i++)
	{
		if (answer_int(database, "id", 0) == answer_int(wanted, "id", -1) &&
			answer_int(database, "repo-key", 0) == answer_int(wanted, "repo-key", -1))
			break;
	}
	return database;
}

static JsonbContainer *
find_retention(JsonbContainer *answer, JsonbContainer *backup)
{
	JsonbContainer *object = answer_object(answer, "retention");
	JsonbContainer *database = answer_object(backup, "database");
	char *path[] = {
		"repositories",
		psprintf("%d", database ? (int) answer_int(database, "repo-key", 1) : 1),
		"backups",
		answer_text(backup, "label"),
	};

	for (int i = 0; object && i < lengthof(path); i++)
		object = answer_object(object, path[i]);
	return object;
}

/* Move on to the next backup; false when there is none. */
static bool
advance(Walk *walk)
{
	for (;;)
	{
		JsonbContainer *backup = NULL;

		if (walk->backups)
			backup = element(walk->backups, walk->next_backup++);
		if (backup)
		{
			walk->sources[BACKUP] = backup;
			walk->sources[DATABASE] = find_database(walk->sources[STANZA], backup);
			walk->sources[RETENTION] = find_retention(walk->sources[ANSWER], backup);
			return true;
		}
		walk->sources[STANZA] = element(walk->stanzas, walk->next_stanza++);
		if (walk->sources[STANZA] == NULL)
			return false;
		walk->backups = answer_object(walk->sources[STANZA], "backup");
		walk->next_backup = 0;
	}
}

static Datum
interval_of(float8 seconds)
{
	Interval *interval = palloc0(sizeof(Interval));

	interval->time = (int64) (seconds * USECS_PER_SEC);
	return IntervalPGetDatum(interval);
}

static Datum
texts_of(JsonbContainer *array)
{
	uint32 count = JsonContainerSize(array);
	Datum *texts = palloc(count * sizeof(Datum));

	for (uint32 i = 0; i < count; i++)
	{
		JsonbValue *value = getIthJsonbValueFromContainer(array, i);

		texts[i] =
			PointerGetDatum(cstring_to_text_with_len(value->val.string.val, value->val.string.len));
	}
	return PointerGetDatum(construct_array(texts, count, TEXTOID, -1, false, TYPALIGN_INT));
}

static Datum
to_datum(JsonbValue *value, Oid type)
{
	switch (type)
	{
		case TEXTOID:
			return PointerGetDatum(
				cstring_to_text_with_len(value->val.string.val, value->val.string.len));
		case BOOLOID:
			return BoolGetDatum(value->val.boolean);
		case NUMERICOID:
			return NumericGetDatum(value->val.numeric);
		case INT4OID:
			return DirectFunctionCall1(numeric_int4, NumericGetDatum(value->val.numeric));
		case INT8OID:
			return DirectFunctionCall1(numeric_int8, NumericGetDatum(value->val.numeric));
		case TIMESTAMPTZOID:
			return DirectFunctionCall1(
				float8_timestamptz,
				DirectFunctionCall1(numeric_float8, NumericGetDatum(value->val.numeric)));
		case INTERVALOID:
			if (value->type == jbvNumeric)
				return interval_of(DatumGetFloat8(
					DirectFunctionCall1(numeric_float8, NumericGetDatum(value->val.numeric))));
			return interval_of(answer_number(value->val.binary.data, "stop", 0) -
							   answer_number(value->val.binary.data, "start", 0));
		case PG_LSNOID:
			return DirectFunctionCall1(
				pg_lsn_in, CStringGetDatum(pnstrdup(value->val.string.val, value->val.string.len)));
		case TEXTARRAYOID:
			return texts_of(value->val.binary.data);
		case JSONBOID:
			return JsonbPGetDatum(JsonbValueToJsonb(value));
		default:
			elog(ERROR, "pgbr_info has a column of type %u", type);
	}
}

/* The value at a column's path; false when it is missing or null. */
static bool
find_value(const Walk *walk, const Column *column, JsonbValue *value)
{
	JsonbContainer *object = walk->sources[column->source];

	for (int i = 0; i < lengthof(column->path) && column->path[i]; i++)
	{
		const char *name = column->path[i];

		if (i > 0)
			object = value->type == jbvBinary ? value->val.binary.data : NULL;
		if (object == NULL ||
			getKeyJsonValueFromContainer(object, name, strlen(name), value) == NULL)
			return false;
	}
	return value->type != jbvNull;
}

static HeapTuple
make_row(const Walk *walk, TupleDesc descriptor)
{
	Datum values[lengthof(columns)];
	bool nulls[lengthof(columns)];

	for (int i = 0; i < lengthof(columns); i++)
	{
		JsonbValue value;

		nulls[i] = !find_value(walk, &columns[i], &value);
		if (!nulls[i])
			values[i] = to_datum(&value, TupleDescAttr(descriptor, i)->atttypid);
	}
	return heap_form_tuple(descriptor, values, nulls);
}

static void
walk_begin(FunctionCallInfo fcinfo, FuncCallContext *calls)
{
	MemoryContext before = MemoryContextSwitchTo(calls->multi_call_memory_ctx);
	Walk *walk = palloc0(sizeof(Walk));
	Jsonb *answer = info_ask(!PG_ARGISNULL(0) && PG_GETARG_BOOL(0));

	if (get_call_result_type(fcinfo, NULL, &calls->tuple_desc) != TYPEFUNC_COMPOSITE ||
		calls->tuple_desc->natts != lengthof(columns))
		elog(ERROR, "pgbr_info has other columns than its library");
	BlessTupleDesc(calls->tuple_desc);
	walk->sources[ANSWER] = &answer->root;
	walk->stanzas = answer_object(&answer->root, "stanzas");
	calls->user_fctx = walk;
	MemoryContextSwitchTo(before);
}

/* pgbr_info(refresh boolean) */
Datum
pgbr_info(PG_FUNCTION_ARGS)
{
	FuncCallContext *calls;

	if (SRF_IS_FIRSTCALL())
		walk_begin(fcinfo, SRF_FIRSTCALL_INIT());
	calls = SRF_PERCALL_SETUP();
	if (!advance(calls->user_fctx))
		SRF_RETURN_DONE(calls);
	SRF_RETURN_NEXT(calls, HeapTupleGetDatum(make_row(calls->user_fctx, calls->tuple_desc)));
}
