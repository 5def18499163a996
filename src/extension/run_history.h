/*
 * run_history.h
 *		The runs of the schedules. They are in the database, where the next leader finds them:
 *		pgbr_run has a row for each attempt and for due times that need none, pgbr_schedule_since
 *		the time from which a schedule is in force.
 *
 * Every function runs in the caller's transaction, with SPI not connected and with nothing in
 * search_path but pg_catalog and pg_temp.
 */
#ifndef PGBR_RUN_HISTORY_H
#define PGBR_RUN_HISTORY_H

#include "common/schedule_plan.h"
#include "extension/schedule.h"

/* Where the history is. The schema's name is quoted where it must be. */
typedef struct History
{
	Oid table; /* of runs, or InvalidOid */
	Oid owner; /* with whose rights it is read and written */
	char schema[2 * NAMEDATALEN + 3];
} History;

/* The attempt that is under way, as far as the history knows it. */
typedef struct RunRow
{
	int64 id;
	int64 started_at;  /* PostgreSQL's microseconds: part of the run's name at the sidecar */
	int64 timeline;	   /* on which it was started: another one means a failover since */
	char sidecar[256]; /* the URL that was asked, or "" */
} RunRow;

/* Find it in the extension's schema. Call this in each transaction, since the schema can be
 * renamed. */
extern void history_find(History *history);

/* Fill handled and owed from the history. A new or changed schedule counts from now on, and this
 * time is stored. */
extern void history_load(const History *history, const ScheduleSettings *settings,
						 PgbrSchedule *schedule, int64 now);

/* Fill current, and row when there is such a run. */
extern void history_load_current(const History *history, PgbrSchedule *schedule, RunRow *row);

/* Write a plan; row is filled when it starts a run. schedule is as the plan left it. */
extern void history_write_plan(const History *history, const PgbrSchedule *schedule,
							   const PgbrPlan *plan, RunRow *row);

/* Note whom the current run asks, and why. */
extern void history_note_sidecar(const History *history, const RunRow *row, const char *reason);
extern void history_note_job(const History *history, const RunRow *row, const char *job_id);

/* How an attempt ended; texts may be NULL, exit_code is -1 for none. */
typedef struct RunEnd
{
	PgbrOutcome outcome;
	const char *label;
	int exit_code;
	const char *error;
	const char *message;
	const char *hint;
} RunEnd;

/* Write the end of the current run and what follows from it; schedule is as pgbr_schedule_finish
 * left it, run is the one that was current before. */
extern void
history_write_end(const History *history, const PgbrSchedule *schedule, const PgbrRun *run,
				  PgbrBackupType type, const RunRow *row, const RunEnd *end, PgbrSequel sequel,
				  PgbrBackupType by, int64_t by_due);

/* Delete rows older than pgbackrest_ctl.history_retention. */
extern void history_purge(const History *history);

#endif
