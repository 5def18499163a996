/*
 * routes.h
 *		The table of our API's routes.
 */
#ifndef PGBR_SIDECAR_API_ROUTES_H
#define PGBR_SIDECAR_API_ROUTES_H

#include "sidecar/api/router.h"

extern const RouteTable api_routes;

#endif
