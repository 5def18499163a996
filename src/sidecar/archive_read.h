/*
 * archive_read.h
 *		Asks pgbackrest what the archives of our stanza hold. Thread-safe.
 */
#ifndef PGBR_SIDECAR_ARCHIVE_READ_H
#define PGBR_SIDECAR_ARCHIVE_READ_H

#include "common/error.h"
#include "sidecar/config.h"

#include <jansson.h>
#include <stdint.h>

/* The newest archive of one repository, or of all (0) that the info document names, as the API shows
 * it; a repository that can't be read has its error there. stop_fd as in process_run. NULL when out
 * of memory. */
extern json_t *archive_read(const SidecarConfig *config, const json_t *info, int repo,
							uint64_t segment_size, int stop_fd);

#endif
