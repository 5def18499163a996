/*
 * kept.h
 *		A replica that is kept as the way back of a restore: whether a restore may keep it, and
 *		what a plan must do about one that is kept.
 *
 * Private to the planner, as the other parts of it. Pure.
 */
#ifndef PGBR_CTL_PLAN_KEPT_H
#define PGBR_CTL_PLAN_KEPT_H

#include "ctl/plan/findings.h"

#include <stdbool.h>

/*
 * Refuse a member that can't be kept, and a plan that would write over one that is kept. For an
 * undo, set work->kept when a member was kept for the restore that is undone. After the preflight
 * of the cluster.
 */
extern bool restore_check_kept(RestoreWork *work);

#endif
