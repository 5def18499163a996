/*
 * restore_store.h
 *		The journals of restores on disk, and the remembered facts about this member; in the same
 *		database as the jobs and by the same rules (job_store.h).
 */
#ifndef PGBR_SIDECAR_QUEUE_RESTORE_STORE_H
#define PGBR_SIDECAR_QUEUE_RESTORE_STORE_H

#include "common/error.h"
#include "common/strbuf.h"
#include "sidecar/queue/job_store.h"
#include "sidecar/queue/restore_lock.h"

/* Journals that are kept, the newest. */
#define RESTORE_KEPT 100

typedef struct RestoreRecord
{
	char id[JOB_ID_SIZE];
	RestoreState state;
	char holder[JOB_ID_SIZE];
	int64_t revision;
	int64_t created_at; /* ms since 1970 */
	int64_t updated_at;
	StrBuf document; /* JSON; "null" until there is one */
} RestoreRecord;

/* Records are embedded in their owner. */
extern void restore_record_init(RestoreRecord *record);
extern void restore_record_done(RestoreRecord *record);

/* Find a restore, into a record that was initialized: NOT_FOUND when there is none. */
extern bool
restore_store_find(JobStore *store, const char *id, RestoreRecord *record, PgbrError *error);

/* The active one: NOT_FOUND when there is none. */
extern bool restore_store_find_active(JobStore *store, RestoreRecord *record, PgbrError *error);

/* Keep a new one, or write back one that changed. */
extern bool restore_store_insert(JobStore *store, const RestoreRecord *record, PgbrError *error);
extern bool restore_store_update(JobStore *store, const RestoreRecord *record, PgbrError *error);

/* Call back for the newest, newest first; the record is only lent. */
typedef void (*RestoreVisitor)(const RestoreRecord *record, void *argument);
extern bool restore_store_list(JobStore *store, int limit, RestoreVisitor visit, void *argument,
							   PgbrError *error);

/* Remove ended ones, except the newest. */
extern bool restore_store_purge(JobStore *store, PgbrError *error);

/* A fact that is remembered: "" when it is not known. */
extern bool
fact_store_get(JobStore *store, const char *name, char *value, size_t size, PgbrError *error);
extern bool fact_store_put(JobStore *store, const char *name, const char *value, PgbrError *error);

#endif
