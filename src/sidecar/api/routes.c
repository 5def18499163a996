/*
 * routes.c
 *		See routes.h. openapi.yaml is the published form of the table; a test holds them against
 *		each other.
 */
#include "sidecar/api/routes.h"

#include "sidecar/api/handlers.h"

static const Route routes[] = {
	{ON_API,
	 "GET",
	 "/v1/jobs",
	 SCOPE_READ,
	 handle_job_list,
	 GATE_NONE,
	 {"state", "kind", "limit", "before"}},
	{ON_API, "POST", "/v1/jobs", SCOPE_OPERATE, handle_job_post, GATE_NONE, {NULL}},
	{ON_API, "GET", "/v1/jobs/{id}", SCOPE_READ, handle_job_get, GATE_NONE, {"wait"}},
	{ON_API,
	 "DELETE",
	 "/v1/jobs/{id}",
	 SCOPE_OPERATE,
	 handle_job_delete,
	 GATE_NONE,
	 {"claimed_by"}},
	{ON_API, "GET", "/v1/jobs/{id}/log", SCOPE_READ, handle_job_log, GATE_NONE, {NULL}},
	{ON_API, "GET", "/v1/info", SCOPE_READ, handle_info, GATE_NONE, {"refresh", "wait"}},
	{ON_API, "GET", "/v1/node", SCOPE_READ, handle_node, GATE_NODE, {NULL}},
	{ON_API, "GET", "/v1/doctor", SCOPE_READ, handle_doctor, GATE_DOCTOR, {NULL}},
	{ON_API, "GET", "/v1/wal/{segment}", SCOPE_READ, handle_wal, GATE_WAL, {NULL}},
	{ON_API,
	 "GET",
	 "/v1/restore-points",
	 SCOPE_READ,
	 handle_point_list,
	 GATE_NONE,
	 {"name", "timeline"}},
	{ON_API,
	 "POST",
	 "/v1/restore-points",
	 SCOPE_OPERATE,
	 handle_point_post,
	 GATE_NONE,
	 {"claimed_by"}},
	{ON_API, "GET", "/v1/archive", SCOPE_READ, handle_archive, GATE_ARCHIVE, {"repo"}},
	{ON_API, "GET", "/v1/restores", SCOPE_READ, handle_restore_list, GATE_NONE, {"limit"}},
	{ON_API, "GET", "/v1/restores/{id}", SCOPE_READ, handle_restore_get, GATE_NONE, {NULL}},
	{ON_API, "PUT", "/v1/restores/{id}", SCOPE_RESTORE, handle_restore_put, GATE_NONE, {NULL}},
	{ON_API,
	 "POST",
	 "/v1/restores/{id}/jobs",
	 SCOPE_RESTORE,
	 handle_restore_job_post,
	 GATE_NONE,
	 {NULL}},
	{ON_API, "GET", "/v1/audit", SCOPE_OPERATE, handle_audit, GATE_NONE, {"limit", "before"}},
	{ON_API, "GET", "/livez", SCOPE_NONE, handle_livez, GATE_NONE, {NULL}},
	{ON_API, "GET", "/readyz", SCOPE_NONE, handle_readyz, GATE_NONE, {NULL}},
	{ON_API | ON_METRICS, "GET", "/metrics", SCOPE_READ, handle_metrics, GATE_METRICS, {NULL}},
};

const RouteTable api_routes = {routes, sizeof(routes) / sizeof(routes[0])};
