/*
 * planner.h
 *		Makes the plan of a restore, by a request and by facts that were gathered. Pure.
 */
#ifndef PGBR_CTL_PLAN_PLANNER_H
#define PGBR_CTL_PLAN_PLANNER_H

#include "ctl/facts/facts.h"
#include "ctl/plan/plan.h"

#include <stdbool.h>

/* Decide. False: the refusal says why, and what could be reached; nothing else may be done. */
extern bool restore_plan_make(const RestoreRequest *request, const RestoreFacts *facts,
							  RestorePlan *plan, RestoreRefusal *refusal);

#endif
