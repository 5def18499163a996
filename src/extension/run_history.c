/*
 * run_history.c
 *		See run_history.h. Holds no policy: what is written was decided by common/schedule_plan.
 *
 * A row is an attempt at a run, or stands for due times that another run covers or that were
 * missed. A run is a type and a due time. Only its first attempt counts the due times, so the sum
 * of due_count is the number of due times so far.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "common/vocabulary.h"
#include "executor/spi.h"
#include "extension/compat.h"
#include "extension/guc.h"
#include "extension/own_tables.h"
#include "extension/run_history.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/builtins.h"

static const char *const reasons[] = {
	[PGBR_REASON_DUE] = "due",
	[PGBR_REASON_QUEUED] = "due while a backup was running",
	[PGBR_REASON_CATCH_UP] = "catch-up",
	[PGBR_REASON_RETRY] = "retry",
	[PGBR_REASON_INTERRUPTED] = "interrupted",
};

static const char *const outcomes[] = {
	[PGBR_OUTCOME_SUCCEEDED] = "succeeded",
	[PGBR_OUTCOME_FAILED] = "failed",
	[PGBR_OUTCOME_CANCELLED] = "cancelled",
	[PGBR_OUTCOME_INTERRUPTED] = "interrupted",
};

/* Stands for the extension's schema in a statement. The schema is not in search_path, since it may
 * hold other people's functions, too. */
#define SCHEMA "@extschema@"

/* So many of the newest runs are never forgotten. */
#define KEPT_ALWAYS 1000

/* One argument of a statement: a number or a text that may be NULL. */
typedef struct Argument
{
	Oid type;
	Datum value;
	bool is_null;
} Argument;

#define NUMBER(n)		  ((Argument){INT8OID, Int64GetDatum(n), false})
#define NUMBER_OR_NULL(n) ((Argument){INT8OID, Int64GetDatum(n), (n) < 0})
#define RUN(sql, ...)                                      \
	run_statement(history, sql, (Argument[]){__VA_ARGS__}, \
				  sizeof((Argument[]){__VA_ARGS__}) / sizeof(Argument))

static Argument
text_argument(const char *text)
{
	return (Argument){TEXTOID, text ? CStringGetTextDatum(text) : (Datum) 0, text == NULL};
}

/* A statement of this file with the name of the schema put in. */
static char *
complete(const char *sql, const char *schema)
{
	const char *place;
	StringInfoData text;

	initStringInfo(&text);
	for (; (place = strstr(sql, SCHEMA)) != NULL; sql = place + strlen(SCHEMA))
	{
		appendBinaryStringInfo(&text, sql, (int) (place - sql));
		appendStringInfoString(&text, schema);
	}
	appendStringInfoString(&text, sql);
	return text.data;
}

/* Run a statement with the rights of the tables' owner, once the tables are known. Its rows are in
 * SPI_tuptable. Returns how many there are. */
static uint64
run_statement(const History *history, const char *sql, const Argument *arguments, size_t count)
{
	Oid types[12];
	Datum values[12];
	char nulls[12];
	OwnTablesBefore before;
	int rc;

	Assert(count <= lengthof(types));
	for (size_t i = 0; i < count; i++)
	{
		types[i] = arguments[i].type;
		values[i] = arguments[i].value;
		nulls[i] = arguments[i].is_null ? 'n' : ' ';
	}
	before = own_tables_enter(OidIsValid(history->owner) ? history->owner : GetUserId());
	rc = SPI_execute_with_args(complete(sql, history->schema), (int) count, types, values, nulls,
							   false, 0);
	own_tables_leave(before);
	if (rc < 0)
		elog(ERROR, "could not write the history of runs: %s", SPI_result_code_string(rc));
	return SPI_processed;
}

static void
connect_spi(void)
{
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "could not connect to SPI");
}

static int64
number_at(uint64 row, int column, int64 otherwise)
{
	bool is_null;
	Datum value = SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column, &is_null);

	return is_null ? otherwise : DatumGetInt64(value);
}

static char *
text_at(uint64 row, int column)
{
	return SPI_getvalue(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column);
}

void
history_find(History *history)
{
	*history = (History){.table = InvalidOid};
	connect_spi();
	own_tables_set(InvalidOid, InvalidOid);
	if (RUN("SELECT pg_catalog.quote_ident(n.nspname), r.oid::pg_catalog.int8,"
			" s.oid::pg_catalog.int8, r.relowner::pg_catalog.int8"
			" FROM pg_catalog.pg_extension AS e"
			" JOIN pg_catalog.pg_namespace AS n ON n.oid = e.extnamespace"
			" JOIN pg_catalog.pg_class AS r ON r.relnamespace = n.oid AND r.relname = $2"
			" JOIN pg_catalog.pg_class AS s ON s.relnamespace = n.oid AND s.relname = $3"
			" WHERE e.extname = $1 AND r.relowner = s.relowner"
			" AND (SELECT count(*) FROM pg_catalog.pg_depend AS d"
			" WHERE d.classid = r.tableoid AND d.objid IN (r.oid, s.oid) AND d.objsubid = 0"
			" AND d.refclassid = e.tableoid AND d.refobjid = e.oid AND d.deptype = 'e') = 2",
			text_argument("pgbackrest_ctl"), text_argument("pgbr_run"),
			text_argument("pgbr_schedule_since")) > 0)
	{
		strlcpy(history->schema, text_at(0, 1), sizeof(history->schema));
		history->table = (Oid) number_at(0, 2, InvalidOid);
		history->owner = (Oid) number_at(0, 4, InvalidOid);
		own_tables_set(history->table, (Oid) number_at(0, 3, InvalidOid));
	}
	SPI_finish();
}

static PgbrRunReason
reason_of(const char *text)
{
	for (size_t i = 0; text && i < lengthof(reasons); i++)
	{
		if (strcmp(reasons[i], text) == 0)
			return (PgbrRunReason) i;
	}
	return PGBR_REASON_DUE;
}

/* The first six columns are type, due, reason, failures, not_before and run_id. */
static PgbrRun
run_at(uint64 row, PgbrBackupType *type)
{
	char *name = text_at(row, 1);

	if (name == NULL || !pgbr_backup_type_parse(name, type))
		elog(ERROR, "the history of runs holds a type that is not known: %s", name ? name : "null");
	return (PgbrRun){.exists = true,
					 .due = number_at(row, 2, 0),
					 .reason = reason_of(text_at(row, 3)),
					 .failures = (int) number_at(row, 4, 0),
					 .not_before = number_at(row, 5, 0)};
}

#define RUN_COLUMNS                                                     \
	"type, extract(epoch FROM due)::bigint, reason, failures::bigint, " \
	"extract(epoch FROM not_before)::bigint, run_id"

/* Since when is this type's schedule in force? A new or changed one counts from now. */
static int64
load_since(const History *history, PgbrBackupType type, const ScheduleSettings *settings, int64 now)
{
	const char *name = pgbr_backup_type_name(type);
	const ScheduleEntry *entry = &settings->types[type];

	if (!entry->is_valid)
	{
		RUN("DELETE FROM " SCHEMA ".pgbr_schedule_since WHERE type = $1", text_argument(name));
		return now;
	}
	if (RUN("SELECT extract(epoch FROM since)::bigint FROM " SCHEMA ".pgbr_schedule_since"
			" WHERE type = $1 AND schedule = $2 AND time_zone = $3",
			text_argument(name), text_argument(entry->text),
			text_argument(settings->zone_name)) > 0)
		return number_at(0, 1, now);
	RUN("INSERT INTO " SCHEMA ".pgbr_schedule_since VALUES ($1, $2, $3, to_timestamp($4))"
		" ON CONFLICT (type) DO UPDATE SET schedule = excluded.schedule,"
		" time_zone = excluded.time_zone, since = excluded.since",
		text_argument(name), text_argument(entry->text), text_argument(settings->zone_name),
		NUMBER(now));
	return now;
}

void
history_load(const History *history, const ScheduleSettings *settings, PgbrSchedule *schedule,
			 int64 now)
{
	uint64 count;

	connect_spi();
	for (int type = 0; type < PGBR_BACKUP_TYPE_COUNT; type++)
	{
		int64 since = load_since(history, type, settings, now);

		RUN("SELECT extract(epoch FROM max(due))::bigint FROM " SCHEMA ".pgbr_run WHERE type = $1",
			text_argument(pgbr_backup_type_name(type)));
		schedule->types[type].handled = Max(since, number_at(0, 1, since));
		schedule->types[type].owed = (PgbrRun){0};
	}
	count = RUN("SELECT " RUN_COLUMNS " FROM " SCHEMA ".pgbr_run WHERE state = $1",
				text_argument("queued"));
	for (uint64 i = 0; i < count; i++)
	{
		PgbrBackupType type;
		PgbrRun run = run_at(i, &type);

		schedule->types[type].owed = run;
	}
	SPI_finish();
}

void
history_load_current(const History *history, PgbrSchedule *schedule, RunRow *row)
{
	connect_spi();
	schedule->current = (PgbrRun){0};
	if (RUN("SELECT " RUN_COLUMNS ", started_at, sidecar, timeline::bigint FROM " SCHEMA
			".pgbr_run WHERE state = $1",
			text_argument("running")) > 0)
	{
		char *sidecar = text_at(0, 8);

		schedule->current = run_at(0, &schedule->current_type);
		row->id = number_at(0, 6, 0);
		row->started_at = number_at(0, 7, 0);
		row->timeline = number_at(0, 9, 0);
		strlcpy(row->sidecar, sidecar ? sidecar : "", sizeof(row->sidecar));
	}
	SPI_finish();
}

/* The rows that one row covered are covered by another from now on. */
static void
pass_on(const History *history, int64 from, int64 to)
{
	RUN("UPDATE " SCHEMA ".pgbr_run SET covered_by = $2 WHERE covered_by = $1", NUMBER(from),
		NUMBER(to));
}

/* The newest row of a run; it was written before. */
static int64
history_row_of(const History *history, PgbrBackupType type, int64 due)
{
	if (RUN("SELECT run_id FROM " SCHEMA ".pgbr_run WHERE type = $1 AND due = to_timestamp($2)"
			" ORDER BY run_id DESC LIMIT 1",
			text_argument(pgbr_backup_type_name(type)), NUMBER(due)) == 0)
		elog(ERROR, "the history of runs lacks the %s run that was due at " INT64_FORMAT,
			 pgbr_backup_type_name(type), due);
	return number_at(0, 1, 0);
}

static void
insert_due(const History *history, const PgbrDueGroup *group, int64 first, int count,
		   const char *state, const char *reason)
{
	RUN("INSERT INTO " SCHEMA ".pgbr_run (type, first_due, due, due_count, state, reason)"
		" VALUES ($1, to_timestamp($2), to_timestamp($3), $4, $5, $6)",
		text_argument(pgbr_backup_type_name(group->type)), NUMBER(first), NUMBER(group->last),
		NUMBER(count), text_argument(state), text_argument(reason));
}

/* A queued run that is covered now has a row already. The other due times get one. */
static void
write_covered(const History *history, const PgbrSchedule *schedule, const PgbrDueGroup *group)
{
	int count = group->count;
	int64 first = group->first;

	if (RUN("UPDATE " SCHEMA ".pgbr_run SET state = 'covered', covered_by = NULL"
			" WHERE type = $1 AND state = 'queued'"
			" AND due BETWEEN to_timestamp($2) AND to_timestamp($3) RETURNING 1",
			text_argument(pgbr_backup_type_name(group->type)), NUMBER(group->first),
			NUMBER(group->last)) > 0)
	{
		count--;
		if (count > 0)
			(void) pgbr_cron_next(schedule->types[group->type].cron, &schedule->zone, first,
								  &first);
	}
	if (count > 0)
		insert_due(history, group, first, count, "covered", NULL);
}

/* Why the plan owes this run. The run may already have started, or be covered. */
static const char *
reason_of_new(const PgbrSchedule *schedule, const PgbrPlan *plan, const PgbrDueGroup *group)
{
	const PgbrRun *owed = &schedule->types[group->type].owed;
	const PgbrRun *covered = &plan->covered[group->type];

	if (owed->exists && owed->due == group->last)
		return reasons[owed->reason];
	if (covered->exists && covered->due == group->last)
		return reasons[covered->reason];
	return reasons[schedule->current.reason];
}

static void
write_groups(const History *history, const PgbrSchedule *schedule, const PgbrPlan *plan)
{
	for (int i = 0; i < plan->group_count; i++)
	{
		const PgbrDueGroup *group = &plan->groups[i];

		/* each type has at most one queued run: remove the old one before the new one is added */
		if (group->fate == PGBR_DUE_COVERED)
			write_covered(history, schedule, group);
		else if (group->fate == PGBR_DUE_OWED)
			insert_due(history, group, group->first, group->count, "queued",
					   reason_of_new(schedule, plan, group));
		else
			insert_due(history, group, group->first, group->count, "missed",
					   group->fate == PGBR_DUE_DISABLED
						   ? "pgbackrest_ctl.schedule_enabled was off"
						   : "older than pgbackrest_ctl.catch_up_window");
	}
	for (int i = 0; i < plan->group_count; i++)
	{
		const PgbrDueGroup *group = &plan->groups[i];
		int64 by;
		uint64 count;

		if (group->fate != PGBR_DUE_COVERED)
			continue;
		by = history_row_of(history, group->type, group->covered_by);
		count = RUN("UPDATE " SCHEMA
					".pgbr_run SET covered_by = $4 WHERE type = $1 AND state = 'covered'"
					" AND covered_by IS NULL"
					" AND due BETWEEN to_timestamp($2) AND to_timestamp($3) RETURNING run_id",
					text_argument(pgbr_backup_type_name(group->type)), NUMBER(group->first),
					NUMBER(group->last), NUMBER(by));
		if (count > 0)
		{
			SPITupleTable *rows = SPI_tuptable;

			for (uint64 k = 0; k < count; k++)
			{
				bool is_null;

				pass_on(history,
						DatumGetInt64(SPI_getbinval(rows->vals[k], rows->tupdesc, 1, &is_null)),
						by);
			}
		}
	}
}

static void
write_start(const History *history, const PgbrSchedule *schedule, const PgbrPlan *plan, RunRow *row)
{
	*row = (RunRow){.id = history_row_of(history, schedule->current_type, schedule->current.due),
					.timeline = (int64) GetWALInsertionTimeLine()};
	RUN("UPDATE " SCHEMA
		".pgbr_run SET state = 'running', reason = $2, started_at = clock_timestamp(),"
		" timeline = $3 WHERE run_id = $1 RETURNING started_at",
		NUMBER(row->id), text_argument(reasons[schedule->current.reason]), NUMBER(row->timeline));
	row->started_at = number_at(0, 1, 0);
	for (int type = 0; type < PGBR_BACKUP_TYPE_COUNT; type++)
	{
		int64 covered;

		if (!plan->covered[type].exists)
			continue;
		covered = history_row_of(history, type, plan->covered[type].due);
		RUN("UPDATE " SCHEMA ".pgbr_run SET state = 'covered', covered_by = $2 WHERE run_id = $1",
			NUMBER(covered), NUMBER(row->id));
		pass_on(history, covered, row->id);
	}
}

void
history_write_plan(const History *history, const PgbrSchedule *schedule, const PgbrPlan *plan,
				   RunRow *row)
{
	connect_spi();
	write_groups(history, schedule, plan);
	if (plan->start)
		write_start(history, schedule, plan, row);
	SPI_finish();
}

void
history_note_sidecar(const History *history, const RunRow *row, const char *reason)
{
	connect_spi();
	RUN("UPDATE " SCHEMA ".pgbr_run SET sidecar = $2, sidecar_reason = $3 WHERE run_id = $1",
		NUMBER(row->id), text_argument(row->sidecar), text_argument(reason));
	SPI_finish();
}

void
history_note_job(const History *history, const RunRow *row, const char *job_id)
{
	connect_spi();
	RUN("UPDATE " SCHEMA ".pgbr_run SET job_id = $2 WHERE run_id = $1", NUMBER(row->id),
		text_argument(job_id));
	SPI_finish();
}

/* The next attempt at a run; it counts no due time of its own. */
static void
insert_attempt(const History *history, const PgbrSchedule *schedule, PgbrBackupType type,
			   int64 before)
{
	const PgbrRun *owed = &schedule->types[type].owed;

	RUN("INSERT INTO " SCHEMA
		".pgbr_run (type, first_due, due, due_count, state, reason, failures, "
		"not_before)"
		" VALUES ($1, to_timestamp($2), to_timestamp($2), 0, 'queued', $3, $4, to_timestamp($5))"
		" RETURNING run_id",
		text_argument(pgbr_backup_type_name(type)), NUMBER(owed->due),
		text_argument(reasons[owed->reason]), NUMBER(owed->failures),
		NUMBER_OR_NULL(owed->not_before));
	pass_on(history, before, number_at(0, 1, 0));
}

void
history_write_end(const History *history, const PgbrSchedule *schedule, const PgbrRun *run,
				  PgbrBackupType type, const RunRow *row, const RunEnd *end, PgbrSequel sequel,
				  PgbrBackupType by, int64_t by_due)
{
	connect_spi();
	RUN("UPDATE " SCHEMA
		".pgbr_run SET state = $2, finished_at = clock_timestamp(), failures = $3, label = "
		"$4,"
		" exit_code = $5, error = $6, message = $7, hint = $8 WHERE run_id = $1",
		NUMBER(row->id), text_argument(outcomes[end->outcome]),
		NUMBER(run->failures + (end->outcome == PGBR_OUTCOME_FAILED)), text_argument(end->label),
		NUMBER_OR_NULL((int64) end->exit_code), text_argument(end->error),
		text_argument(end->message), text_argument(end->hint));
	if (sequel == PGBR_SEQUEL_OWED)
		insert_attempt(history, schedule, type, row->id);
	else if (sequel == PGBR_SEQUEL_COVERED)
	{
		int64 other = history_row_of(history, by, by_due);

		RUN("UPDATE " SCHEMA ".pgbr_run SET covered_by = $2 WHERE run_id = $1", NUMBER(row->id),
			NUMBER(other));
		pass_on(history, row->id, other);
	}
	SPI_finish();
}

void
history_purge(const History *history)
{
	connect_spi();
	/* The newest row of each type tells which due times were handled. The newest of all stay
	 * whatever the clock says: a clock that is years ahead for a moment must not delete the
	 * history. */
	RUN("DELETE FROM " SCHEMA ".pgbr_run AS r WHERE state NOT IN ('queued', 'running')"
		" AND coalesce(finished_at, due) < clock_timestamp() - make_interval(mins => $1::integer)"
		" AND due < (SELECT max(due) FROM " SCHEMA ".pgbr_run AS n WHERE n.type = r.type)"
		" AND run_id <= (SELECT run_id FROM " SCHEMA ".pgbr_run"
		"  ORDER BY run_id DESC OFFSET $2 LIMIT 1)",
		NUMBER(guc_history_retention), NUMBER(KEPT_ALWAYS));
	RUN("UPDATE " SCHEMA ".pgbr_run AS r SET covered_by = NULL WHERE covered_by IS NOT NULL"
		" AND NOT EXISTS (SELECT FROM " SCHEMA ".pgbr_run AS c WHERE c.run_id = r.covered_by)");
	SPI_finish();
}
