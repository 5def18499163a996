/*
 * restore_lock.h
 *		Who may drive a restore on this member, and what may be written into its journal: pure.
 *
 * A member takes part in one restore at a time. The holder, the program that drives it, has a lease
 * and renews it. When the lease has ended or was given back, another holder may continue. The
 * journal is a document of the holder; its revision only grows.
 *
 * All values are plain; texts in a RestorePut are borrowed. Times are of the monotonic clock, in
 * ms.
 */
#ifndef PGBR_SIDECAR_QUEUE_RESTORE_LOCK_H
#define PGBR_SIDECAR_QUEUE_RESTORE_LOCK_H

#include "common/error.h"
#include "sidecar/queue/job.h"

#include <stdbool.h>
#include <stdint.h>

#define RESTORE_LEASE_MAX_S 60

/* A restore that has changed nothing is abandoned this long after its lease has ended. */
#define RESTORE_GIVE_UP_MS 10000

/* The lease after a start of the sidecar: how much of the old one is left is not known. */
#define RESTORE_FRESH_LEASE_MS 10000

typedef enum RestoreState
{
	RESTORE_ACTIVE,
	RESTORE_DONE,	  /* by its holder's word */
	RESTORE_REPLACED, /* another has taken its place */
} RestoreState;

/* The lock of this member. */
typedef struct RestoreHold
{
	char id[JOB_ID_SIZE]; /* of the active restore, or "" */
	char holder[JOB_ID_SIZE];
	int64_t until; /* the end of the lease; free from then on */
	bool harmless; /* according to its journal nothing was done that must be continued */
	bool resumed;  /* according to it Patroni runs the members again: other jobs may run */
} RestoreHold;

/* The restore that a request names, as it is on disk: what the decision needs of it. */
typedef struct RestoreStored
{
	RestoreState state;
	int64_t revision;
	bool same_document; /* as the request's */
	bool same_holder;
	bool given_up; /* by the sidecar itself, and not by its holder's word */
} RestoreStored;

/* A request to take the lock, renew the lease, write the journal or end it. */
typedef struct RestorePut
{
	const char *id;
	const char *holder;
	int lease_seconds;
	int64_t revision;
	bool done;			  /* or active */
	const char *replaces; /* or NULL */
	const char *document; /* canonical JSON, or NULL: as it is */
	bool harmless;		  /* as the document says, as the next one */
	bool resumed;
} RestorePut;

typedef enum RestorePutStep
{
	RESTORE_PUT_CREATE, /* new on this member */
	RESTORE_PUT_WRITE,
	RESTORE_PUT_RENEW,	/* the lease alone */
	RESTORE_PUT_REPEAT, /* this request was carried out before: nothing changes */
} RestorePutStep;

typedef struct RestoreDecision
{
	RestorePutStep step;
	bool replace; /* the active one ends as replaced */
	bool hold;	  /* the requester holds the lock, with a new lease */
	bool release; /* the active one ends as done */
} RestoreDecision;

extern const char *restore_state_name(RestoreState state);
extern bool restore_state_parse(const char *text, RestoreState *state);

/* Seconds until the lease is free, rounded up; 0 when it is. */
extern int restore_seconds_left(const RestoreHold *hold, int64_t now);

/* When the restore is abandoned unless its lease is renewed; INT64_MAX: never. */
extern int64_t restore_give_up_at(const RestoreHold *hold);

/* Whether the request is allowed, and what it changes. stored is NULL when this member does not
 * know the restore. RESTORE_IN_PROGRESS when another restore or holder is active, CONFLICT when the
 * journal has a newer revision. */
extern bool
restore_put_decide(const RestorePut *put, const RestoreStored *stored, const RestoreHold *hold,
				   int64_t now, RestoreDecision *decision, PgbrError *error);

/* Whether a job is accepted. restore and holder are "" for a job that belongs to no restore. */
extern bool restore_job_decide(const char *restore, const char *holder, const RestoreHold *hold,
							   PgbrError *error);

#endif
