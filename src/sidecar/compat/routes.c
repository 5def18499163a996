/*
 * routes.c
 *		See routes.h. openapi-compat.yaml is the published form of the table; a test holds them
 *		against each other.
 */
#include "sidecar/compat/routes.h"

#include "sidecar/compat/handlers.h"

static const Route routes[] = {
	{ON_COMPAT, "POST", "/backup", SCOPE_OPERATE, handle_compat_full, GATE_NONE, {NULL}},
	{ON_COMPAT, "POST", "/backup/diff", SCOPE_OPERATE, handle_compat_diff, GATE_NONE, {NULL}},
	{ON_COMPAT, "POST", "/backup/incr", SCOPE_OPERATE, handle_compat_incr, GATE_NONE, {NULL}},
	{ON_COMPAT, "POST", "/restore", SCOPE_RESTORE, handle_compat_restore, GATE_NONE, {NULL}},
	{ON_COMPAT, "POST", "/upgrade", SCOPE_OPERATE, handle_compat_upgrade, GATE_NONE, {NULL}},
	{ON_COMPAT, "GET", "/list", SCOPE_READ, handle_compat_list, GATE_NONE, {NULL}},
	{ON_COMPAT, "GET", "/status", SCOPE_READ, handle_compat_status, GATE_NONE, {"timestamp"}},
	{ON_DAEMON, "POST", "/backup", SCOPE_OPERATE, handle_daemon_backup, GATE_NONE, {NULL}},
	{ON_DAEMON, "POST", "/backups/request", SCOPE_OPERATE, handle_daemon_backup, GATE_NONE, {NULL}},
	{ON_DAEMON, "GET", "/health", SCOPE_READ, handle_daemon_health, GATE_NONE, {NULL}},
	{ON_DAEMON, "GET", "/status", SCOPE_READ, handle_daemon_health, GATE_NONE, {NULL}},
	{ON_DAEMON, "GET", "/v2/health", SCOPE_NONE, handle_daemon_live, GATE_NONE, {NULL}},
	{ON_DAEMON, "GET", "/backup/status/{id}", SCOPE_READ, handle_daemon_status, GATE_NONE, {NULL}},
	{ON_DAEMON_LIST, "GET", "/list", SCOPE_READ, handle_daemon_list, GATE_NONE, {NULL}},
	{ON_DAEMON_LIST, "GET", "/backups/list", SCOPE_READ, handle_daemon_list, GATE_NONE, {NULL}},
	{ON_DAEMON_BACKUP,
	 "POST",
	 "/backup/diff",
	 SCOPE_OPERATE,
	 handle_daemon_diff,
	 GATE_NONE,
	 {NULL}},
	{ON_DAEMON_BACKUP,
	 "POST",
	 "/backup/incr",
	 SCOPE_OPERATE,
	 handle_daemon_incr,
	 GATE_NONE,
	 {NULL}},
};

const RouteTable compat_routes = {routes, sizeof(routes) / sizeof(routes[0])};
