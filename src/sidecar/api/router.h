/*
 * router.h
 *		Which request goes to which handler: tables of routes, and the checks that every request
 *		passes before its handler sees it. Thread-safe.
 */
#ifndef PGBR_SIDECAR_API_ROUTER_H
#define PGBR_SIDECAR_API_ROUTER_H

#include "sidecar/api/context.h"
#include "sidecar/http/application.h"

/* Sets of faces. */
#define ON(face)		 (1u << FACE_##face)
#define ON_API			 ON(API)
#define ON_METRICS		 ON(METRICS)
#define ON_COMPAT		 ON(COMPAT)
#define ON_DAEMON		 ON(DAEMON)
#define ON_DAEMON_LIST	 ON(DAEMON_LIST)
#define ON_DAEMON_BACKUP ON(DAEMON_BACKUP)

typedef void RouteHandler(Sidecar *sidecar, const HttpRequest *request, HttpResponse *response);

typedef struct Route
{
	unsigned int faces; /* the listeners that have it */
	const char *method;
	const char *path; /* {...} stands for one segment, which becomes request->parameter */
	Scope scope;	  /* SCOPE_NONE: anyone may ask it, to see whether the sidecar works */
	RouteHandler *handle;
	Gate gate;			  /* limits how many requests run programs at a time */
	const char *query[5]; /* the parameters that it takes */
} Route;

typedef struct RouteTable
{
	const Route *routes;
	size_t count;
} RouteTable;

/* Borrows its parts. */
typedef struct Router
{
	Sidecar *sidecar;
	const RouteTable *const *tables; /* ends with NULL */
} Router;

/* The router as what the HTTP server asks, see application.h. */
extern HttpApplication router_application(Router *router);

#endif
