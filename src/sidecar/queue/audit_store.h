/*
 * audit_store.h
 *		The audit table: who changed what, and who was refused. For queue_facts alone.
 *
 * Rows are added and never changed, but for the outcome of a change, which is set once; the database
 * itself refuses anything else (triggers), and forgets rows only by their age or their number. The
 * rules of job_store.h hold.
 */
#ifndef PGBR_SIDECAR_QUEUE_AUDIT_STORE_H
#define PGBR_SIDECAR_QUEUE_AUDIT_STORE_H

#include "sidecar/queue/audit_row.h"
#include "sidecar/queue/job_store.h"

/* Keep a row; fills row->id. From time to time it forgets what is older than the moment `before`, and
 * what is too much. */
extern bool audit_store_add(JobStore *store, AuditRow *row, int64_t before, PgbrError *error);

/* Set the outcome of a row that has none. */
extern bool audit_store_end(JobStore *store, const AuditRow *row, PgbrError *error);

/* Call back for each, newest first; before: an id, or 0. */
extern bool audit_store_list(JobStore *store, int64_t before, int limit, AuditVisitor visit,
							 void *argument, PgbrError *error);

#endif
