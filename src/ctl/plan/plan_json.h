/*
 * plan_json.h
 *		A plan as JSON, and back: what --format=json prints, and what the journal keeps. Pure.
 */
#ifndef PGBR_CTL_PLAN_PLAN_JSON_H
#define PGBR_CTL_PLAN_PLAN_JSON_H

#include "ctl/plan/plan.h"

#include <jansson.h>
#include <stdbool.h>

/* The plan as it goes into the journal and to --format=json; the caller owns it. NULL when out of
 * memory. */
extern json_t *restore_plan_json(const RestorePlan *plan);

/* And back. False with PROTOCOL when it is not such a document. */
extern bool restore_plan_read(const json_t *json, RestorePlan *plan, PgbrError *error);

/* The refusal as --format=json prints it. */
extern json_t *restore_refusal_json(const RestoreRefusal *refusal);

#endif
