/*
 * archive_get.c
 *		See archive_get.h.
 */
#include "sidecar/restore/archive_get.h"

#include "program/clock.h"
#include "program/options.h"
#include "sidecar/pgbackrest/pgbackrest_ask.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

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

typedef struct Wanted
{
	SidecarConfig config;
	const char *data_directory;
	const char *file;
	const char *destination;
} Wanted;

/* One try. Gives pgbackrest's exit status, or -1 with a reason. */
static int
get(const Wanted *wanted, char *reason, size_t size)
{
	const PgbackrestLimits limits = {NULL, ONE_TRY_MS, MAX_OUTPUT, -1};
	Command command;
	PgbackrestAnswer answer;
	PgbrError error = PGBR_ERROR_INIT;
	int code;

	pgbackrest_get_command(&wanted->config, wanted->data_directory, wanted->file,
						   wanted->destination, &command);
	(void) pgbackrest_ask(&command, &limits, &answer, &error);
	code = answer.exit_code;
	pgbr_copy_text(reason, size, error.message);
	pgbackrest_answer_done(&answer);
	return code;
}

static int
try_until(const Wanted *wanted, int seconds)
{
	int64_t deadline = clock_monotonic_ms() + (int64_t) seconds * 1000;
	int pause_ms = FIRST_MS;
	bool told = false;

	while (true)
	{
		char reason[512];
		int code = get(wanted, reason, sizeof(reason));

		if (code == 0 || code == 1)
			return code;
		if (!told)
			complain(wanted->file, reason);
		told = true;
		if (clock_monotonic_ms() + pause_ms > deadline)
			return complain(wanted->file, "timed out trying again");
		/* a repository tells nobody when it is back */
		poll(NULL, 0, pause_ms);
		pause_ms = pause_ms * 2 < MOST_MS ? pause_ms * 2 : MOST_MS;
	}
}

int
archive_get_main(int argc, char **argv)
{
	Wanted wanted = {.config = {.pgbackrest = "pgbackrest"}};
	PgbrError error = PGBR_ERROR_INIT;
	bool asked = false;
	int seconds = 30;
	int operands;
	const OptionSpec specs[] = {
		{"archive-get", 0, OPTION_FLAG, &asked, NULL, NULL, 0, 0, "", false},
		{"stanza", 0, OPTION_TEXT, &wanted.config.stanza, "NAME", NULL, 0, 0, "", false},
		{"config", 0, OPTION_TEXT, &wanted.config.pgbackrest_config, "FILE", NULL, 0, 0, "", false},
		{"pgbackrest", 0, OPTION_TEXT, &wanted.config.pgbackrest, "PROGRAM", NULL, 0, 0, "", false},
		{"pg-data", 0, OPTION_TEXT, &wanted.data_directory, "DIR", NULL, 0, 0, "", false},
		{"retry", 0, OPTION_COUNT, &seconds, "SECONDS", "PGBR_SIDECAR_ARCHIVE_GET_RETRY", 0, 86400,
		 "", false},
		{0},
	};

	/* the server that asked may be killed; nobody is then left to write for */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (!options_parse(specs, argc, argv, &operands, &error))
		return complain("?", error.message);
	if (operands != 2 || wanted.config.stanza == NULL || wanted.data_directory == NULL)
		return complain("?", "--stanza, --pg-data, a file and a destination are needed");
	wanted.file = argv[1];
	wanted.destination = argv[2];
	return try_until(&wanted, seconds);
}
