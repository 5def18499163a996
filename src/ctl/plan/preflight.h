/*
 * preflight.h
 *		Part of the planner: what hinders a restore before any target is looked at, and whether the
 *		files fit. Pure.
 */
#ifndef PGBR_CTL_PLAN_PREFLIGHT_H
#define PGBR_CTL_PLAN_PREFLIGHT_H

#include "ctl/plan/findings.h"

#include <stdbool.h>

/* Each returns false when it has refused. */
extern bool restore_check_cluster(RestoreWork *work);
extern bool restore_check_space(RestoreWork *work);

#endif
