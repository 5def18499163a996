/*
 * wait.h
 *		The waits of a restore: each has a name and a limit, renews the locks, ends with Ctrl-C,
 *		and is listed with its length. And requests to sidecars, repeated while a sidecar does not
 *		answer.
 */
#ifndef PGBR_CTL_RESTORE_WAIT_H
#define PGBR_CTL_RESTORE_WAIT_H

#include "ctl/restore/run_context.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct RestoreWait
{
	RestoreRun *run;
	char what[200];
	int64_t begin;	  /* clock_monotonic_ms */
	int64_t limit;	  /* ms */
	PgbrError reason; /* why the condition does not hold yet; NONE when there is nothing to say */
} RestoreWait;

extern void restore_wait_begin(RestoreWait *wait, RestoreRun *run, int limit_s, const char *format,
							   ...) __attribute__((format(printf, 4, 5)));

/*
 * Pause for a tenth of a second. False when the wait has failed: the limit is over (TIMEOUT, with
 * the reason), ABORTED, or the lock was lost.
 */
extern bool restore_wait_more(RestoreWait *wait, PgbrError *error);

/* The same without a pause, after a request that has waited. */
extern bool restore_wait_check(RestoreWait *wait, PgbrError *error);

/* Write the journal, and notice when another control binary has continued the restore. */
extern bool restore_write(RestoreRun *run, PgbrError *error);

/*
 * Renew the lease when it is due. False when another control binary has it now; run->lost says so.
 */
extern bool restore_still_holds(RestoreRun *run, PgbrError *error);

/* The same, due or not: before a request that no sidecar can refuse. */
extern bool restore_holds_now(RestoreRun *run, PgbrError *error);

/*
 * Whether a failed write means that another control binary has continued or ended the restore.
 * Pure.
 */
extern bool restore_is_lost(const PgbrError *error);

/* The condition holds: show and list the wait. */
extern void restore_wait_end(RestoreWait *wait);

/* List a wait that is over without showing it; its length in seconds. */
extern double restore_wait_list(const RestoreWait *wait);

/*
 * A request to a member's sidecar, repeated while it does not answer: a GET that is held for hold
 * seconds, or a POST when key, its Idempotency-Key, is not NULL. *answer is the caller's.
 */
extern bool restore_call(RestoreRun *run, const char *name, const char *path, const json_t *body,
						 const char *key, int hold, json_t **answer, PgbrError *error);

/* GET from a member's sidecar, repeated while it does not answer. *answer is the caller's. */
extern bool restore_ask(RestoreRun *run, const char *member, const char *path, json_t **answer,
						PgbrError *error);

#endif
