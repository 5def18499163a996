/*
 * target.h
 *		Part of the planner: the timeline and the target. Pure.
 */
#ifndef PGBR_CTL_PLAN_TARGET_H
#define PGBR_CTL_PLAN_TARGET_H

#include "ctl/plan/findings.h"

#include <stdbool.h>

/* Choose the timeline, with the restore point or the transaction that the target means. False when
 * it has refused. */
extern bool restore_choose_timeline(RestoreWork *work);

/* Refuse a time or an LSN that is not on the path; called once the path is known. */
extern bool restore_check_target(RestoreWork *work);

#endif
