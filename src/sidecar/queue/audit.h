/*
 * audit.h
 *		Who did what: a row for every change that was allowed, and for every request that was
 *		refused because of its caller.
 *
 * A change has its row on disk before it is made; if the row can't be written, the change is not
 * made. The outcome is added when the request is answered. Refusals can neither block other
 * requests nor fill the disk: repeated ones share a row (audit_fold.h), and one whose row can't
 * be written is only logged. Thread-safe.
 */
#ifndef PGBR_SIDECAR_QUEUE_AUDIT_H
#define PGBR_SIDECAR_QUEUE_AUDIT_H

#include "common/error.h"
#include "sidecar/queue/audit_row.h"
#include "sidecar/queue/job_queue.h"

typedef struct Audit Audit;

/* A request as the audit sees it; texts are borrowed. */
typedef struct AuditedRequest
{
	const char *caller;
	const char *peer;	  /* its address, or "socket" */
	const char *listener; /* the option that the listener was given by */
	const char *method;
	const char *path;
	const char *concerns; /* the job or restore that the path names, or NULL */
} AuditedRequest;

/* What became of a change; texts are borrowed. */
typedef struct AuditedOutcome
{
	int status;
	const char *claimed_by; /* who asked, by the request's own word, or "" */
	const char *concerns;	/* the job or restore that was changed, or "": as the request says */
} AuditedOutcome;

/* The queue keeps the rows, and must outlive it. NULL when out of memory. */
extern Audit *audit_new(JobQueue *queue, int retention_days);

/* Writes the refusals that are counted but not yet written. NULL is fine. */
extern void audit_free(Audit *audit);

/* Whether a request with this method asks for a change. */
extern bool audit_is_change(const char *method);

/* A change is about to be made. STORAGE when its row can't be written: then the change must not
 * be made. */
extern bool
audit_begin(Audit *audit, const AuditedRequest *request, AuditRow *row, PgbrError *error);

/* The change was answered. A failure is logged. */
extern void audit_end(Audit *audit, AuditRow *row, const AuditedOutcome *outcome);

/* A request was refused because of who asked. A failure is logged. */
extern void audit_refused(Audit *audit, const AuditedRequest *request, int status);

/* Call back for rows, newest first, with all that was counted in them: before is an id, or 0. */
extern bool audit_list(Audit *audit, int64_t before, int limit, AuditVisitor visit, void *argument,
					   PgbrError *error);

/* The row as the API shows it. The caller owns a reference; NULL when out of memory. */
extern json_t *audit_row_json(const AuditRow *row);

#endif
