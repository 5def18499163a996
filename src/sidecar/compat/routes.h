/*
 * routes.h
 *		The table of the routes of pgskipper's programs.
 */
#ifndef PGBR_SIDECAR_COMPAT_ROUTES_H
#define PGBR_SIDECAR_COMPAT_ROUTES_H

#include "sidecar/api/router.h"

extern const RouteTable compat_routes;

#endif
