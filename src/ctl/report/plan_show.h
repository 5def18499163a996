/*
 * plan_show.h
 *		How plan and restore show the outcome of planning: the plan, or a refusal with the nearest
 *		reachable targets, and the exit code.
 */
#ifndef PGBR_CTL_REPORT_PLAN_SHOW_H
#define PGBR_CTL_REPORT_PLAN_SHOW_H

#include "ctl/plan/plan.h"
#include "ctl/print/exit_code.h"
#include "ctl/print/output.h"

#include <stdbool.h>

extern bool restore_show_plan(OutputFormat format, const RestorePlan *plan, PgbrError *error);

/*
 * After restore_decide has failed: the exit code. A refusal is copied into the error, which the
 * caller prints; its nearest targets go to standard error, or as a document to standard output.
 */
extern ExitCode
restore_show_refusal(OutputFormat format, const RestoreRefusal *refusal, PgbrError *error);

/* Tell on standard error what takes long; for DecideOptions. */
extern void restore_show_progress(const char *text);

#endif
