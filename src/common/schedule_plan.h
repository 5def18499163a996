/*
 * schedule_plan.h
 *		What the schedule's worker is to do now: which due times have come, which one backup to
 *		start for them, which are missed and why, and when to look again.
 *
 * Pure decisions over plain structs, for a worker that only carries them out. Moments are seconds
 * since 1970-01-01 00:00:00 UTC. Not thread-safe: a PgbrSchedule has one owner.
 *
 * A due time is a type of backup and a moment. Each is accounted for once, in a group of the plan
 * in which it comes (PgbrDueGroup), and never again: a moment that is not later than handled is
 * done with, so a clock that is set back repeats nothing. One that was made for a run ends with
 * that run.
 *
 * The rules
 *	- Of the due times of one type that have come, the newest is owed a run, and covers those before
 *	  it, a run of this type that was still owed among them.
 *	- A run covers what is owed of weaker types when it starts. So of due times that come together
 *	  the strongest runs, once.
 *	- While a backup runs, what comes due is owed, one run of each type at most, and starts when it
 *	  is over.
 *	- A due time that is found late, because no worker was there or the clock leapt, is caught up
 *	  when it is not older than catch_up_window, and is missed else. Up to PGBR_ON_TIME seconds are
 *	  not late.
 *	- A run that failed is owed again, after a delay that doubles each time, up to retry_limit
 *	  times. It does not wait for that when a due time of its type comes first: that is a new run
 *	  with all its attempts.
 *	- A run that was interrupted by a failover is owed again at once; that is no failed attempt.
 *	- A clock that had run ahead by more than a day, and is right again, must not stop the schedule
 *	  until that day comes: due times count again from the moment at which that is noticed, those
 *	  among them that were accounted for while it was wrong.
 *
 * How a worker uses it
 *	- It fills a PgbrSchedule from its settings and its history: handled is the newest due time in
 *	  the history, or the moment since which the schedule is in force when that is later (a schedule
 *	  that is new or was changed misses nothing from before). Runs that wait in the history are
 *	  owed. One that the history says is running, but that this worker did not start, is put into
 *	  current and ended with PGBR_OUTCOME_INTERRUPTED.
 *	- It calls pgbr_schedule_plan when it starts, when plan.wake has come, when the clock was set,
 *	  and after pgbr_schedule_finish; it writes the plan into the history, commits, and only then
 *	  starts the backup. When the commit fails, it goes back to a copy of the schedule.
 *	- Before it takes over new settings, it plans once more with the old ones.
 */
#ifndef PGBR_SCHEDULE_PLAN_H
#define PGBR_SCHEDULE_PLAN_H

#include "common/cron.h"
#include "common/vocabulary.h"

#include <stdbool.h>
#include <stdint.h>

#define PGBR_BACKUP_TYPE_COUNT 3

#define PGBR_ON_TIME 60
#define PGBR_AT_ONCE 0

/* Why a run is owed: the newest reason, when there were several. */
typedef enum PgbrRunReason
{
	PGBR_REASON_DUE,		 /* its time has come */
	PGBR_REASON_QUEUED,		 /* its time came while a backup was running */
	PGBR_REASON_CATCH_UP,	 /* its time was missed */
	PGBR_REASON_RETRY,		 /* it has failed */
	PGBR_REASON_INTERRUPTED, /* a failover ended it */
} PgbrRunReason;

/* A run, owed or under way. Type and due name it in the history. */
typedef struct PgbrRun
{
	bool exists; /* false: there is no such run, the rest means nothing */
	int64_t due;
	PgbrRunReason reason;
	int failures;		/* attempts that failed */
	int64_t not_before; /* owed: do not start it earlier; PGBR_AT_ONCE but for a retry */
} PgbrRun;

typedef struct PgbrScheduledType
{
	const PgbrCron *cron;  /* NULL: this type is not scheduled */
	int64_t handled;	   /* due times up to this one are accounted for */
	bool handled_is_ahead; /* more than a day: resumed counts instead; zero at first */
	int64_t resumed;
	PgbrRun owed;
} PgbrScheduledType;

/* Start from zeroes. */
typedef struct PgbrSchedule
{
	PgbrZone zone;
	bool enabled;			 /* false: what comes due is missed, and nothing starts */
	int64_t catch_up_window; /* seconds */
	int retry_limit;
	PgbrScheduledType types[PGBR_BACKUP_TYPE_COUNT]; /* by PgbrBackupType */
	PgbrRun current;								 /* the run that is under way */
	PgbrBackupType current_type;
} PgbrSchedule;

typedef enum PgbrDueFate
{
	PGBR_DUE_OWED,	   /* a run is owed for it; a group of one */
	PGBR_DUE_COVERED,  /* by the run of the same type that is due at covered_by */
	PGBR_DUE_TOO_OLD,  /* missed: older than catch_up_window */
	PGBR_DUE_DISABLED, /* missed: the schedule was switched off */
} PgbrDueFate;

/* Due times of one type that follow each other and share their fate. One that is covered may have
 * been owed a run before; all others are new. */
typedef struct PgbrDueGroup
{
	PgbrBackupType type;
	PgbrDueFate fate;
	int64_t first;
	int64_t last;
	int count;		 /* of due times from first to last */
	bool is_partial; /* there are more of them than count, which is large already */
	int64_t covered_by;
} PgbrDueGroup;

#define PGBR_DUE_GROUP_MAX (4 * PGBR_BACKUP_TYPE_COUNT)

typedef struct PgbrPlan
{
	PgbrDueGroup groups[PGBR_DUE_GROUP_MAX]; /* by type, then in order of time */
	int group_count;
	bool start; /* start the run that is current now, in the schedule */
	/* with start: the runs of weaker types that were owed and that it covers */
	PgbrRun covered[PGBR_BACKUP_TYPE_COUNT];
	int64_t wake;							  /* plan again at this moment; INT64_MAX: no need to */
	int64_t next_due[PGBR_BACKUP_TYPE_COUNT]; /* INT64_MAX: never */
} PgbrPlan;

/*
 * Decide what to do at a moment, and move the schedule on: afterwards the due times of the plan are
 * handled, and the run to start is its current one. Never fails; takes at most some ten
 * milliseconds, after a month without a worker for a schedule of every minute.
 */
extern void pgbr_schedule_plan(PgbrSchedule *schedule, int64_t now, PgbrPlan *plan);

typedef enum PgbrOutcome
{
	PGBR_OUTCOME_SUCCEEDED,
	PGBR_OUTCOME_FAILED,
	PGBR_OUTCOME_CANCELLED,
	PGBR_OUTCOME_INTERRUPTED,
} PgbrOutcome;

typedef enum PgbrSequel
{
	PGBR_SEQUEL_NONE,	 /* it succeeded or was cancelled */
	PGBR_SEQUEL_OWED,	 /* it is owed again, not before the moment in the schedule */
	PGBR_SEQUEL_COVERED, /* a run that waits will do: of type by, due at by_due */
	PGBR_SEQUEL_GIVE_UP, /* it failed too often */
} PgbrSequel;

/* Say how the current run ended; what follows is for the history. */
extern PgbrSequel pgbr_schedule_finish(PgbrSchedule *schedule, PgbrOutcome outcome, int64_t now,
									   PgbrBackupType *by, int64_t *by_due);

/* How long a run waits after this many failures: a minute, then twice as long each time, up to an
 * hour. */
extern int64_t pgbr_retry_delay(int failures);

#endif
