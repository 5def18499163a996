/*
 * audit_store.h
 *		The audit table: who changed what, and who was refused. Used by queue_facts only.
 *
 * Rows are added and never changed, except that the outcome of a change is set once. Triggers in
 * the database refuse any other change. Rows are removed only by age or number. The rules of
 * job_store.h hold.
 */
#ifndef PGBR_SIDECAR_QUEUE_AUDIT_STORE_H
#define PGBR_SIDECAR_QUEUE_AUDIT_STORE_H

#include "sidecar/queue/audit_row.h"
#include "sidecar/queue/job_store.h"

/* Add a row; fills row->id. Now and then also removes rows that are older than the moment `before`
 * or exceed the maximum number. */
extern bool audit_store_add(JobStore *store, AuditRow *row, int64_t before, PgbrError *error);

/* Set the outcome of a row that has none. */
extern bool audit_store_end(JobStore *store, const AuditRow *row, PgbrError *error);

/* Call back for each, newest first; before: an id, or 0. */
extern bool audit_store_list(JobStore *store, int64_t before, int limit, AuditVisitor visit,
							 void *argument, PgbrError *error);

#endif
