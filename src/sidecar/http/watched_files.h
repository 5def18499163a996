/*
 * watched_files.h
 *		Files that are read again when they change: tokens, certificates, authorities.
 *
 * This tells only when to read. What counts while the new content can't be used is decided by each
 * user: the sidecar's own certificate stays the last good one, a token file lets nobody in.
 * Embedded in its owner, whose lock guards it; the paths are borrowed.
 */
#ifndef PGBR_SIDECAR_HTTP_WATCHED_FILES_H
#define PGBR_SIDECAR_HTTP_WATCHED_FILES_H

#include "common/error.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#define WATCHED_FILES 2

typedef struct WatchedFile
{
	const char *path; /* or NULL */
	struct stat seen; /* zeroed: not there */
	bool settled;	  /* another change would have changed what was seen */
} WatchedFile;

typedef struct WatchedFiles
{
	WatchedFile files[WATCHED_FILES];
	int64_t failing_since; /* monotonic ms; 0: what was read last could be used */
	char said[1024];	   /* the failure that is in the log */
} WatchedFiles;

/* The second may be NULL. */
extern void watched_files_init(WatchedFiles *watched, const char *first, const char *second);

/* True when they must be read: at the first call, and when one may have changed since the last.
 * Ask before reading: what changes during the reading is then seen by the next call. */
extern bool watched_files_changed(WatchedFiles *watched);

/* How the reading went. A failure is logged, the same one only once. */
extern void
watched_files_failed(WatchedFiles *watched, const char *consequence, const PgbrError *error);
extern void watched_files_read(WatchedFiles *watched);

#endif
