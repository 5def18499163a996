/*
 * verify.h
 *		Whether recovery has ended where it was to end: what PostgreSQL wrote into the history of
 *		the new timeline, against the target. Pure.
 */
#ifndef PGBR_CTL_PLAN_VERIFY_H
#define PGBR_CTL_PLAN_VERIFY_H

#include "ctl/plan/plan.h"

#include <jansson.h>
#include <stdbool.h>

/*
 * Whether recovery has reached what was asked for. recovered is the result of node-recover, mark
 * that of node-mark or NULL when there was no undo point. False with CONFLICT: what was reached,
 * and what was wanted.
 */
extern bool restore_verify(const RestorePlan *plan, const json_t *recovered, const json_t *mark,
						   PgbrError *error);

/*
 * Whether every database is whole, by the same result: DROP DATABASE removes the files before it
 * commits, and a target in between leaves the database without them. False with CONFLICT, unless
 * accept, or everything that was committed was restored: a crash would have left the same then.
 * Otherwise *note tells of it, also when it is not known; static, or NULL: nothing to tell.
 */
extern bool restore_verify_databases(const RestorePlan *plan, const json_t *recovered, bool accept,
									 const char **note, PgbrError *error);

/*
 * Whether the leader can start with the transactions that are prepared at the target. config is
 * Patroni's dynamic configuration, or NULL when it is not known: then it is tried. False with
 * CONFLICT.
 */
extern bool
restore_verify_prepared(const json_t *recovered, const json_t *config, PgbrError *error);

#endif
