/*
 * audit_fold.h
 *		Which refusals become rows of the audit: pure. One who knocks again and again gets a row for
 *		the first time and one for all others of a minute, so that rows come at a bounded rate.
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

/* Count a refusal, its row's count being 1. True: *row, perhaps made one of many others', is to be
 * kept now. Slots whose minute is over must have been taken before. */
extern bool audit_fold_add(AuditFold *fold, AuditRow *row, int64_t now);

/* Give a row that stands for those that were counted in a slot whose minute is over, or, with `all`,
 * in any; false when there is none (left). */
extern bool audit_fold_take(AuditFold *fold, int64_t now, bool all, AuditRow *row);

#endif
