/*
 * schedule.c
 *		See schedule.h. Also the SQL functions that show schedules; what runs them is worker.c.
 */
#include "postgres.h"

#include "access/xlog.h"
#include "common/values.h"
#include "common/vocabulary.h"
#include "extension/arguments.h"
#include "extension/compat.h"
#include "extension/guc.h"
#include "extension/schedule.h"
#include "extension/worker.h"
#include "extension/zone.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(pgbr_schedule_preview);
PG_FUNCTION_INFO_V1(_pgbr_schedule);

#define PREVIEW_MAX 10000

/* seconds since 1970, and PostgreSQL's microseconds since 2000 */
static TimestampTz
timestamp_of(int64 moment)
{
	return time_t_to_timestamptz((pg_time_t) moment);
}

static int64
moment_of(TimestampTz timestamp)
{
	return (int64) timestamptz_to_time_t(timestamp);
}

static char *
error_text(const PgbrError *error)
{
	return psprintf("%s%s%s%s%s", error->message, error->detail[0] ? ". " : "", error->detail,
					error->hint[0] ? " " : "", error->hint);
}

static void
read_entry(ScheduleEntry *entry, PgbrBackupType type, const char *setting,
		   const PgbrValuesText *value)
{
	bool from_file = setting[0] == '\0' && value->text && value->text[0];
	PgbrError error;

	entry->text = pstrdup(from_file ? value->text : setting);
	entry->source = from_file ? "values file" : setting[0] ? "setting" : "";
	entry->is_valid = entry->text[0] && pgbr_cron_parse(entry->text, &entry->cron, NULL, &error);
	entry->error = guc_refused_schedule(type);
	if (entry->text[0] == '\0' || entry->is_valid)
		return;
	if (from_file)
		pgbr_values_locate(guc_config_file, value, &error);
	entry->error = error_text(&error);
}

static void
read_zone(ScheduleSettings *settings, const PgbrValuesText *value)
{
	char server_zone[TZ_STRLEN_MAX + 1];

	worker_zone(server_zone);
	settings->zone = zone_find(guc_timezone[0] ? guc_timezone : server_zone);
	if (guc_timezone[0] == '\0' && value->text && value->text[0])
	{
		pg_tz *zone = zone_find(value->text);

		if (zone)
			settings->zone = zone;
		else
			settings->error = psprintf("time zone \"%s\" at line %d of \"%s\" is not known; the "
									   "server's TimeZone is used",
									   value->text, value->place.line, guc_config_file);
	}
	settings->zone_name = pg_get_timezone_name(settings->zone);
}

/* All that is wrong in the file, as one text. */
static char *
problems_text(const PgbrValues *values)
{
	StringInfoData text;

	initStringInfo(&text);
	for (size_t i = 0; i < values->problem_count; i++)
		appendStringInfo(&text, "%s%s", i ? "\n" : "", error_text(&values->problems[i]));
	return text.data;
}

void
schedule_read(ScheduleSettings *settings)
{
	PgbrValues values = {0};
	PgbrError error;

	guc_refuse_foreign();
	*settings = (ScheduleSettings){0};
	if (guc_config_file[0])
	{
		if (!pgbr_values_read(guc_config_file, &values, &error))
			settings->error = error_text(&error);
		else if (values.problem_count > 0)
			settings->error = problems_text(&values);
	}
	read_entry(&settings->types[PGBR_BACKUP_FULL], PGBR_BACKUP_FULL, guc_full_schedule,
			   &values.full_schedule);
	read_entry(&settings->types[PGBR_BACKUP_DIFF], PGBR_BACKUP_DIFF, guc_diff_schedule,
			   &values.diff_schedule);
	read_entry(&settings->types[PGBR_BACKUP_INCR], PGBR_BACKUP_INCR, guc_incr_schedule,
			   &values.incr_schedule);
	if (settings->error == NULL)
		settings->error = guc_refused_timezone();
	read_zone(settings, &values.time_zone);
	settings->backup_from_standby = guc_backup_from_standby || values.backup_from_standby;
	pgbr_values_done(&values);
}

void
schedule_report(const ScheduleSettings *settings)
{
	if (settings->error)
		ereport(LOG,
				(errmsg("pgbackrest_ctl: the settings of the schedules are not all in force: %s",
						settings->error)));
	for (int type = 0; type < PGBR_BACKUP_TYPE_COUNT; type++)
	{
		if (settings->types[type].error)
			ereport(LOG, (errmsg("pgbackrest_ctl: the schedule of %s backups is wrong: %s",
								 pgbr_backup_type_name(type), settings->types[type].error)));
	}
}

static pg_tz *
zone_argument(FunctionCallInfo fcinfo, int place)
{
	ScheduleSettings settings;
	char *name;
	pg_tz *zone;

	if (PG_ARGISNULL(place))
	{
		schedule_read(&settings);
		return settings.zone;
	}
	name = text_to_cstring(PG_GETARG_TEXT_PP(place));
	zone = name[0] ? zone_find(name) : NULL;
	if (zone == NULL)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("time zone \"%s\" not recognized", argument_shown(name)),
						errhint("Use a name that pg_timezone_names shows, such as "
								"Europe/Berlin.")));
	return zone;
}

/* pgbr_schedule_preview(schedule text, count integer, time_zone text) */
Datum
pgbr_schedule_preview(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	PgbrCron cron;
	PgbrError error;
	PgbrZone zone;
	int64 moment = moment_of(GetCurrentTimestamp());

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("schedule and count must not be null")));
	if (!pgbr_cron_parse(text_to_cstring(PG_GETARG_TEXT_PP(0)), &cron, NULL, &error))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("%s", error.message),
						error.detail[0] ? errdetail("%s", error.detail) : 0,
						error.hint[0] ? errhint("%s", error.hint) : 0));
	if (PG_GETARG_INT32(1) < 0 || PG_GETARG_INT32(1) > PREVIEW_MAX)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("count must be between 0 and %d", PREVIEW_MAX)));
	zone = zone_of(zone_argument(fcinfo, 2));
	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	for (int i = 0; i < PG_GETARG_INT32(1); i++)
	{
		Datum value;
		bool is_null = false;

		CHECK_FOR_INTERRUPTS();
		if (!pgbr_cron_next(&cron, &zone, moment, &moment))
			break;
		value = TimestampTzGetDatum(timestamp_of(moment));
		tuplestore_putvalues(result->setResult, result->setDesc, &value, &is_null);
	}
	return (Datum) 0;
}

static const char *const idle_reasons[] = {
	[WORKER_NONE] =
		"its background worker was not started. Raise max_worker_processes, and restart "
		"PostgreSQL.",
	[WORKER_NOT_PRELOADED] = "pgbackrest_ctl is not in shared_preload_libraries. Add it there, and "
							 "restart PostgreSQL.",
	[WORKER_NO_DATABASE] = "database \"%s\" does not exist. Create it, or set "
						   "pgbackrest_ctl.database and restart PostgreSQL.",
	[WORKER_NO_SLOT] = "no slot for a background worker is free. Raise max_worker_processes, and "
					   "restart PostgreSQL.",
	[WORKER_STARTING] = "it is being started. If that lasts, the server's log says why.",
	[WORKER_NO_EXTENSION] = "the extension is not in database \"%s\". Run CREATE EXTENSION "
							"pgbackrest_ctl there, or set pgbackrest_ctl.database and restart "
							"PostgreSQL.",
	[WORKER_RUNNING] = NULL,
	[WORKER_GONE] =
		"it has ended. It is started again after 10 s; the server's log says why it has "
		"ended.",
};

const char *
schedule_idle_reason(void)
{
	Oid database;
	WorkerState state = worker_state(&database);

	if (RecoveryInProgress())
		return "no scheduler is running: this is a standby. The leader's runs the schedules.";
	if (!guc_schedule_enabled)
		return "no scheduler is running: pgbackrest_ctl.schedule_enabled is off.";
	/* it has been woken: that this is asked shows that the extension is here */
	if (state == WORKER_NO_EXTENSION && database == MyDatabaseId)
		return NULL;
	if (idle_reasons[state] == NULL)
		return NULL;
	return psprintf("no scheduler is running: %s", psprintf(idle_reasons[state], guc_database));
}

/* Where to look for what the schedules have done, when that is not here. */
static const char *
elsewhere(void)
{
	Oid database;

	(void) worker_state(&database);
	return database == MyDatabaseId
			   ? NULL
			   : psprintf("the schedules are run, and their history is kept, in database \"%s\"",
						  guc_database);
}

/* What is wrong with a schedule: that itself, or all of them, or that nothing runs it. */
static char *
entry_problem(const ScheduleSettings *settings, const ScheduleEntry *entry, const char *idle)
{
	const char *wrong = entry->error ? entry->error : settings->error;
	const char *unseen = entry->text[0] == '\0' ? NULL : idle ? idle : elsewhere();

	return psprintf("%s%s%s", wrong ? wrong : "", wrong && unseen ? "\n" : "",
					unseen ? unseen : "");
}

static Datum
text_datum(const char *text, bool *is_null)
{
	*is_null = text == NULL || text[0] == '\0';
	return *is_null ? (Datum) 0 : CStringGetTextDatum(text);
}

/* _pgbr_schedule(): a row a type: type, schedule, time_zone, source, active, next_run, error */
Datum
_pgbr_schedule(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	int64 now = moment_of(GetCurrentTimestamp());
	ScheduleSettings settings;
	const char *idle = schedule_idle_reason();
	PgbrZone zone;

	schedule_read(&settings);
	zone = zone_of(settings.zone);
	InitMaterializedSRF(fcinfo, 0);
	for (int type = PGBR_BACKUP_TYPE_COUNT - 1; type >= 0; type--)
	{
		const ScheduleEntry *entry = &settings.types[type];
		bool active = entry->is_valid && idle == NULL;
		int64 next;
		Datum values[7];
		bool nulls[7] = {false};

		values[0] = text_datum(pgbr_backup_type_name(type), &nulls[0]);
		values[1] = text_datum(entry->text, &nulls[1]);
		values[2] = text_datum(settings.zone_name, &nulls[2]);
		values[3] = text_datum(entry->source, &nulls[3]);
		values[4] = BoolGetDatum(active);
		nulls[5] = !active || !pgbr_cron_next(&entry->cron, &zone, now, &next);
		values[5] = nulls[5] ? (Datum) 0 : TimestampTzGetDatum(timestamp_of(next));
		values[6] = text_datum(entry_problem(&settings, entry, idle), &nulls[6]);
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}
