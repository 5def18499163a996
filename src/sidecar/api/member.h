/*
 * member.h
 *		This member, as GET /v1/node tells it. Thread-safe.
 */
#ifndef PGBR_SIDECAR_API_MEMBER_H
#define PGBR_SIDECAR_API_MEMBER_H

#include "sidecar/api/context.h"

#include <jansson.h>

/* Ask PostgreSQL, pgbackrest and the disk; the caller owns a reference. NULL when out of memory. */
extern json_t *node_describe(Sidecar *sidecar);

#endif
