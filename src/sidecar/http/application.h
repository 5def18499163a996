/*
 * application.h
 *		What the HTTP server asks of the program behind it. The calls come from many threads at a
 *		time; handle may wait.
 */
#ifndef PGBR_SIDECAR_HTTP_APPLICATION_H
#define PGBR_SIDECAR_HTTP_APPLICATION_H

#include "sidecar/http/message.h"

typedef struct HttpApplication
{
	void *argument; /* of each call */

	/* Check what can be checked before the body is read, and set request->is_probe. True: the
	 * request may go on to handle. False: the response is complete. */
	bool (*admit)(void *argument, HttpRequest *request, HttpResponse *response);

	/* Answer a request that was admitted. */
	void (*handle)(void *argument, HttpRequest *request, HttpResponse *response);

	/* A request was refused because of its caller, or of the web page that sent it. */
	void (*refused)(void *argument, const HttpRequest *request, int status);
} HttpApplication;

#endif
