/*
 * archive_read.h
 *		Asks pgbackrest what the archives of our stanza hold. Thread-safe.
 */
#ifndef PGBR_SIDECAR_PGBACKREST_ARCHIVE_READ_H
#define PGBR_SIDECAR_PGBACKREST_ARCHIVE_READ_H

#include "common/error.h"
#include "sidecar/config/config.h"
#include "sidecar/pgbackrest/info_cache.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * The newest archive of one repository, or of all (0) that the info document names, as the API
 * shows it; a repository that can't be read has its error there. stop_fd as in process_run. NULL
 * when out of memory.
 */
extern json_t *archive_read(const SidecarConfig *config, const json_t *info, int repo,
							uint64_t segment_size, int stop_fd);

/*
 * Look for a WAL segment in the first usable repository; found says whether it is there. If the
 * copy of info names none, it was made while the repository was away or before the stanza existed,
 * so it is refreshed first. UNAVAILABLE when there still is none; PGBACKREST with its exit_code
 * (else -1) when the repository can't be read; else as process_run, which gets mark and stop_fd.
 * Takes at most half a minute.
 */
extern bool
archive_has_segment(const SidecarConfig *config, InfoCache *cache, const char *segment,
					const char *mark, int stop_fd, bool *found, int *exit_code, PgbrError *error);

#endif
