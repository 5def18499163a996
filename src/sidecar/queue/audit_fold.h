/*
 * audit_fold.h
 *		Which refusals become rows of the audit: pure. A caller that is refused again and again
 *		gets one row for the first refusal and one for all others of a minute, so the number of
 *		rows per minute is bounded.
 */
#ifndef PGBR_SIDECAR_QUEUE_AUDIT_FOLD_H
#define PGBR_SIDECAR_QUEUE_AUDIT_FOLD_H

#include "sidecar/queue/audit_row.h"

#include <stdbool.h>

#define AUDIT_FOLD_MS	 60000
#define AUDIT_FOLD_SLOTS 16

/* Refusals of the same caller, address, listener and status. */
typedef struct AuditSlot
{
	AuditRow row;  /* the newest; count: those that no row stands for yet */
	int64_t began; /* monotonic ms; 0: the slot is free */
} AuditSlot;

typedef struct AuditFold
{
	AuditSlot slots[AUDIT_FOLD_SLOTS];
} AuditFold;

/* Count a refusal; the count in its row is 1. True: write *row now; it may have been changed to
 * stand for many callers. Call audit_fold_take first for slots whose minute is over. */
extern bool audit_fold_add(AuditFold *fold, AuditRow *row, int64_t now);

/*
 * Give a row that stands for those that were counted in a slot whose minute is over, or, with
 * `all`, in any; false when there is none (left).
 */
extern bool audit_fold_take(AuditFold *fold, int64_t now, bool all, AuditRow *row);

#endif
