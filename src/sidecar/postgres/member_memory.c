/*
 * member_memory.c
 *		See member_memory.h.
 */
#include "sidecar/postgres/member_memory.h"

#include "sidecar/queue/queue_facts.h"

#include <sys/statvfs.h>

void
node_remember(const SidecarConfig *config, JobQueue *queue, Node *node)
{
	struct statvfs disk;
	char value[FACT_SIZE];

	if (node->running)
	{
		job_queue_remember(queue, "data_directory", node->data_directory);
		job_queue_remember(queue, "postgres_version", node->postgres_version);
		return;
	}
	job_queue_recall(queue, "data_directory", value, sizeof(value));
	pgbr_copy_text(node->data_directory, sizeof(node->data_directory),
				   config->pg_data ? config->pg_data : value);
	job_queue_recall(queue, "postgres_version", value, sizeof(value));
	pgbr_copy_text(node->postgres_version, sizeof(node->postgres_version), value);
	if (node->data_directory[0] && statvfs(node->data_directory, &disk) == 0)
	{
		node->free_bytes = (int64_t) disk.f_bavail * (int64_t) disk.f_frsize;
		node->total_bytes = (int64_t) disk.f_blocks * (int64_t) disk.f_frsize;
	}
}
