/*
 * doctor_facts.h
 *		Learn what "doctor" must know of this member: asks PostgreSQL, runs postgres -C and crontab,
 *		and looks at folders. Decides nothing. Thread-safe.
 */
#ifndef PGBR_SIDECAR_API_DOCTOR_FACTS_H
#define PGBR_SIDECAR_API_DOCTOR_FACTS_H

#include "sidecar/api/doctor_checks.h"
#include "sidecar/api/context.h"

#include <jansson.h>

/* Fill the facts. node is what GET /v1/node tells of this member. Takes at most 15 s. */
extern void doctor_facts_read(Sidecar *sidecar, const json_t *node, DoctorFacts *facts);

#endif
