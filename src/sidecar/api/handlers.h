/*
 * handlers.h
 *		What the routes of our API do, for their table: a file of this folder a subject. A handler
 *		runs in its connection's own thread and may wait.
 */
#ifndef PGBR_SIDECAR_API_HANDLERS_H
#define PGBR_SIDECAR_API_HANDLERS_H

#include "sidecar/api/router.h"

extern RouteHandler handle_job_list;
extern RouteHandler handle_job_post;
extern RouteHandler handle_job_get;
extern RouteHandler handle_job_delete;
extern RouteHandler handle_job_log;
extern RouteHandler handle_info;
extern RouteHandler handle_node;
extern RouteHandler handle_doctor;
extern RouteHandler handle_wal;
extern RouteHandler handle_point_list;
extern RouteHandler handle_point_post;
extern RouteHandler handle_archive;
extern RouteHandler handle_restore_list;
extern RouteHandler handle_restore_get;
extern RouteHandler handle_restore_put;
extern RouteHandler handle_restore_job_post;
extern RouteHandler handle_audit;
extern RouteHandler handle_livez;
extern RouteHandler handle_readyz;
extern RouteHandler handle_metrics;

#endif
