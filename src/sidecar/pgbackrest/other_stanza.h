/*
 * other_stanza.h
 *		Whether the repositories hold this database cluster under another stanza: then the stanza
 *		that was given is likely a slip, and creating it would split the cluster's backups.
 *
 * The system identifier decides, not the likeness of the names. A repository may serve many
 * clusters whose stanzas differ in one letter, and each of them must be able to create its own.
 */
#ifndef PGBR_SIDECAR_PGBACKREST_OTHER_STANZA_H
#define PGBR_SIDECAR_PGBACKREST_OTHER_STANZA_H

#include "sidecar/config/config.h"

#include <jansson.h>

#define OTHER_STANZA_SIZE 256

/* Find it in a parsed info document of all stanzas; pure. name gets "" when there is none. */
extern void other_stanza_find(const json_t *document, const char *stanza,
							  const char *system_identifier, char name[OTHER_STANZA_SIZE]);

/*
 * Ask pgbackrest for all stanzas, and find it there. name gets "" also when pgbackrest does not
 * say: a first start must not wait for what other clusters keep in the repository. stop_fd as in
 * process_run. Blocks for as long as pgbackrest takes.
 */
extern void other_stanza_ask(const SidecarConfig *config, int stop_fd,
							 const char *system_identifier, char name[OTHER_STANZA_SIZE]);

#endif
