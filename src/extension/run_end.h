/*
 * run_end.h
 *		What the end of a job means for the run that it was made for.
 */
#ifndef PGBR_RUN_END_H
#define PGBR_RUN_END_H

#include "postgres.h"

#include "common/error.h"
#include "common/schedule_plan.h"
#include "common/vocabulary.h"
#include "extension/run_history.h"
#include "utils/jsonb.h"

extern bool run_end_is_final(Jsonb *job, PgbrJobState *state);

/* Say how a run has ended: as its job did, or with error when job is NULL or not over. A job
 * that its sidecar interrupted counts as a failed attempt: otherwise a sidecar that each backup
 * kills would get the backup again and again. */
extern void run_end_describe(Jsonb *job, const PgbrError *error, RunEnd *end);

/* Log it. */
extern void run_end_report(PgbrBackupType type, const RunEnd *end, PgbrSequel sequel);

#endif
