/*
 * handlers.h
 *		What the routes of pgskipper's programs do, for their table.
 */
#ifndef PGBR_SIDECAR_COMPAT_HANDLERS_H
#define PGBR_SIDECAR_COMPAT_HANDLERS_H

#include "sidecar/api/router.h"

extern RouteHandler handle_compat_full;
extern RouteHandler handle_compat_diff;
extern RouteHandler handle_compat_incr;
extern RouteHandler handle_compat_upgrade;
extern RouteHandler handle_compat_restore;
extern RouteHandler handle_compat_list;
extern RouteHandler handle_compat_status;
extern RouteHandler handle_daemon_backup;
extern RouteHandler handle_daemon_health;
extern RouteHandler handle_daemon_live;
extern RouteHandler handle_daemon_status;
extern RouteHandler handle_daemon_list;
extern RouteHandler handle_daemon_diff;
extern RouteHandler handle_daemon_incr;

#endif
