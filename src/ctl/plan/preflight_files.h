/*
 * preflight_files.h
 *		Part of the preflight: what on a member would have its files restored otherwise than the
 *		plan says. Pure.
 */
#ifndef PGBR_CTL_PLAN_PREFLIGHT_FILES_H
#define PGBR_CTL_PLAN_PREFLIGHT_FILES_H

#include "ctl/plan/findings.h"

#include <stdbool.h>

/* Links to data, and options of pgbackrest that are set there. False when it has refused. */
extern bool restore_check_files(RestoreWork *work, const FactMember *member);

#endif
