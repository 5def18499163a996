/*
 * version.c
 *		See version.h.
 */
#include "sidecar/pgbackrest/version.h"

#include "sidecar/pgbackrest/pgbackrest_ask.h"

#include <stdio.h>

#define TIMEOUT_MS 10000
#define MAX_OUTPUT 65536

void
pgbackrest_version_read(const SidecarConfig *config, char *version)
{
	const PgbackrestLimits limits = {NULL, TIMEOUT_MS, MAX_OUTPUT, -1};
	Command command;
	PgbackrestAnswer answer;
	PgbrError error;

	version[0] = '\0';
	pgbackrest_version_command(config, &command);
	/* "pgBackRest 2.45" */
	if (pgbackrest_ask(&command, &limits, &answer, &error) &&
		sscanf(answer.text.data, "pgBackRest %31[0-9a-z.]", version) != 1)
		version[0] = '\0';
	pgbackrest_answer_done(&answer);
}
