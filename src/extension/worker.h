/*
 * worker.h
 *		The background workers: how they come to be, and how they are woken.
 *
 * Three, of which one stays: a launcher waits until the database of pgbackrest_ctl.database exists,
 * registers the scheduler and ends; the scheduler, which looks again when it is restarted, is connected to that database and runs the
 * schedules; and at the end of recovery a third wakes the scheduler, which can't see a promotion
 * without looking again and again, and ends.
 */
#ifndef PGBR_WORKER_H
#define PGBR_WORKER_H

#include "postgres.h"

#include "pgtime.h"

/* What the workers have come to. */
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

/* For the scheduler: was it woken since it asked last? */
extern bool worker_take_wake(void);

/* For the scheduler: be the one that is woken. False when another scheduler runs. */
extern bool worker_claim(void);

/* For the workers: say what they have come to. For all: what they have said, and the database of the
 * scheduler, or InvalidOid. */
extern void worker_tell_state(WorkerState state);
extern WorkerState worker_state(Oid *database);

/* For a scheduler that starts, before it is bound to its database: one whose predecessor has ended does
 * not return from here where that database was dropped, but waits for it, and leaves the rest to a
 * scheduler that it registers. */
extern void worker_look_first(void);

/* The TimeZone of the scheduler, which no session's own hides: told by it, and "" before. name has room
 * for TZ_STRLEN_MAX + 1. */
extern void worker_tell_zone(const char *name);
extern void worker_zone(char *name);

/* Entry points, called by the postmaster. */
extern PGDLLEXPORT void pgbr_launcher_main(Datum argument);
extern PGDLLEXPORT void pgbr_promotion_main(Datum argument);
extern PGDLLEXPORT void pgbr_scheduler_main(Datum argument);

#endif
