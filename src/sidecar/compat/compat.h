/*
 * compat.h
 *		What clients of pgskipper's programs send, and what they expect to be answered: pure.
 *
 * Those programs are a pgbackrest sidecar (port 3000) and a backup daemon (8080, 8081, 9000). Both
 * know a backup by its annotation "timestamp", which they call backup_id.
 * docs/reference/clients.md tells the routes.
 */
#ifndef PGBR_SIDECAR_COMPAT_COMPAT_H
#define PGBR_SIDECAR_COMPAT_COMPAT_H

#include "common/error.h"
#include "common/recovery_target.h"
#include "sidecar/queue/job.h"

#include <jansson.h>
#include <stddef.h>

/* What a request's body may hold; what is not there is "". */
typedef struct CompatFields
{
	char timestamp[256];
	char backup_id[256];
	char type[64];
	char target[256];
} CompatFields;

/*
 * Read a form or a JSON object: keys in any case, unknown ones ignored. UNSUPPORTED_MEDIA_TYPE when
 * the content type is neither, BAD_REQUEST for what can't be parsed, INVALID_VALUE for a value that
 * is too long or no text.
 */
extern bool compat_read_body(const char *content_type, const char *body, size_t length,
							 CompatFields *fields, PgbrError *error);

/* The id that a backup job's backup is known by: the annotation that the client gave, or the job's
 * own. id is of JOB_ID_SIZE. */
extern void compat_job_timestamp(const Job *job, char *id);

/* A backup job of this type whose backup gets this annotation; "" for the job's own id.
 * INVALID_VALUE when it is outside the grammar of ids. */
extern bool compat_make_request(PgbrBackupType type, const char *timestamp, const char *claimed_by,
								JobRequest *request, PgbrError *error);

/* The stanza's backups as GET /list shows them, oldest first. The caller owns a reference; NULL
 * when out of memory. */
extern json_t *compat_list(const json_t *stanza);

/* The one with this annotation, or an empty one. The caller owns a reference. */
extern json_t *compat_status(const json_t *stanza, const char *timestamp);

/* The label of the backup that has this label or this annotation; NULL when there is none. */
extern const char *compat_find_label(const json_t *stanza, const char *id);

/* The newest backup that a target can be reached from, as far as backups tell: of a name or an xid
 * nothing is known, and the newest of all is taken. NULL when there is none. */
extern const char *compat_choose_label(const json_t *stanza, const RecoveryTarget *target);

#endif
