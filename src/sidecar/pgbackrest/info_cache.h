/*
 * info_cache.h
 *		A copy of the output of `pgbackrest info`, refreshed by a thread of its own, so that
 *		reads never block on pgbackrest.
 *
 * Refreshed at start, every info_interval, after every job and on request. A refresh that fails
 * keeps the last copy and stores the reason beside it. Thread-safe.
 */
#ifndef PGBR_SIDECAR_PGBACKREST_INFO_CACHE_H
#define PGBR_SIDECAR_PGBACKREST_INFO_CACHE_H

#include "common/error.h"
#include "sidecar/config/config.h"
#include "sidecar/pgbackrest/info_document.h"
#include "sidecar/pgbackrest/pgbackrest.h"

#include <stdint.h>

/* Of what pgbackrest info prints, in bytes: about 12,000 backups. More is refused, for a
 * document that is parsed takes many times its text, and the answer made of more would not fit
 * into PGBR_HTTP_MAX_RESPONSE. */
#define INFO_MAX_BYTES ((size_t) 6 * 1024 * 1024)

typedef struct InfoSnapshot
{
	InfoDocument *document;	 /* pgbackrest's, as it came; NULL: there never was one */
	InfoDocument *retention; /* what is decided of its backups, as JSON; there when document is */
	char refusal[256];	/* why pgbackrest makes no backups on this host (remote_backup.h), or "" */
	bool pinned;		/* some backup is, or was in a repository that can't be read now */
	int64_t fetched_at; /* ms since 1970; when pgbackrest was started for it */
	int64_t age_ms;
	PgbackrestStanza stanza; /* what the document says of our stanza */
	bool failed;			 /* the last refresh failed, as follows */
	char error[64];			 /* pgBackRest's name of the exit code, or one of our codes */
	char message[1024];
	char hint[512];
	int exit_code;		/* or -1 */
	uint64_t refreshes; /* since the start */
	uint64_t refresh_errors;
} InfoSnapshot;

typedef struct InfoCache InfoCache;

/* Without a copy yet. NULL on failure. */
extern InfoCache *info_cache_new(const SidecarConfig *config, PgbrError *error);

/* Start the thread and its first refresh. */
extern bool info_cache_start(InfoCache *cache, PgbrError *error);

/* End a running refresh, the thread if there is one, and all waits; the copy can still be read. */
extern void info_cache_stop(InfoCache *cache);
extern void info_cache_free(InfoCache *cache); /* after info_cache_stop; NULL is fine */

/* Take the copy as it is now; the caller ends it with info_snapshot_done. */
extern void info_cache_get(InfoCache *cache, InfoSnapshot *snapshot);
extern void info_snapshot_done(InfoSnapshot *snapshot);

/* The ticket of the refresh that the cache starts with. */
#define INFO_FIRST_TICKET 1

/* Ask for a refresh that begins after this call, and return its ticket at once. Several requests
 * that are made before it begins share it. */
extern uint64_t info_cache_refresh(InfoCache *cache);

/*
 * Wait for the end of a ticket's refresh. False when it has not ended after seconds, the cache
 * stops, or is_gone (asked about once a second; or NULL) says that the client has hung up.
 */
extern bool info_cache_wait(InfoCache *cache, uint64_t ticket, int seconds,
							bool (*is_gone)(void *argument), void *argument);

#endif
