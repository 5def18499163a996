/*
 * audit.h
 *		Who did what: a row for every change that is asked for and let in, and for every request that
 *		was refused because of who asked.
 *
 * A change has its row on disk before it is made, and is not made when that fails; the outcome is
 * added as it is answered. Refusals can't hold up anybody, nor fill the disk: repeated ones share a
 * row (audit_fold.h), and one that can't be kept is in the log alone. Thread-safe.
 */
#ifndef PGBR_SIDECAR_QUEUE_AUDIT_H
#define PGBR_SIDECAR_QUEUE_AUDIT_H

#include "common/error.h"
#include "sidecar/queue/audit_row.h"
#include "sidecar/http/message.h"
#include "sidecar/queue/job_queue.h"

typedef struct Audit Audit;

/* The queue keeps the rows, and must outlive it. NULL when out of memory. */
extern Audit *audit_new(JobQueue *queue, int retention_days);

/* Keeps what has been counted. NULL is fine. */
extern void audit_free(Audit *audit);

/* Whether a request of this method is one for a change. */
extern bool audit_is_change(const char *method);

/* A change is about to be made. STORAGE when that can't be written down: then it must not be. */
extern bool audit_begin(Audit *audit, const HttpRequest *request, AuditRow *row, PgbrError *error);

/* It was answered. A failure is logged. */
extern void audit_end(Audit *audit, AuditRow *row, const HttpResponse *response);

/* A request was refused because of who asked. A failure is logged. */
extern void audit_refused(Audit *audit, const HttpRequest *request, int status);

/* Call back for rows, newest first, with all that was counted in them: before is an id, or 0. */
extern bool audit_list(Audit *audit, int64_t before, int limit, AuditVisitor visit, void *argument,
					   PgbrError *error);

/* The row as the API shows it. The caller owns a reference; NULL when out of memory. */
extern json_t *audit_row_json(const AuditRow *row);

#endif
