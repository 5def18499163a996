/*
 * queue_facts.h
 *		Other records in the store of the jobs, behind the same lock: remembered facts about this
 *		member, restore points, the audit.
 *
 * As job_queue.h.
 */
#ifndef PGBR_SIDECAR_QUEUE_QUEUE_FACTS_H
#define PGBR_SIDECAR_QUEUE_QUEUE_FACTS_H

#include "sidecar/queue/audit_row.h"
#include "sidecar/queue/job_queue.h"

#define FACT_SIZE 4096 /* of what is remembered */

/* Could the store take a job now? As job_store_check. */
extern bool job_queue_check_store(JobQueue *queue, PgbrError *error);

/* What the sidecar remembers about this member for the time when its PostgreSQL is down. "" when it
 * is not known or is not valid for its name: a folder, a number. A folder of programs is valid only
 * if nobody but us and root can write to it. A failure is logged, since no caller depends on it. */
extern void job_queue_remember(JobQueue *queue, const char *name, const char *value);
extern void job_queue_recall(JobQueue *queue, const char *name, char *value, size_t size);

/* Restore points, as job_store.h has them. */
extern bool job_queue_add_point(JobQueue *queue, const RestorePoint *point, PgbrError *error);
extern bool job_queue_list_points(JobQueue *queue, const char *name, int timeline,
								  PointVisitor visit, void *argument, PgbrError *error);
extern bool job_queue_points_after(JobQueue *queue, int64_t seq, int limit, PointVisitor visit,
								   void *argument, PgbrError *error);

/* The audit, as audit_store.h has it. */
extern bool job_queue_audit_add(JobQueue *queue, AuditRow *row, int64_t before, PgbrError *error);
extern bool job_queue_audit_end(JobQueue *queue, const AuditRow *row, PgbrError *error);
extern bool job_queue_audit_list(JobQueue *queue, int64_t before, int limit, AuditVisitor visit,
								 void *argument, PgbrError *error);

#endif
