/*
 * audit_fold.c
 *		See audit_fold.h.
 */
#include "sidecar/queue/audit_fold.h"

#include <string.h>

static bool
is_same(const AuditRow *one, const AuditRow *other)
{
	return one->status == other->status && strcmp(one->caller, other->caller) == 0 &&
		   strcmp(one->peer, other->peer) == 0 && strcmp(one->listener, other->listener) == 0;
}

/* The slot that counts this row. The last is for all for whom no other is left. */
static AuditSlot *
find_slot(AuditFold *fold, const AuditRow *row)
{
	AuditSlot *of_others = &fold->slots[AUDIT_FOLD_SLOTS - 1];
	AuditSlot *free_one = NULL;

	for (AuditSlot *slot = fold->slots; slot < of_others; slot++)
	{
		if (slot->began && is_same(&slot->row, row))
			return slot;
		if (slot->began == 0 && free_one == NULL)
			free_one = slot;
	}
	return free_one ? free_one : of_others;
}

bool
audit_fold_add(AuditFold *fold, AuditRow *row, int64_t now)
{
	AuditSlot *slot = find_slot(fold, row);
	int counted = slot->began ? slot->row.count : 0;
	bool is_first = slot->began == 0;

	if (slot == &fold->slots[AUDIT_FOLD_SLOTS - 1])
	{
		strcpy(row->caller, "others");
		strcpy(row->peer, "others");
	}
	if (is_first)
		slot->began = now;
	slot->row = *row;
	slot->row.count = is_first ? 0 : counted + 1;
	return is_first;
}

bool
audit_fold_take(AuditFold *fold, int64_t now, bool all, AuditRow *row)
{
	for (int i = 0; i < AUDIT_FOLD_SLOTS; i++)
	{
		AuditSlot *slot = &fold->slots[i];
		bool is_over = slot->began && now - slot->began >= AUDIT_FOLD_MS;

		if (slot->began == 0 || !(all || is_over))
			continue;
		*row = slot->row;
		if (is_over)
			*slot = (AuditSlot){.began = 0};
		else
			slot->row.count = 0;
		if (row->count > 0)
			return true;
	}
	return false;
}
