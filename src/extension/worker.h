/*
 * worker.h
 *		The background workers: how they are started, and how they are woken.
 *
 * There are three, of which one stays:
 * - The launcher waits until the database pgbackrest_ctl.database exists, registers the scheduler
 *   and ends.
 * - The scheduler connects to that database and runs the schedules. After a restart it first checks
 *   again that the database exists.
 * - The third starts at the end of recovery, wakes the scheduler and ends. Without it the scheduler
 *   would have to poll to see a promotion.
 */
#ifndef PGBR_WORKER_H
#define PGBR_WORKER_H

#include "postgres.h"

#include "pgtime.h"

/* How far the workers are. */
typedef enum WorkerState
{
	WORKER_NONE, /* none has started */
	WORKER_NOT_PRELOADED,
	WORKER_NO_DATABASE,
	WORKER_NO_SLOT,
	WORKER_STARTING,
	WORKER_NO_EXTENSION, /* the scheduler is there, and waits for it */
	WORKER_RUNNING,
	WORKER_GONE, /* the scheduler has ended */
} WorkerState;

/* Register the workers and ask for shared memory; from _PG_init, when the library is preloaded. */
extern void worker_register(void);

/* Wake the scheduler, if there is one: the extension may have come, or recovery has ended. */
extern void worker_wake(void);

/* For the scheduler: was it woken since it last asked? */
extern bool worker_take_wake(void);

/* For the scheduler: become the process that is woken. False when another scheduler runs. */
extern bool worker_claim(void);

/* For the workers: tell how far they are. For all: what they told last, and the scheduler's
 * database, or InvalidOid. */
extern void worker_tell_state(WorkerState state);
extern WorkerState worker_state(Oid *database);

/* For a scheduler that starts, before it connects to its database. If its predecessor has ended and
 * the database was dropped, this does not return: it waits for the database, and registers another
 * scheduler that goes on. */
extern void worker_look_first(void);

/* The TimeZone of the scheduler, which a session's own does not hide; "" until the scheduler has
 * told it. name has room for TZ_STRLEN_MAX + 1. */
extern void worker_tell_zone(const char *name);
extern void worker_zone(char *name);

/* Entry points, called by the postmaster. */
extern PGDLLEXPORT void pgbr_launcher_main(Datum argument);
extern PGDLLEXPORT void pgbr_promotion_main(Datum argument);
extern PGDLLEXPORT void pgbr_scheduler_main(Datum argument);

#endif
