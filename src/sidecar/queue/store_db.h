/*
 * store_db.h
 *		The database in the state folder, which all that must survive a crash lies in: opening it,
 *		its form, transactions.
 *
 * Not thread-safe by itself: job_queue's lock guards it. Functions fail with STORAGE (disk full,
 * unreadable, not ours) unless said otherwise, and then nothing has changed.
 */
#ifndef PGBR_SIDECAR_QUEUE_STORE_DB_H
#define PGBR_SIDECAR_QUEUE_STORE_DB_H

#include "common/error.h"

typedef struct JobStore JobStore;

/* Open or make STATE_DIR/state.db and bring it to this version's form. A second sidecar on the same
 * folder is refused with CONFLICT. NULL on failure. */
extern JobStore *job_store_open(const char *state_dir, PgbrError *error);
extern void job_store_close(JobStore *store); /* NULL is fine */

/*
 * Could the store take a job now? STORAGE with the last failure, until a write has succeeded. To
 * find out it writes as much as a job, at most once in the intervals below: after a success, and
 * after a failure. A damaged store stays so until it is opened again.
 */
#define STORE_PROBE_MS 10000
#define STORE_RETRY_MS 1000
extern bool job_store_check(JobStore *store, PgbrError *error);

/* Make several changes as one. Either of the last two ends the transaction. */
extern bool job_store_begin(JobStore *store, PgbrError *error);
extern bool job_store_commit(JobStore *store, PgbrError *error);
extern void job_store_rollback(JobStore *store);

#endif
