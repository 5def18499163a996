/*
 * routes.c
 *		See routes.h. docs/reference/openapi.yaml is the published form of the table; a test holds them against
 *		each other.
 */
#include "sidecar/api/routes.h"

#include "common/memory.h"
#include "common/vocabulary.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* Sets of faces. */
#define ON(face)		 (1u << FACE_##face)
#define ON_API			 ON(API)
#define ON_METRICS		 ON(METRICS)
#define ON_COMPAT		 ON(COMPAT)
#define ON_DAEMON		 ON(DAEMON)
#define ON_DAEMON_LIST	 ON(DAEMON_LIST)
#define ON_DAEMON_BACKUP ON(DAEMON_BACKUP)

typedef struct Route
{
	unsigned int faces; /* the listeners that have it */
	const char *method;
	const char *path; /* {...} stands for one segment, which becomes request->parameter */
	Scope scope;
	void (*handle)(Sidecar *sidecar, const HttpRequest *request, HttpResponse *response);
	const char *query[5]; /* the parameters it takes */
} Route;

static const Route routes[] = {
	{ON_API, "GET", "/v1/jobs", SCOPE_READ, handle_job_list, {"state", "kind", "limit", "before"}},
	{ON_API, "POST", "/v1/jobs", SCOPE_OPERATE, handle_job_post, {NULL}},
	{ON_API, "GET", "/v1/jobs/{id}", SCOPE_READ, handle_job_get, {"wait"}},
	{ON_API, "DELETE", "/v1/jobs/{id}", SCOPE_OPERATE, handle_job_delete, {"claimed_by"}},
	{ON_API, "GET", "/v1/jobs/{id}/log", SCOPE_READ, handle_job_log, {NULL}},
	{ON_API, "GET", "/v1/info", SCOPE_READ, handle_info, {"refresh", "wait"}},
	{ON_API, "GET", "/v1/node", SCOPE_READ, handle_node, {NULL}},
	{ON_API, "GET", "/v1/doctor", SCOPE_READ, handle_doctor, {NULL}},
	{ON_API, "GET", "/v1/wal/{segment}", SCOPE_READ, handle_wal, {NULL}},
	{ON_API, "GET", "/v1/restore-points", SCOPE_READ, handle_point_list, {"name", "timeline"}},
	{ON_API, "POST", "/v1/restore-points", SCOPE_OPERATE, handle_point_post, {"claimed_by"}},
	{ON_API, "GET", "/v1/archive", SCOPE_READ, handle_archive, {"repo"}},
	{ON_API, "GET", "/v1/restores", SCOPE_READ, handle_restore_list, {"limit"}},
	{ON_API, "GET", "/v1/restores/{id}", SCOPE_READ, handle_restore_get, {NULL}},
	{ON_API, "PUT", "/v1/restores/{id}", SCOPE_RESTORE, handle_restore_put, {NULL}},
	{ON_API, "POST", "/v1/restores/{id}/jobs", SCOPE_RESTORE, handle_restore_job_post, {NULL}},
	{ON_API, "GET", "/v1/audit", SCOPE_OPERATE, handle_audit, {"limit", "before"}},
	{ON_API, "GET", "/livez", SCOPE_NONE, handle_livez, {NULL}},
	{ON_API, "GET", "/readyz", SCOPE_NONE, handle_readyz, {NULL}},
	{ON_API | ON_METRICS, "GET", "/metrics", SCOPE_READ, handle_metrics, {NULL}},
	{ON_COMPAT, "POST", "/backup", SCOPE_OPERATE, handle_compat_full, {NULL}},
	{ON_COMPAT, "POST", "/backup/diff", SCOPE_OPERATE, handle_compat_diff, {NULL}},
	{ON_COMPAT, "POST", "/backup/incr", SCOPE_OPERATE, handle_compat_incr, {NULL}},
	{ON_COMPAT, "POST", "/restore", SCOPE_RESTORE, handle_compat_restore, {NULL}},
	{ON_COMPAT, "POST", "/upgrade", SCOPE_OPERATE, handle_compat_upgrade, {NULL}},
	{ON_COMPAT, "GET", "/list", SCOPE_READ, handle_compat_list, {NULL}},
	{ON_COMPAT, "GET", "/status", SCOPE_READ, handle_compat_status, {"timestamp"}},
	{ON_DAEMON, "POST", "/backup", SCOPE_OPERATE, handle_daemon_backup, {NULL}},
	{ON_DAEMON, "POST", "/backups/request", SCOPE_OPERATE, handle_daemon_backup, {NULL}},
	{ON_DAEMON, "GET", "/health", SCOPE_READ, handle_daemon_health, {NULL}},
	{ON_DAEMON, "GET", "/status", SCOPE_READ, handle_daemon_health, {NULL}},
	{ON_DAEMON, "GET", "/v2/health", SCOPE_NONE, handle_daemon_live, {NULL}},
	{ON_DAEMON, "GET", "/backup/status/{id}", SCOPE_READ, handle_daemon_status, {NULL}},
	{ON_DAEMON_LIST, "GET", "/list", SCOPE_READ, handle_daemon_list, {NULL}},
	{ON_DAEMON_LIST, "GET", "/backups/list", SCOPE_READ, handle_daemon_list, {NULL}},
	{ON_DAEMON_BACKUP, "POST", "/backup/diff", SCOPE_OPERATE, handle_daemon_diff, {NULL}},
	{ON_DAEMON_BACKUP, "POST", "/backup/incr", SCOPE_OPERATE, handle_daemon_incr, {NULL}},
};

/* Those that run programs. */
static const struct
{
	void (*handle)(Sidecar *sidecar, const HttpRequest *request, HttpResponse *response);
	Gate gate;
} gates[] = {
	{handle_node, GATE_NODE},		{handle_wal, GATE_WAL},		  {handle_archive, GATE_ARCHIVE},
	{handle_metrics, GATE_METRICS}, {handle_doctor, GATE_DOCTOR},
};

#define ROUTE_COUNT (sizeof(routes) / sizeof(routes[0]))

/* Compare segment by segment; what stands for {...} is given back. */
static bool
match(const char *pattern, const char *path, const char **parameter, size_t *length)
{
	*parameter = NULL;
	while (*pattern)
	{
		if (*pattern == '{')
		{
			*parameter = path;
			*length = strcspn(path, "/");
			if (*length == 0)
				return false;
			path += *length;
			pattern += strcspn(pattern, "}") + 1;
		}
		else if (*pattern++ != *path++)
			return false;
	}
	return *path == '\0';
}

/* The route of a request; NULL when no row has its path, or none its method: *allow then names the
 * methods it has. HEAD is served as GET; the server leaves the body out. */
static const Route *
find_route(const HttpRequest *request, const char **parameter, size_t *length, char *allow,
		   size_t size)
{
	const char *method = strcmp(request->method, "HEAD") == 0 ? "GET" : request->method;

	allow[0] = '\0';
	for (size_t i = 0; i < ROUTE_COUNT; i++)
	{
		size_t used = strlen(allow);

		if (!(routes[i].faces & (1u << request->face)) ||
			!match(routes[i].path, request->path, parameter, length))
			continue;
		if (strcmp(routes[i].method, method) == 0)
			return &routes[i];
		snprintf(allow + used, size - used, "%s%s%s", used ? ", " : "", routes[i].method,
				 strcmp(routes[i].method, "GET") == 0 ? ", HEAD" : "");
	}
	return NULL;
}

static bool
check_query(const Route *route, const HttpRequest *request, PgbrError *error)
{
	/* other programs' clients send what they like */
	if (request->face != FACE_API)
		return true;
	for (int i = 0; i < request->query_count; i++)
	{
		const char *key = request->query[i].key;
		bool known = false;

		for (int k = 0; route->query[k]; k++)
			known = known || strcmp(route->query[k], key) == 0;
		if (!known)
			return pgbr_error_set(error, PGBR_ERROR_BAD_REQUEST,
								  "unknown query parameter \"%.64s\"",
								  pgbr_is_plain_text(key, 65536) ? key : "?");
		for (int k = 0; k < i; k++)
		{
			if (strcmp(request->query[k].key, key) == 0)
				return pgbr_error_set(error, PGBR_ERROR_BAD_REQUEST,
									  "query parameter \"%s\" is given twice", key);
		}
	}
	if (request->query_overflow)
		return pgbr_error_set(error, PGBR_ERROR_BAD_REQUEST, "too many query parameters");
	return true;
}

static bool
has_body(const char *method)
{
	return strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0;
}

static bool
is_json(const char *content_type)
{
	size_t length = content_type ? strcspn(content_type, "; \t") : 0;

	return length == strlen("application/json") &&
		   strncasecmp(content_type, "application/json", length) == 0;
}

bool
routes_admit(Auth *auth, const HttpRequest *request, HttpResponse *response)
{
	const char *parameter;
	size_t length;
	PgbrError error;
	const Route *route =
		find_route(request, &parameter, &length, response->allow, sizeof(response->allow));

	if (route == NULL && response->allow[0])
		pgbr_error_set(&error, PGBR_ERROR_METHOD_NOT_ALLOWED, "method %.16s is not allowed here",
					   request->method);
	else if (route == NULL)
	{
		pgbr_error_set(&error, PGBR_ERROR_NOT_FOUND, "there is nothing at this path");
		pgbr_error_hint(&error, "The paths are those of docs/reference/openapi.yaml.");
	}
	else if (auth_check(auth, request, route->scope, &error) && check_query(route, request, &error))
	{
		response->allow[0] = '\0';
		/* what existing clients send is told apart by who reads it */
		if (request->face >= FACE_COMPAT || !has_body(request->method) ||
			is_json(request->content_type))
			return true;
		pgbr_error_set(&error, PGBR_ERROR_UNSUPPORTED_MEDIA_TYPE,
					   "the body must be application/json");
	}
	routes_refuse(request, &error, response);
	return false;
}

void
routes_refuse(const HttpRequest *request, const PgbrError *error, HttpResponse *response)
{
	if (request->face < FACE_COMPAT)
		http_answer_problem(response, error, -1);
	else
		http_answer_refusal(response, error);
}

bool
routes_is_probe(const HttpRequest *request)
{
	const char *parameter;
	size_t length;
	char allow[64];
	const Route *route = find_route(request, &parameter, &length, allow, sizeof(allow));

	return route && route->scope == SCOPE_NONE;
}

static Gate
gate_of(const Route *route)
{
	for (size_t i = 0; i < sizeof(gates) / sizeof(gates[0]); i++)
	{
		if (gates[i].handle == route->handle)
			return gates[i].gate;
	}
	return GATE_NONE;
}

static void
enter(Sidecar *sidecar, const Route *route, const HttpRequest *request, HttpResponse *response)
{
	Gate gate = gate_of(route);
	PgbrError error;

	if (gate == GATE_NONE)
		route->handle(sidecar, request, response);
	else if (process_gate_enter(sidecar->gate, gate, request->caller.scope, request->is_gone,
								request->gone_argument, &error))
	{
		route->handle(sidecar, request, response);
		process_gate_leave(sidecar->gate, gate);
	}
	else
		routes_refuse(request, &error, response);
}

static void
handle(Sidecar *sidecar, const Route *route, const HttpRequest *request, HttpResponse *response)
{
	memory_watch();
	enter(sidecar, route, request, response);
	/* what is missing may be anywhere in it */
	if (memory_was_refused() || response->body.failed)
		http_answer_no_memory(response, request->face < FACE_COMPAT);
}

/* It is written down before, and its outcome after it. */
static void
handle_change(Sidecar *sidecar, const Route *route, const HttpRequest *request,
			  HttpResponse *response)
{
	AuditRow row;
	PgbrError error;

	if (audit_begin(sidecar->audit, request, &row, &error))
	{
		handle(sidecar, route, request, response);
		audit_end(sidecar->audit, &row, response);
	}
	else
		routes_refuse(request, &error, response);
}

void
routes_handle(Sidecar *sidecar, HttpRequest *request, HttpResponse *response)
{
	const char *parameter;
	size_t length;
	char text[256];
	char allow[64];
	const Route *route = find_route(request, &parameter, &length, allow, sizeof(allow));

	if (parameter)
	{
		/* too long for any grammar there is: an empty one fails every check */
		snprintf(text, sizeof(text), "%.*s", length < sizeof(text) ? (int) length : 0, parameter);
		request->parameter = text;
	}
	if (audit_is_change(request->method))
		handle_change(sidecar, route, request, response);
	else
		handle(sidecar, route, request, response);
	request->parameter = NULL;
}
