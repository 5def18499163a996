/*
 * safety.c
 *		_pgbr_safety: the verdict of pgbr_status. The view gathers what SQL knows as one jsonb, this
 *		adds the schedules, and common/safety decides.
 */
#include "postgres.h"

#include "access/xlog.h"
#include "catalog/pg_type.h"
#include "common/safety.h"
#include "extension/answer.h"
#include "extension/schedule.h"
#include "extension/zone.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(_pgbr_safety);

/* Bytes of a text that comes from elsewhere; two of them fit into a problem. */
#define TEXT_MAX 550

#define SAFETY_COLUMNS 2

/* A text of one line that is not too long; NULL stays NULL. */
static const char *
safety_line(const char *text)
{
	char *line;
	int length;

	if (text == NULL)
		return NULL;
	length = (int) strlen(text);
	line = pnstrdup(text, length > TEXT_MAX ? pg_mbcliplen(text, length, TEXT_MAX) : length);
	for (char *at = line; *at; at++)
	{
		if (*at == '\n')
			*at = ' ';
	}
	return line;
}

static const char *
safety_text(JsonbContainer *object, const char *name)
{
	return safety_line(answer_text(object, name));
}

static void
read_repos(JsonbContainer *repos, PgbrSafetyFacts *facts)
{
	for (uint32 i = 0; repos && i < JsonContainerSize(repos); i++)
	{
		JsonbContainer *object = getIthJsonbValueFromContainer(repos, i)->val.binary.data;
		PgbrSafetyRepo repo = {.repo = answer_int(object, "repo", 0),
							   .code = answer_int(object, "code", 0),
							   .message = safety_text(object, "message"),
							   .foreign_id = safety_text(object, "foreign_id"),
							   .missing_wal = safety_text(object, "missing_wal")};

		/* there is room for some of the repositories: not for those that are well */
		if ((repo.code != 0 || repo.foreign_id || repo.missing_wal) &&
			facts->repo_count < PGBR_SAFETY_REPOS)
			facts->repos[facts->repo_count++] = repo;
	}
}

static void
read_facts(JsonbContainer *view, PgbrSafetyFacts *facts)
{
	*facts = (PgbrSafetyFacts){
		.sidecar_error = safety_text(view, "sidecar_error"),
		.has_info = answer_flag(view, "has_info"),
		.info_age = answer_number(view, "info_age", 0),
		.info_error = safety_text(view, "info_error"),
		.system_id = safety_text(view, "system_id"),
		.has_backup = answer_flag(view, "has_backup"),
		.newest_age = answer_number(view, "newest_age", -1),
		.damaged = safety_text(view, "damaged"),
		.backup_runs = answer_flag(view, "backup_runs"),
		.postgres_answers = true,
		.is_standby = RecoveryInProgress(),
		.archives = answer_flag(view, "archives"),
		.missing_wal = safety_text(view, "missing_wal"),
		.archive_fails = answer_flag(view, "archive_fails"),
		.failed_wal = safety_text(view, "failed_wal"),
		.waiting = (long long) answer_number(view, "waiting", 0),
		.waiting_age = answer_number(view, "waiting_age", 0),
		.failures = answer_int(view, "failures", 0),
		.failure_message = safety_text(view, "failure_message"),
	};
	facts->wal = facts->missing_wal						 ? PGBR_WAL_MISSING
				 : answer_flag(view, "has_archived_wal") ? PGBR_WAL_SEEN
														 : PGBR_WAL_UNKNOWN;
	read_repos(answer_object(view, "repos"), facts);
}

/* Since when a backup is due that none has followed, of the type or of a stronger one. */
static double
overdue(const ScheduleEntry *entry, const PgbrZone *zone, JsonbContainer *started, int type)
{
	int64 now = (int64) timestamptz_to_time_t(GetCurrentTimestamp());
	double newest = -1;
	int64 due;

	for (int other = type; started && other < PGBR_BACKUP_TYPE_COUNT; other++)
		newest = Max(newest, answer_number(started, pgbr_backup_type_name(other), -1));
	if (newest < 0 || !pgbr_cron_next(&entry->cron, zone, (int64) newest, &due) || due >= now)
		return 0;
	return (double) (now - due);
}

static void
read_schedules(JsonbContainer *view, PgbrSafetyFacts *facts)
{
	ScheduleSettings settings;
	bool any = false;
	PgbrZone zone;

	schedule_read(&settings);
	zone = zone_of(settings.zone);
	for (int type = 0; type < PGBR_BACKUP_TYPE_COUNT; type++)
	{
		const ScheduleEntry *entry = &settings.types[type];

		facts->is_scheduled[type] = entry->is_valid;
		facts->schedule_errors[type] = safety_line(entry->error);
		any = any || entry->is_valid;
		if (entry->is_valid)
			facts->overdue[type] = overdue(entry, &zone, answer_object(view, "started"), type);
	}
	facts->values_error = safety_line(settings.error);
	if (any && !RecoveryInProgress())
		facts->idle = safety_line(schedule_idle_reason());
}

static Datum
problems_array(const PgbrSafety *safety)
{
	Datum texts[PGBR_SAFETY_PROBLEMS];

	for (int i = 0; i < safety->count; i++)
		texts[i] = CStringGetTextDatum(safety->problems[i]);
	return PointerGetDatum(construct_array(texts, safety->count, TEXTOID, -1, false, TYPALIGN_INT));
}

/* _pgbr_safety(facts jsonb): safe (null where a standby cannot know), and problems */
Datum
_pgbr_safety(PG_FUNCTION_ARGS)
{
	JsonbContainer *view = &PG_GETARG_JSONB_P(0)->root;
	PgbrSafety *safety = palloc(sizeof(*safety));
	Datum values[SAFETY_COLUMNS];
	bool nulls[SAFETY_COLUMNS] = {false};
	PgbrSafetyFacts facts;
	TupleDesc descriptor;

	if (get_call_result_type(fcinfo, NULL, &descriptor) != TYPEFUNC_COMPOSITE ||
		descriptor->natts != SAFETY_COLUMNS)
		elog(ERROR, "_pgbr_safety has other columns than its library");
	read_facts(view, &facts);
	read_schedules(view, &facts);
	pgbr_safety_judge(&facts, safety);
	nulls[0] = safety->safe == PGBR_SAFE_UNSEEN;
	values[0] = BoolGetDatum(safety->safe == PGBR_SAFE_YES);
	values[1] = problems_array(safety);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(descriptor), values, nulls)));
}
