/*
 * process_gate.h
 *		How many requests may run other programs at a time. Thread-safe.
 *
 * Of each kind of question there are so many places, so that none keeps the others from being
 * answered. Who finds none waits for one, though not long; the last place of each kind is kept for
 * callers who may restore, and the one before for those who may operate, so that nobody who only
 * reads holds up a backup, and nobody else a restore.
 */
#ifndef PGBR_SIDECAR_API_PROCESS_GATE_H
#define PGBR_SIDECAR_API_PROCESS_GATE_H

#include "common/error.h"
#include "sidecar/config/caller.h"

#include <stdbool.h>

/* Name, and places. */
#define PROCESS_GATES(X)                                               \
	X(NODE, 4)	  /* psql, pg_controldata, pgbackrest version */       \
	X(WAL, 4)	  /* pgbackrest, in the repository */                  \
	X(ARCHIVE, 3) /* the same, over the whole archive: takes memory */ \
	X(METRICS, 3)                                                      \
	X(DOCTOR, 3) /* psql, postgres -C, crontab */

typedef enum Gate
{
	GATE_NONE, /* runs no program, or one that all who ask share */
#define X(name, places) GATE_##name,
	PROCESS_GATES(X)
#undef X
	GATE_COUNT,
} Gate;

#define GATE_WAIT_MS 5000 /* less than a client waits for its answer */

typedef struct ProcessGate ProcessGate;

extern ProcessGate *process_gate_new(void);		  /* NULL: out of memory */
extern void process_gate_free(ProcessGate *gate); /* NULL is fine */

/* Nobody waits any more, or gets in. */
extern void process_gate_close(ProcessGate *gate);

/* Take a place; who got one gives it back by process_gate_leave. is_gone (or NULL) is asked about
 * twice a second whether anybody waits for the answer. UNAVAILABLE when there is none in time. */
extern bool process_gate_enter(ProcessGate *gate, Gate kind, Scope scope,
							   bool (*is_gone)(void *argument), void *argument, PgbrError *error);
extern void process_gate_leave(ProcessGate *gate, Gate kind);

#endif
