/*
 * wal_proof.h
 *		Part of the planner: the proof that all WAL from the backup to the target is there. Pure.
 */
#ifndef PGBR_CTL_PLAN_WAL_PROOF_H
#define PGBR_CTL_PLAN_WAL_PROOF_H

#include "ctl/plan/findings.h"

#include <stdbool.h>

/* False when it has refused. */
extern bool restore_prove_wal(RestoreWork *work);

#endif
