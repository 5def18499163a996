/*
 * send.h
 *		How an answer goes out: an HttpResponse on the heap, handed to libmicrohttpd.
 */
#ifndef PGBR_SIDECAR_HTTP_SEND_H
#define PGBR_SIDECAR_HTTP_SEND_H

#include "sidecar/http/message.h"

#include <microhttpd.h>

/* One to be filled; NULL when out of memory. */
extern HttpResponse *http_send_new(void);
extern void http_send_free(void *response);

/* Send the answer, which is freed when its last byte is out. */
extern enum MHD_Result http_send(struct MHD_Connection *connection, HttpResponse *response);

#endif
