/*
 * member_identity.h
 *		What tells this sidecar and this data directory from any other: a restore refuses two
 *		members with the same.
 *
 * The identity of a sidecar is a random number in its store, the state folder's inode and the name
 * of the host. It survives restarts. A copy of the state folder or of the host has another one.
 * The identity of a data directory is the host's boot, the device and the inode. It is the same
 * for all sidecars that see the folder, and lasts until the host boots again. Thread-safe.
 */
#ifndef PGBR_SIDECAR_POSTGRES_MEMBER_IDENTITY_H
#define PGBR_SIDECAR_POSTGRES_MEMBER_IDENTITY_H

#include "sidecar/config/config.h"
#include "sidecar/queue/job_queue.h"

#include <jansson.h>

/* Add both to the node; null for what is not known. data_directory may be "". */
extern void member_identity_add(const SidecarConfig *config, JobQueue *queue,
								const char *data_directory, json_t *json);

#endif
