/*
 * restore_route.h
 *		What a restore that was asked for by POST /restore needs at the sidecar's start.
 */
#ifndef PGBR_SIDECAR_COMPAT_RESTORE_ROUTE_H
#define PGBR_SIDECAR_COMPAT_RESTORE_ROUTE_H

#include "sidecar/api/context.h"

/* End a restore that a crash has left active. */
extern void compat_end_leftovers(Sidecar *sidecar);

#endif
