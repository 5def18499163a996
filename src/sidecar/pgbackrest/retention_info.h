/*
 * retention_info.h
 *		The retention according to pgbackrest's configuration and its info document.
 */
#ifndef PGBR_SIDECAR_PGBACKREST_RETENTION_INFO_H
#define PGBR_SIDECAR_PGBACKREST_RETENTION_INFO_H

#include "common/error.h"
#include "common/strbuf.h"
#include "program/retention.h"
#include "program/retention_settings.h"
#include "sidecar/config/config.h"

#include <jansson.h>

/* A stanza's history, decided for now, and the settings that it was decided by. */
typedef struct RetentionState
{
	RetentionHistory history;
	RetentionConfig settings;
} RetentionState;

/* Decide for our stanza in a parsed info document, which must outlive the state. The settings are
 * read anew. On success the caller ends it with retention_done(&state->history). */
extern bool retention_state_read(const SidecarConfig *config, const json_t *document,
								 RetentionState *state, PgbrError *error);

/* The same, but as if nothing were set when the settings can't be read: pgbackrest then fails and
 * removes nothing. */
extern bool retention_state_read_anyway(const SidecarConfig *config, const json_t *document,
										RetentionState *state, PgbrError *error);

/*
 * Append the schema Retention of docs/reference/openapi.yaml; what can't be decided is told in its
 * member error. *pinned becomes true when some backup is pinned, also when nothing could be
 * decided.
 */
extern void retention_info_write(const SidecarConfig *config, const json_t *document, StrBuf *out,
								 bool *pinned);

#endif
