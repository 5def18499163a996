/*
 * member_memory.h
 *		What is remembered of this member for the time when its PostgreSQL is down. Thread-safe.
 */
#ifndef PGBR_SIDECAR_POSTGRES_MEMBER_MEMORY_H
#define PGBR_SIDECAR_POSTGRES_MEMBER_MEMORY_H

#include "sidecar/config/config.h"
#include "sidecar/queue/job_queue.h"
#include "sidecar/postgres/member.h"

/*
 * Keep what PostgreSQL has told, or fill in what was kept when it does not answer; then --pg-data
 * wins over what was kept.
 */
extern void node_remember(const SidecarConfig *config, JobQueue *queue, Node *node);

#endif
