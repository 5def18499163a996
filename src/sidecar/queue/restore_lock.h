/*
 * restore_lock.h
 *		Who may drive a restore on this member, and what may be written into its journal: pure.
 *
 * A member takes part in one restore at a time. Whoever drives it, the holder, has a lease that he
 * renews; when it has run out or was given back, another may go on in his place. The journal is a
 * document of the holder's, whose revision only grows.
 *
 * All values are plain; texts in a RestorePut are borrowed. Times are of the monotonic clock, in ms.
 */
#ifndef PGBR_SIDECAR_QUEUE_RESTORE_LOCK_H
#define PGBR_SIDECAR_QUEUE_RESTORE_LOCK_H

#include "common/error.h"
#include "sidecar/queue/job.h"

#include <stdbool.h>
#include <stdint.h>

#define RESTORE_LEASE_MAX_S 60

/* A harmless restore whose lease has been over for so long is given up. */
#define RESTORE_GIVE_UP_MS 10000

/* After a start of the sidecar nobody knows how long the holder's lease still was. */
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
	bool harmless; /* by its document, nothing was done that would have to be gone on with */
} RestoreHold;

/* What is on disk of the restore that a request names, as far as the decision needs it. */
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
	bool harmless;		  /* as the document says */
} RestorePut;

typedef enum RestorePutStep
{
	RESTORE_PUT_CREATE, /* new on this member */
	RESTORE_PUT_WRITE,
	RESTORE_PUT_RENEW,	/* the lease alone */
	RESTORE_PUT_REPEAT, /* it was done before: nothing changes */
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

/* When the restore is given up unless its lease is renewed; INT64_MAX: never. */
extern int64_t restore_give_up_at(const RestoreHold *hold);

/* May this be done, and what is to be done then? stored is NULL when the restore is not known here.
 * RESTORE_IN_PROGRESS when another restore or holder is in the way, CONFLICT when the journal has
 * gone on. */
extern bool
restore_put_decide(const RestorePut *put, const RestoreStored *stored, const RestoreHold *hold,
				   int64_t now, RestoreDecision *decision, PgbrError *error);

/* May a job be accepted? restore and holder are "" for one that belongs to none. */
extern bool restore_job_decide(const char *restore, const char *holder, const RestoreHold *hold,
							   PgbrError *error);

#endif
