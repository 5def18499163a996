/*
 * version.h
 *		Which pgbackrest the sidecar runs.
 */
#ifndef PGBR_SIDECAR_PGBACKREST_VERSION_H
#define PGBR_SIDECAR_PGBACKREST_VERSION_H

#include "sidecar/config/config.h"

#define PGBACKREST_VERSION_SIZE 32

/*
 * Run `pgbackrest version`: "2.45", or "" when it can't be run. version is of
 * PGBACKREST_VERSION_SIZE bytes. Takes at most 10 s. Thread-safe.
 */
extern void pgbackrest_version_read(const SidecarConfig *config, char *version);

#endif
