/*
 * member_details.h
 *		What the planner of a restore needs to know of this member beyond member.h: from
 *		PostgreSQL while it runs, otherwise from its files and from memory. Thread-safe.
 */
#ifndef PGBR_SIDECAR_POSTGRES_MEMBER_DETAILS_H
#define PGBR_SIDECAR_POSTGRES_MEMBER_DETAILS_H

#include "sidecar/config/config.h"
#include "sidecar/queue/job_queue.h"
#include "sidecar/postgres/member.h"

#include <jansson.h>

/*
 * Add the details to the node as node_json made it. Takes at most 10 s; stop_fd as in process_run.
 */
extern void node_add_details(const SidecarConfig *config, JobQueue *queue, int stop_fd,
							 const Node *node, json_t *json);

#endif
