/*
 * other_stanza.c
 *		See other_stanza.h.
 */
#include "sidecar/pgbackrest/other_stanza.h"

#include "common/vocabulary.h"
#include "program/json.h"
#include "sidecar/pgbackrest/info_cache.h"
#include "sidecar/pgbackrest/command_line.h"
#include "sidecar/pgbackrest/pgbackrest.h"
#include "sidecar/pgbackrest/pgbackrest_ask.h"

#include <string.h>

#define TIMEOUT_MS 60000

void
other_stanza_find(const json_t *document, const char *stanza, const char *system_identifier,
				  char name[OTHER_STANZA_SIZE])
{
	size_t i;
	json_t *entry;

	name[0] = '\0';
	json_array_foreach((json_t *) document, i, entry)
	{
		InfoStanza found;
		PgbackrestStanza read;
		PgbrError error;

		info_stanza_read(entry, &found);
		/* another cluster may have written what stands here, and it is shown */
		if (found.name && pgbr_is_stanza(found.name) && strcmp(found.name, stanza) != 0 &&
			pgbackrest_read_info(document, found.name, &read, &error) &&
			strcmp(read.system_id, system_identifier) == 0)
		{
			pgbr_copy_text(name, OTHER_STANZA_SIZE, found.name);
			return;
		}
	}
}

void
other_stanza_ask(const SidecarConfig *config, int stop_fd, const char *system_identifier,
				 char name[OTHER_STANZA_SIZE])
{
	const PgbackrestLimits limits = {NULL, TIMEOUT_MS, INFO_MAX_BYTES, stop_fd};
	Command command;
	PgbackrestAnswer answer;
	PgbrError error;
	json_t *document = NULL;

	name[0] = '\0';
	pgbackrest_all_info_command(config, &command);
	if (pgbackrest_ask(&command, &limits, &answer, &error))
		document = json_parse(answer.text.data, answer.text.length, &error);
	if (document)
		other_stanza_find(document, config->stanza, system_identifier, name);
	json_decref(document);
	pgbackrest_answer_done(&answer);
}
