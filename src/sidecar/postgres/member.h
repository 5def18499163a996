/*
 * member.h
 *		The state of this member: its PostgreSQL, its disk, its pgbackrest. Thread-safe.
 */
#ifndef PGBR_SIDECAR_POSTGRES_MEMBER_H
#define PGBR_SIDECAR_POSTGRES_MEMBER_H

#include "common/error.h"
#include "sidecar/config/config.h"

#include <jansson.h>
#include <stdint.h>

typedef struct Node
{
	bool running; /* PostgreSQL answers; what follows up to archive_mode is known only then */
	bool is_standby;
	int timeline;
	char lsn[20];
	char system_identifier[24];
	char data_directory[1024];
	char postgres_version[64];
	char archive_mode[16];
	int64_t free_bytes; /* of the data directory's file system; -1: not known */
	int64_t total_bytes;
	char error[1024]; /* why PostgreSQL does not answer, or "" */
} Node;

/* Ask the local PostgreSQL; takes at most 10 s. stop_fd as in process_run. */
extern void node_read(const SidecarConfig *config, int stop_fd, Node *node);

/* The member as the API shows it. The caller owns a reference; NULL when out of memory. */
extern json_t *node_json(const Node *node, const char *stanza, const char *pgbackrest_version);

#endif
