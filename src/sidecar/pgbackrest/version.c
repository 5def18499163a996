/*
 * version.c
 *		See version.h.
 */
#include "sidecar/pgbackrest/version.h"

#include "program/process.h"

#include <stdio.h>

#define TIMEOUT_MS 10000
#define MAX_OUTPUT 65536

void
pgbackrest_version_read(const SidecarConfig *config, char *version)
{
	const char *const argv[] = {config->pgbackrest, "version", NULL};
	ProcessOutput output;
	PgbrError error;

	version[0] = '\0';
	process_output_init(&output);
	/* "pgBackRest 2.45" */
	if (process_run(argv, NULL, TIMEOUT_MS, MAX_OUTPUT, -1, &output, &error) &&
		sscanf(output.out.data, "pgBackRest %31[0-9a-z.]", version) != 1)
		version[0] = '\0';
	process_output_done(&output);
}
