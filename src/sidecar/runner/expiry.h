/*
 * expiry.h
 *		What the sidecar has pgbackrest remove where backups are pinned. pgbackrest knows no pins:
 *		its own expire would remove them by the retention, so each backup that is to go is named to
 *		it.
 *
 * A plan is a list of pgbackrest's expire, one after the other. Each leaves the repository as good
 * as it was before, so the plan can end after any of them; the next expire makes a new one.
 */
#ifndef PGBR_SIDECAR_RUNNER_EXPIRY_H
#define PGBR_SIDECAR_RUNNER_EXPIRY_H

#include "common/error.h"
#include "common/strbuf.h"
#include "sidecar/config/config.h"
#include "sidecar/queue/job.h"
#include "sidecar/pgbackrest/command_line.h"
#include "sidecar/pgbackrest/pgbackrest.h"

#include <jansson.h>

typedef struct Expiry
{
	ExpireStep *steps;
	int count;
	StrBuf notes; /* for the job's log: what goes, and what a pin keeps; a line each */
	bool unread;  /* a repository could not be looked into, as follows */
	char reason[320];
} Expiry;

/* Plan an expire by the retention in the job's repository, or in all. document is pgbackrest's
 * info, parsed. The caller ends it with expiry_done, also after a failure. */
extern bool expiry_plan(const SidecarConfig *config, const json_t *document, int repo,
						Expiry *expiry, PgbrError *error);
extern void expiry_done(Expiry *expiry); /* may be called twice */

/* Whether a backup may be removed by name: CONFLICT when it or one that depends on it is pinned. */
extern bool expiry_check_set(const SidecarConfig *config, const json_t *document,
							 const JobRequest *request, PgbrError *error);

/* Whether pgbackrest's configuration wants an expire after each backup; true when it can't be
 * read. */
extern bool expiry_is_automatic(const SidecarConfig *config);

#endif
