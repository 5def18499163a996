/*
 * scheduler.c
 *		The scheduler's main loop: plan, commit, have the sidecar make the backup, write down how it
 *		ended, sleep until the next moment that matters.
 *
 * common/schedule_plan decides, run_history stores, the sidecar does. No transaction is open during
 * a request to the sidecar or while the scheduler sleeps. It never polls.
 *
 * Crashes and failovers: a run is written to the history before the sidecar is asked. Its name (its
 * row and its start time) is the job's reason and Idempotency-Key at the sidecar. A new scheduler
 * that finds such a run looks for the job at the sidecar that was asked or, after a failover, at
 * its own. If the job is there, the scheduler follows it. If not, the job ended with its server,
 * and the scheduler makes the run again.
 */
#include "postgres.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "common/vocabulary.h"
#include "extension/alarm.h"
#include "extension/body.h"
#include "extension/compat.h"
#include "extension/guc.h"
#include "extension/own_tables.h"
#include "extension/primary.h"
#include "extension/run_end.h"
#include "extension/run_history.h"
#include "extension/sidecar.h"
#include "extension/worker.h"
#include "extension/zone.h"
#include "libpq/pqsignal.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "portability/instr_time.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "tcop/tcopprot.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#define ANSWER_WAIT_S  30	 /* a job's state is asked for this long at a time */
#define LOST_MS		   60000 /* a sidecar that is away for longer has lost the run */
#define RETRY_MS	   1000
#define JOBS_TO_SEARCH 200 /* among which a run's job is looked for */

typedef struct Scheduler
{
	MemoryContext settings_context; /* of settings; emptied when they are read anew */
	MemoryContext turn_context;		/* of one turn of the loop */
	ScheduleSettings settings;
	PgbrSchedule schedule;
	RunRow row;		 /* of the current run */
	bool started;	 /* the current run was started here, and its job is not known to exist */
	History history; /* that schedule was loaded from, if any */
	bool reported;	 /* that the extension is missing was said */
	int64 wake;
	Alarm alarm;
} Scheduler;

static int64
now_moment(void)
{
	return (int64) timestamptz_to_time_t(GetCurrentTimestamp());
}

static void
begin_transaction(void)
{
	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
}

static void
commit_transaction(Scheduler *scheduler)
{
	PopActiveSnapshot();
	CommitTransactionCommand();
	pgstat_report_stat(true);
	/* the commit leaves us in a context that is never emptied */
	MemoryContextSwitchTo(scheduler->turn_context);
}

static void
stop_if_asked(void)
{
	CHECK_FOR_INTERRUPTS();
	if (ShutdownRequestPending)
		proc_exit(1);
}

/* Sleep until there may be something to do. */
static void
sleep_until(Scheduler *scheduler, int64 moment, const char *activity)
{
	pgstat_report_activity(STATE_IDLE, activity);
	alarm_sleep(&scheduler->alarm, moment);
	stop_if_asked();
}

static void
read_settings(Scheduler *scheduler)
{
	PgbrSchedule *schedule = &scheduler->schedule;
	MemoryContext before;

	worker_tell_zone(pg_get_timezone_name(session_timezone));
	MemoryContextReset(scheduler->settings_context);
	before = MemoryContextSwitchTo(scheduler->settings_context);
	schedule_read(&scheduler->settings);
	MemoryContextSwitchTo(before);
	schedule_report(&scheduler->settings);
	schedule->zone = zone_of(scheduler->settings.zone);
	schedule->enabled = guc_schedule_enabled;
	schedule->catch_up_window = guc_catch_up_window;
	schedule->retry_limit = guc_retry_limit;
	for (int type = 0; type < PGBR_BACKUP_TYPE_COUNT; type++)
	{
		ScheduleEntry *entry = &scheduler->settings.types[type];

		schedule->types[type].cron = entry->is_valid ? &entry->cron : NULL;
	}
}

static bool
has_history(const Scheduler *scheduler)
{
	return OidIsValid(scheduler->history.table);
}

/* True while the history is the one that was loaded; inside a transaction. Meanwhile the
 * extension may have been dropped, and created again. */
static bool
keep_history(Scheduler *scheduler)
{
	Oid loaded = scheduler->history.table;

	history_find(&scheduler->history);
	if (scheduler->history.table != loaded)
		scheduler->history.table = InvalidOid;
	return has_history(scheduler);
}

/* Learn from the history what there is to do. False when the extension is not there. */
static bool
scheduler_load(Scheduler *scheduler)
{
	PgbrSchedule *schedule = &scheduler->schedule;
	Oid loaded = scheduler->history.table;

	begin_transaction();
	history_find(&scheduler->history);
	if (has_history(scheduler))
	{
		history_load(&scheduler->history, &scheduler->settings, schedule, now_moment());
		if (!schedule->current.exists)
			history_load_current(&scheduler->history, schedule, &scheduler->row);
		else if (scheduler->history.table != loaded)
			scheduler->row.id = 0; /* this run belongs to a history that was dropped */
	}
	commit_transaction(scheduler);
	scheduler->wake = PG_INT64_MIN;
	if (!has_history(scheduler) && !scheduler->reported)
		ereport(LOG, (errmsg("pgbackrest_ctl: the extension is not in database \"%s\"; no backups "
							 "are scheduled until it is",
							 guc_database),
					  errhint("Run CREATE EXTENSION pgbackrest_ctl there.")));
	scheduler->reported = !has_history(scheduler);
	worker_tell_state(has_history(scheduler) ? WORKER_RUNNING : WORKER_NO_EXTENSION);
	return has_history(scheduler);
}

/* Plan, and write the plan down. False when the history is another one. */
static bool
scheduler_plan(Scheduler *scheduler)
{
	PgbrSchedule before = scheduler->schedule;
	PgbrPlan plan;

	pgbr_schedule_plan(&scheduler->schedule, now_moment(), &plan);
	scheduler->wake = plan.wake;
	if (plan.group_count == 0 && !plan.start)
		return true;
	begin_transaction();
	if (keep_history(scheduler))
	{
		history_write_plan(&scheduler->history, &scheduler->schedule, &plan, &scheduler->row);
		scheduler->started = scheduler->started || plan.start;
	}
	else
		scheduler->schedule = before;
	commit_transaction(scheduler);
	return has_history(scheduler);
}

static void
reload(Scheduler *scheduler)
{
	ConfigReloadPending = false;
	/* what came due under the old settings is theirs */
	if (has_history(scheduler))
		(void) scheduler_plan(scheduler);
	ProcessConfigFile(PGC_SIGHUP);
	read_settings(scheduler);
	if (has_history(scheduler))
		(void) scheduler_load(scheduler);
}

/* The sidecar of the current run, if the settings name it: a role that can write to the history
 * must not decide where a token is sent. */
static const char *
current_sidecar(const Scheduler *scheduler)
{
	bool is_standby =
		scheduler->row.sidecar[0] && strcmp(scheduler->row.sidecar, guc_standby_sidecar_url) == 0;

	return is_standby ? guc_standby_sidecar_url : guc_sidecar_url;
}

/* Ask the sidecar of the current run. NULL with error: whatever went wrong, nothing is raised. */
static Jsonb *
scheduler_ask(Scheduler *scheduler, SidecarRequest *request, PgbrError *error)
{
	MemoryContext context = CurrentMemoryContext;
	Jsonb *volatile answer = NULL;

	request->base_url = current_sidecar(scheduler);
	pgbr_error_set(error, PGBR_ERROR_NONE, "%s", "");
	PG_TRY();
	{
		answer = sidecar_try(request, error);
		if (answer == NULL)
			sidecar_explain(error);
	}
	PG_CATCH();
	{
		sidecar_catch(context, error);
	}
	PG_END_TRY();
	stop_if_asked();
	return answer;
}

/* The run's name at the sidecar. */
static char *
run_name(const Scheduler *scheduler)
{
	return psprintf("scheduled run " INT64_FORMAT " started " INT64_FORMAT, scheduler->row.id,
					scheduler->row.started_at);
}

/* Which sidecar to ask for the current run, and why; inside a transaction. */
static const char *
choose_sidecar(const Scheduler *scheduler, const char **reason)
{
	bool streams;

	*reason = "the leader's: backup_from_standby is off";
	if (!scheduler->settings.backup_from_standby)
		return guc_sidecar_url;
	*reason = "the leader's: standby_sidecar_url is not set";
	if (guc_standby_sidecar_url[0] == '\0')
		return guc_sidecar_url;
	streams = primary_has_standby();
	*reason = streams ? "a standby's: one streams" : "the leader's: no standby streams";
	return streams ? guc_standby_sidecar_url : guc_sidecar_url;
}

/* Store which sidecar the current run asks; without a reason, choose one. */
static void
note_sidecar(Scheduler *scheduler, const char *url, const char *reason)
{
	begin_transaction();
	if (reason == NULL)
		url = choose_sidecar(scheduler, &reason);
	strlcpy(scheduler->row.sidecar, url, sizeof(scheduler->row.sidecar));
	if (keep_history(scheduler))
		history_note_sidecar(&scheduler->history, &scheduler->row, reason);
	commit_transaction(scheduler);
}

static void
plan_when_due(Scheduler *scheduler)
{
	if (ConfigReloadPending)
		reload(scheduler);
	if (worker_take_wake())
		(void) scheduler_load(scheduler);
	if (has_history(scheduler) && now_moment() >= scheduler->wake)
		(void) scheduler_plan(scheduler);
}

/* Has a sidecar been away for too long? Uses the monotonic clock, which nobody can set. */
static bool
is_lost(instr_time since)
{
	instr_time away;

	INSTR_TIME_SET_CURRENT(away);
	INSTR_TIME_SUBTRACT(away, since);
	return INSTR_TIME_GET_MILLISEC(away) > LOST_MS;
}

static Jsonb *
post_job(Scheduler *scheduler, PgbrError *error)
{
	char *name = run_name(scheduler);
	SidecarRequest request = {
		.method = "POST", .path = PGBR_PATH_JOBS, .answer = answer_job, .key = name};
	instr_time began;
	Jsonb *job;
	Body body;

	body_begin(&body);
	body_text(&body, "kind", pgbr_job_kind_name(PGBR_JOB_BACKUP));
	body_text(&body, "type", pgbr_backup_type_name(scheduler->schedule.current_type));
	if (strcmp(scheduler->row.sidecar, guc_sidecar_url) != 0)
		body_flag(&body, "backup_standby", true);
	body_text(&body, "claimed_by", "schedule");
	body_text(&body, "reason", name);
	request.body = body_end(&body);
	INSTR_TIME_SET_CURRENT(began);
	/* a slow sidecar may have accepted the job: the same key gives the same job again */
	while ((job = scheduler_ask(scheduler, &request, error)) == NULL &&
		   error->code == PGBR_ERROR_TIMEOUT && !is_lost(began))
		plan_when_due(scheduler);
	return job;
}

/* Hand the current run to a sidecar. */
static Jsonb *
scheduler_start_job(Scheduler *scheduler, PgbrError *error)
{
	Jsonb *job;

	begin_transaction();
	primary_end_promotion();
	commit_transaction(scheduler);
	note_sidecar(scheduler, NULL, NULL);
	job = post_job(scheduler, error);
	if (job == NULL && strcmp(scheduler->row.sidecar, guc_sidecar_url) != 0 &&
		(error->code == PGBR_ERROR_UNREACHABLE || error->code == PGBR_ERROR_TIMEOUT))
	{
		note_sidecar(scheduler, guc_sidecar_url, "the leader's: the standby's did not answer");
		job = post_job(scheduler, error);
	}
	return job;
}

/* The job of the current run, which another scheduler has started. NULL with NOT_FOUND when the
 * sidecar has none. */
static Jsonb *
find_job(Scheduler *scheduler, PgbrError *error)
{
	char *name = run_name(scheduler);
	SidecarRequest request = {.method = "GET",
							  .path =
								  psprintf(PGBR_PATH_JOBS "?kind=backup&limit=%d", JOBS_TO_SEARCH),
							  .answer = answer_jobs};
	Jsonb *answer = scheduler_ask(scheduler, &request, error);
	JsonbContainer *jobs = answer ? answer_object(&answer->root, "jobs") : NULL;

	if (answer == NULL)
		return NULL;
	for (uint32 i = 0; i < JsonContainerSize(jobs); i++)
	{
		JsonbValue *job = getIthJsonbValueFromContainer(jobs, i);
		char *reason = answer_text(job->val.binary.data, "reason");

		if (reason && strcmp(reason, name) == 0)
			return JsonbValueToJsonb(job);
	}
	pgbr_error_set(error, PGBR_ERROR_NOT_FOUND, "the sidecar has no job for this run");
	return NULL;
}

/* Look for an inherited run's job until the sidecar answers. NULL when there is no job to follow: a
 * backup ends with its leader, even if the sidecar that made it lives on. */
static Jsonb *
inherit_job(Scheduler *scheduler, PgbrError *error)
{
	instr_time began;
	Jsonb *job = NULL;

	if (scheduler->row.timeline != (int64) GetWALInsertionTimeLine())
		return NULL;
	INSTR_TIME_SET_CURRENT(began);
	while ((job = find_job(scheduler, error)) == NULL && error->code != PGBR_ERROR_NOT_FOUND &&
		   !is_lost(began))
	{
		plan_when_due(scheduler);
		sidecar_pause(RETRY_MS);
	}
	return job;
}

/* Wait for a job's end, and plan meanwhile. NULL when the sidecar has lost it or is away. */
static Jsonb *
follow_job(Scheduler *scheduler, Jsonb *job, PgbrError *error)
{
	char *id = answer_text(&job->root, "id");
	int wait_ms = Min(ANSWER_WAIT_S * 1000, guc_sidecar_timeout / 2);
	SidecarRequest request = {
		.method = "GET",
		.path = psprintf(PGBR_PATH_JOBS "/%s?wait=%d", sidecar_escape(id), Max(wait_ms / 1000, 1)),
		.answer = answer_job,
		.timeout_ms = guc_sidecar_timeout + 1000,
		.job_id = id};
	/* a backup may take days, and each answer takes some memory */
	MemoryContext context =
		AllocSetContextCreate(scheduler->turn_context, "answer", ALLOCSET_DEFAULT_SIZES);
	instr_time answered;
	PgbrJobState state;

	INSTR_TIME_SET_CURRENT(answered);
	while (job == NULL || !run_end_is_final(job, &state))
	{
		plan_when_due(scheduler);
		MemoryContextReset(context);
		MemoryContextSwitchTo(context);
		job = scheduler_ask(scheduler, &request, error);
		if (job)
			INSTR_TIME_SET_CURRENT(answered);
		else if (error->code == PGBR_ERROR_NOT_FOUND || is_lost(answered))
			break;
		else
			sidecar_pause(RETRY_MS);
	}
	MemoryContextSwitchTo(scheduler->turn_context);
	return job;
}

static void
scheduler_finish(Scheduler *scheduler, const RunEnd *end)
{
	PgbrRun run = scheduler->schedule.current;
	PgbrBackupType type = scheduler->schedule.current_type;
	PgbrBackupType by = PGBR_BACKUP_INCR;
	int64_t by_due = 0;
	PgbrSequel sequel =
		pgbr_schedule_finish(&scheduler->schedule, end->outcome, now_moment(), &by, &by_due);

	scheduler->started = false;
	run_end_report(type, end, sequel);
	begin_transaction();
	if (keep_history(scheduler))
	{
		history_write_end(&scheduler->history, &scheduler->schedule, &run, type, &scheduler->row,
						  end, sequel, by, by_due);
		history_purge(&scheduler->history);
	}
	commit_transaction(scheduler);
}

static void
note_job(Scheduler *scheduler, Jsonb *job)
{
	begin_transaction();
	if (keep_history(scheduler))
		history_note_job(&scheduler->history, &scheduler->row, answer_text(&job->root, "id"));
	commit_transaction(scheduler);
}

/* See the current run through. */
static void
scheduler_run_backup(Scheduler *scheduler)
{
	PgbrError error = PGBR_ERROR_INIT;
	bool inherited = !scheduler->started;
	RunEnd end;
	Jsonb *job;

	pgstat_report_activity(STATE_RUNNING,
						   psprintf("%s backup, run " INT64_FORMAT,
									pgbr_backup_type_name(scheduler->schedule.current_type),
									scheduler->row.id));
	job = inherited ? inherit_job(scheduler, &error) : scheduler_start_job(scheduler, &error);
	if (job)
	{
		note_job(scheduler, job);
		job = follow_job(scheduler, job, &error);
	}
	run_end_describe(job, &error, &end);
	if (job == NULL && (inherited || error.code == PGBR_ERROR_NOT_FOUND))
	{
		end.outcome = PGBR_OUTCOME_INTERRUPTED;
		end.error = NULL;
		end.message = "its server went down or was replaced while it ran";
		end.hint = NULL;
	}
	scheduler_finish(scheduler, &end);
}

static const char *
waiting_activity(const Scheduler *scheduler)
{
	return scheduler->wake == PG_INT64_MAX
			   ? "no backup is scheduled"
			   : psprintf("waiting until %s",
						  timestamptz_to_str(time_t_to_timestamptz((pg_time_t) scheduler->wake)));
}

static void
turn(Scheduler *scheduler)
{
	if (ConfigReloadPending)
		reload(scheduler);
	if (RecoveryInProgress())
	{
		scheduler->history.table = InvalidOid;
		sleep_until(scheduler, PG_INT64_MAX, "waiting for promotion");
	}
	else if ((worker_take_wake() || !has_history(scheduler)) && !scheduler_load(scheduler))
		sleep_until(scheduler, PG_INT64_MAX, "waiting for CREATE EXTENSION pgbackrest_ctl");
	else if (scheduler->schedule.current.exists)
		scheduler_run_backup(scheduler);
	else if (scheduler_plan(scheduler) && !scheduler->schedule.current.exists)
		sleep_until(scheduler, scheduler->wake, waiting_activity(scheduler));
}

static void
scheduler_prepare(Scheduler *scheduler)
{
	*scheduler = (Scheduler){0};
	scheduler->settings_context =
		AllocSetContextCreate(TopMemoryContext, "schedules", ALLOCSET_DEFAULT_SIZES);
	scheduler->turn_context =
		AllocSetContextCreate(TopMemoryContext, "scheduler's turn", ALLOCSET_DEFAULT_SIZES);
	alarm_init(&scheduler->alarm);
	begin_transaction();
	/* others may make functions and operators in this database */
	own_tables_guard();
	/* of this database's settings, which are its owner's */
	SetConfigOption("role", "none", PGC_SUSET, PGC_S_OVERRIDE);
	SetConfigOption("search_path", "pg_catalog, pg_temp", PGC_SUSET, PGC_S_OVERRIDE);
	/* so that no conversion is looked up where no transaction is open */
	SetConfigOption("client_encoding", "UTF8", PGC_BACKEND, PGC_S_OVERRIDE);
	/* a read-only database needs backups, too */
	SetConfigOption("default_transaction_read_only", "off", PGC_SUSET, PGC_S_OVERRIDE);
	SetConfigOption("synchronous_commit", "local", PGC_SUSET, PGC_S_OVERRIDE);
	commit_transaction(scheduler);
	read_settings(scheduler);
}

void
pgbr_scheduler_main(Datum argument)
{
	Scheduler scheduler;

	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, SignalHandlerForShutdownRequest);
	worker_look_first();
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnection(guc_database, NULL, 0);
	if (!worker_claim())
		proc_exit(0);
	scheduler_prepare(&scheduler);
	for (;;)
	{
		MemoryContextReset(scheduler.turn_context);
		MemoryContextSwitchTo(scheduler.turn_context);
		stop_if_asked();
		turn(&scheduler);
	}
}
