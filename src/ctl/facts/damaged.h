/*
 * damaged.h
 *		What the journals of earlier restores tell a plan: which backups they have found damaged,
 *		and which of them were undone. Pure.
 */
#ifndef PGBR_CTL_FACTS_DAMAGED_H
#define PGBR_CTL_FACTS_DAMAGED_H

#include "ctl/facts/facts.h"

#include <jansson.h>

/* The damaged backups that the journals of restores name: the answer of GET /v1/restores. What is
 * no such document is ignored. */
extern void restore_facts_read_damaged(RestoreFacts *facts, const json_t *restores);

/* Note which members are kept for a restore that such an answer says was undone. Call it when all
 * members are known. */
extern void restore_facts_read_undone(RestoreFacts *facts, const json_t *restores);

/* What is known of damage of this backup itself; NULL: nothing, or it was verified since. */
extern const FactDamage *restore_facts_damage(const RestoreFacts *facts, const char *label);

#endif
