/*
 * same_server.h
 *		Whether a sidecar and Patroni speak of the same PostgreSQL, and whether each member has a
 *		sidecar of its own. A sidecar that is asked in the name of another member would have the
 *		wrong files overwritten. Pure.
 *
 * What is not known on either side proves nothing and refuses nothing.
 */
#ifndef PGBR_CTL_FACTS_SAME_SERVER_H
#define PGBR_CTL_FACTS_SAME_SERVER_H

#include "ctl/client/patroni_client.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * Compare what a sidecar says of its server (GET /v1/node) with what Patroni says of the member:
 * the member's own answer, NULL without one, and all members as they are listed. Role, port,
 * system identifier and start of PostgreSQL count. False when they differ; why is a sentence of
 * size bytes then.
 */
extern bool same_server(const json_t *node, const PatroniNode *patroni,
						const PatroniCluster *listed, const char *name, char *why, size_t size);

/* What tells a sidecar and its data directory from all others; a text is NULL or "" when it is not
 * known. */
typedef struct SidecarIdentity
{
	const char *sidecar;
	const char *directory;
} SidecarIdentity;

/* What two sidecars have in common: "sidecar", "data directory"; NULL: nothing, as far as is
 * known. */
extern const char *same_sidecar(SidecarIdentity a, SidecarIdentity b);

/* True when two reports of a server's start time mean the same start, or when one of them can't be
 * read. */
extern bool same_server_start(const char *a, const char *b);

#endif
