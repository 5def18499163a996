/*
 * queue_facts.h
 *		What else lies in the store of the jobs, behind their lock: what is remembered of this member,
 *		restore points, the audit.
 *
 * As job_queue.h.
 */
#ifndef PGBR_SIDECAR_QUEUE_QUEUE_FACTS_H
#define PGBR_SIDECAR_QUEUE_QUEUE_FACTS_H

#include "sidecar/queue/audit_row.h"
#include "sidecar/queue/job_queue.h"

#define FACT_SIZE 4096 /* of what is remembered */

/* Only whether the store takes it, as job_store_check. */
extern bool job_queue_check_store(JobQueue *queue, PgbrError *error);

/* What is known of this member while its PostgreSQL is down; "" when it is not, or is not of its form:
 * a folder's name, a number. A folder of programs is one that only we and root can write to, or "". A
 * failure is logged: nothing waits for it. */
extern void job_queue_remember(JobQueue *queue, const char *name, const char *value);
extern void job_queue_recall(JobQueue *queue, const char *name, char *value, size_t size);

/* Restore points, as job_store.h has them. */
extern bool job_queue_add_point(JobQueue *queue, const RestorePoint *point, PgbrError *error);
extern bool job_queue_list_points(JobQueue *queue, const char *name, int timeline,
								  PointVisitor visit, void *argument, PgbrError *error);

/* The audit, as audit_store.h has it. */
extern bool job_queue_audit_add(JobQueue *queue, AuditRow *row, int64_t before, PgbrError *error);
extern bool job_queue_audit_end(JobQueue *queue, const AuditRow *row, PgbrError *error);
extern bool job_queue_audit_list(JobQueue *queue, int64_t before, int limit, AuditVisitor visit,
								 void *argument, PgbrError *error);

#endif
