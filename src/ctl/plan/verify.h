/*
 * verify.h
 *		Whether recovery has ended where it was to end: what PostgreSQL wrote into the history of
 *		the new timeline, against the target. Pure.
 */
#ifndef PGBR_CTL_PLAN_VERIFY_H
#define PGBR_CTL_PLAN_VERIFY_H

#include "ctl/plan/plan.h"

#include <jansson.h>
#include <stdbool.h>

/*
 * Whether recovery has reached what was asked for. recovered is the result of node-recover, mark
 * that of node-mark or NULL when there was no undo point. False with CONFLICT: what was reached,
 * and what was wanted.
 */
extern bool restore_verify(const RestorePlan *plan, const json_t *recovered, const json_t *mark,
						   PgbrError *error);

#endif
