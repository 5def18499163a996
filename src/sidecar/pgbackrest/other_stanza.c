/*
 * other_stanza.c
 *		See other_stanza.h.
 */
#include "sidecar/pgbackrest/other_stanza.h"

#include "common/vocabulary.h"
#include "program/json.h"
#include "program/process.h"
#include "sidecar/pgbackrest/info_cache.h"
#include "sidecar/pgbackrest/command_line.h"
#include "sidecar/pgbackrest/pgbackrest.h"

#include <string.h>
#include <sys/wait.h>

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
	Command command;
	ProcessOutput output;
	PgbrError error;
	json_t *document = NULL;

	name[0] = '\0';
	process_output_init(&output);
	pgbackrest_all_info_command(config, &command);
	if (!command.failed &&
		process_run((const char *const *) command.argv, NULL, TIMEOUT_MS, INFO_MAX_BYTES, stop_fd,
					&output, &error) &&
		WIFEXITED(output.status) && WEXITSTATUS(output.status) == 0)
		document = json_parse(output.out.data, output.out.length, &error);
	if (document)
		other_stanza_find(document, config->stanza, system_identifier, name);
	json_decref(document);
	command_done(&command);
	process_output_done(&output);
}
