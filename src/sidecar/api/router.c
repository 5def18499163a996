/*
 * router.c
 *		See router.h.
 */
#include "sidecar/api/router.h"

#include "common/memory.h"
#include "common/vocabulary.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

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
find_route(const Router *router, const HttpRequest *request, const char **parameter, size_t *length,
		   char *allow, size_t size)
{
	const char *method = strcmp(request->method, "HEAD") == 0 ? "GET" : request->method;

	allow[0] = '\0';
	for (const RouteTable *const *table = router->tables; *table; table++)
	{
		for (const Route *route = (*table)->routes; route < (*table)->routes + (*table)->count;
			 route++)
		{
			size_t used = strlen(allow);

			if (!(route->faces & (1u << request->face)) ||
				!match(route->path, request->path, parameter, length))
				continue;
			if (strcmp(route->method, method) == 0)
				return route;
			snprintf(allow + used, size - used, "%s%s%s", used ? ", " : "", route->method,
					 strcmp(route->method, "GET") == 0 ? ", HEAD" : "");
		}
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

static bool
admit(void *argument, HttpRequest *request, HttpResponse *response)
{
	const Router *router = argument;
	const char *parameter;
	size_t length;
	PgbrError error;
	const Route *route =
		find_route(router, request, &parameter, &length, response->allow, sizeof(response->allow));

	if (route == NULL && response->allow[0])
		pgbr_error_set(&error, PGBR_ERROR_METHOD_NOT_ALLOWED, "method %.16s is not allowed here",
					   request->method);
	else if (route == NULL)
	{
		pgbr_error_set(&error, PGBR_ERROR_NOT_FOUND, "no route has this path");
		pgbr_error_hint(&error, "See docs/reference/openapi.yaml for the paths.");
	}
	else if (auth_check(router->sidecar->auth, request, route->scope, &error) &&
			 check_query(route, request, &error))
	{
		response->allow[0] = '\0';
		request->is_probe = route->scope == SCOPE_NONE;
		/* what existing clients send is told apart by who reads it */
		if (request->face >= FACE_COMPAT || !has_body(request->method) ||
			is_json(request->content_type))
			return true;
		pgbr_error_set(&error, PGBR_ERROR_UNSUPPORTED_MEDIA_TYPE,
					   "the body must be application/json");
	}
	http_refuse(request, &error, response);
	return false;
}

static void
enter(Sidecar *sidecar, const Route *route, const HttpRequest *request, HttpResponse *response)
{
	Gate gate = route->gate;
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
		http_refuse(request, &error, response);
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

static AuditedRequest
audited(const HttpRequest *request)
{
	return (AuditedRequest){.caller = request->caller.name,
							.peer = request->peer,
							.listener = face_option(request->face),
							.method = request->method,
							.path = request->path,
							.concerns = request->parameter};
}

/* The audit has it before it is made, and its outcome after it. */
static void
handle_change(Sidecar *sidecar, const Route *route, const HttpRequest *request,
			  HttpResponse *response)
{
	AuditedRequest change = audited(request);
	AuditRow row;
	PgbrError error;

	if (audit_begin(sidecar->audit, &change, &row, &error))
	{
		handle(sidecar, route, request, response);
		audit_end(sidecar->audit, &row,
				  &(AuditedOutcome){response->status, response->claimed_by, response->concerns});
	}
	else
		http_refuse(request, &error, response);
}

static void
answer(void *argument, HttpRequest *request, HttpResponse *response)
{
	const Router *router = argument;
	const char *parameter = NULL;
	size_t length = 0;
	char text[256];
	char allow[64];
	const Route *route = find_route(router, request, &parameter, &length, allow, sizeof(allow));

	if (parameter)
	{
		/* too long for any grammar there is: an empty one fails every check */
		snprintf(text, sizeof(text), "%.*s", length < sizeof(text) ? (int) length : 0, parameter);
		request->parameter = text;
	}
	if (audit_is_change(request->method))
		handle_change(router->sidecar, route, request, response);
	else
		handle(router->sidecar, route, request, response);
	request->parameter = NULL;
}

static void
note_refused(void *argument, const HttpRequest *request, int status)
{
	const Router *router = argument;
	AuditedRequest refused = audited(request);

	audit_refused(router->sidecar->audit, &refused, status);
}

HttpApplication
router_application(Router *router)
{
	return (HttpApplication){router, admit, answer, note_refused};
}
