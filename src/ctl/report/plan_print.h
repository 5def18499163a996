/*
 * plan_print.h
 *		A plan and a refusal for people: numbered steps with the commands that would do the same by
 *		hand. The writers append to a buffer and are pure.
 */
#ifndef PGBR_CTL_REPORT_PLAN_PRINT_H
#define PGBR_CTL_REPORT_PLAN_PRINT_H

#include "common/strbuf.h"
#include "ctl/print/output.h"
#include "ctl/plan/plan.h"

/* Append the plan in a format; tsv has the steps alone. */
extern void restore_print_plan(const RestorePlan *plan, OutputFormat format, StrBuf *out);

/* Append "Nearest targets that can be reached:" with a line for each; nothing when there are
 * none. */
extern void restore_print_nearest(const RestoreRefusal *refusal, StrBuf *out);

/* Append the refusal as a document. */
extern void restore_print_refusal(const RestoreRefusal *refusal, OutputFormat format, StrBuf *out);

/* Append what was asked for, in one line: "time 2026-11-24 11:41:32.000000+00, exclusive". */
extern void restore_print_target(const RecoveryTarget *target, StrBuf *out);

#endif
