/*
 * way_back.h
 *		Whether a restore can be taken back: the undo of it, planned before anything stops. Pure.
 */
#ifndef PGBR_CTL_PLAN_WAY_BACK_H
#define PGBR_CTL_PLAN_WAY_BACK_H

#include "ctl/facts/facts.h"
#include "ctl/plan/findings.h"
#include "ctl/plan/plan.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * Plan the undo that returns to the end of a timeline, in way->set, repo and first_segment. to_lsn
 * is what it must reach at least, 0 when the leader still writes there. If there is no way back,
 * the set is "" and the reason says why. Never refuses.
 */
extern void
way_back_find(const RestoreFacts *facts, uint32_t timeline, uint64_t to_lsn, WayBack *way);

/* Part of the planner: find the way back of the restore in hand. */
extern void restore_prove_way_back(RestoreWork *work);

/*
 * Part of the planner: an undo reaches the point from which its restore was begun, as far as the
 * archive tells. False when it has refused.
 */
extern bool restore_check_undo_point(RestoreWork *work);

/* Refuse a plan that has no way back. Always false. */
extern bool way_back_refuse(const RestorePlan *plan, RestoreRefusal *refusal);

/*
 * Find the way back of a plan that has none so far although one is wanted, once the undo point is
 * archived (to_lsn): adds the leader to the facts, which have only info and archive. False with
 * CONFLICT when there is none, and the restore must not go on.
 */
extern bool
way_back_find_late(RestorePlan *plan, RestoreFacts *facts, uint64_t to_lsn, PgbrError *error);

/*
 * Look again, right before the servers are stopped, by what info and archive say now: the backup of
 * the plan and those that it is based on, the WAL to the target, and the same of the way back, up
 * to the undo point (to_lsn; 0 when there is none). Of a leader that is down the way back does not
 * count. False with CONFLICT: what is gone.
 */
extern bool restore_plan_still_holds(const RestorePlan *plan, const RestoreFacts *facts,
									 uint64_t to_lsn, PgbrError *error);

#endif
