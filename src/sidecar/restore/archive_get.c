/*
 * archive_get.c
 *		See archive_get.h.
 */
#include "sidecar/restore/archive_get.h"

#include "common/visible.h"
#include "program/clock.h"
#include "program/options.h"
#include "program/process.h"
#include "sidecar/pgbackrest/command_line.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#define ONE_TRY_MS	600000 /* for a large segment from a slow store */
#define MAX_OUTPUT	65536
#define FIRST_MS	100 /* between tries, doubling up to the second */
#define MOST_MS		2000
#define EXIT_FAILED 255

bool
archive_get_is_asked(int argc, char **argv)
{
	return argc > 1 && strcmp(argv[1], "--archive-get") == 0;
}

static int
complain(const char *file, const char *reason)
{
	fprintf(stderr, "pgbackrest_sidecar: could not get \"%s\" from the archive: %s\n", file,
			reason);
	return EXIT_FAILED;
}

/* An error and the lines that belong to it, as one. */
static void
join_lines(char *text)
{
	char *end = text;

	for (const char *at = text; *at; at++)
	{
		char c = *at == '\n' ? ' ' : *at;

		if (c != ' ' || (end > text && end[-1] != ' '))
			*end++ = c;
	}
	*end = '\0';
}

/* One try. Gives pgbackrest's exit status, or -1 with a reason. */
static int
get(const Command *command, char *reason, size_t size)
{
	ProcessOutput output;
	PgbrError error;
	int code = -1;

	process_output_init(&output);
	if (!process_run((const char *const *) command->argv, NULL, ONE_TRY_MS, MAX_OUTPUT, -1, &output,
					 &error))
		pgbr_copy_text(reason, size, error.message);
	else if (WIFSIGNALED(output.status))
		snprintf(reason, size, "pgbackrest was killed by signal %d", WTERMSIG(output.status));
	else
	{
		code = WEXITSTATUS(output.status);
		pgbr_make_visible(&output.out);
		if (output.out.length > 0)
			join_lines(output.out.data);
		pgbr_copy_text(reason, size,
					   output.out.length > 0 ? output.out.data : "no reason was given");
	}
	process_output_done(&output);
	return code;
}

static int
try_until(const Command *command, const char *file, int seconds)
{
	int64_t deadline = clock_monotonic_ms() + (int64_t) seconds * 1000;
	int pause_ms = FIRST_MS;
	bool told = false;

	while (true)
	{
		char reason[512];
		int code = get(command, reason, sizeof(reason));

		if (code == 0 || code == 1)
			return code;
		if (!told)
			complain(file, reason);
		told = true;
		if (clock_monotonic_ms() + pause_ms > deadline)
			return complain(file, "timed out trying again");
		/* a repository tells nobody when it is back */
		poll(NULL, 0, pause_ms);
		pause_ms = pause_ms * 2 < MOST_MS ? pause_ms * 2 : MOST_MS;
	}
}

int
archive_get_main(int argc, char **argv)
{
	SidecarConfig config = {.pgbackrest = "pgbackrest"};
	PgbrError error = PGBR_ERROR_INIT;
	const char *data_directory = NULL;
	bool asked = false;
	int seconds = 30;
	int operands;
	const OptionSpec specs[] = {
		{"archive-get", 0, OPTION_FLAG, &asked, NULL, NULL, 0, 0, "", false},
		{"stanza", 0, OPTION_TEXT, &config.stanza, "NAME", NULL, 0, 0, "", false},
		{"config", 0, OPTION_TEXT, &config.pgbackrest_config, "FILE", NULL, 0, 0, "", false},
		{"pgbackrest", 0, OPTION_TEXT, &config.pgbackrest, "PROGRAM", NULL, 0, 0, "", false},
		{"pg-data", 0, OPTION_TEXT, &data_directory, "DIR", NULL, 0, 0, "", false},
		{"retry", 0, OPTION_COUNT, &seconds, "SECONDS", "PGBR_SIDECAR_ARCHIVE_GET_RETRY", 0, 86400,
		 "", false},
		{0},
	};
	Command command;
	int status;

	/* the server that asked may be killed; nobody is then left to write for */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (!options_parse(specs, argc, argv, &operands, &error))
		return complain("?", error.message);
	if (operands != 2 || config.stanza == NULL || data_directory == NULL)
		return complain("?", "--stanza, --pg-data, a file and a destination are needed");
	pgbackrest_get_command(&config, data_directory, argv[1], argv[2], &command);
	status =
		command.failed ? complain(argv[1], "out of memory") : try_until(&command, argv[1], seconds);
	command_done(&command);
	return status;
}
