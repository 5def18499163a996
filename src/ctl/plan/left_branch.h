/*
 * left_branch.h
 *		Part of the planner: timelines that the path has left, and on which the target may lie.
 *		Pure.
 *
 * A restore or a failover leaves what its parent timeline wrote later. A time or a transaction ID
 * without --target-timeline may mean that branch: recovery along the path would reach another
 * state, without an error.
 */
#ifndef PGBR_CTL_PLAN_LEFT_BRANCH_H
#define PGBR_CTL_PLAN_LEFT_BRANCH_H

#include "ctl/plan/findings.h"

#include <stdbool.h>

/*
 * Refuse a target of type time or xid that lies on a branch which the path has left. Where nothing
 * tells when the cluster was on a branch, that becomes unproven. False when it has refused.
 */
extern bool restore_check_branches(RestoreWork *work);

/* Add to a refusal the left branches on which a target may lie that is not on the path. */
extern void restore_offer_branches(RestoreWork *work);

#endif
