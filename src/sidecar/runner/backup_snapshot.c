/*
 * backup_snapshot.c
 *		See backup_snapshot.h.
 */
#include "sidecar/runner/backup_snapshot.h"

#include "common/vocabulary.h"
#include "program/clock.h"
#include "sidecar/pgbackrest/command_line.h"
#include "sidecar/pgbackrest/pgbackrest_ask.h"
#include "sidecar/postgres/psql.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

#define PSQL_MS		10000
#define ANNOTATE_MS 60000
#define REPLAY_MS	10000 /* for a standby to replay the backup's end */
#define LOOK_MS		200	  /* between two looks at it */
#define MAX_OUTPUT	65536

void
backup_snapshot_line(const char *line, char *stop_lsn)
{
	const char *text = strstr(line, "backup stop archive = ");
	char lsn[20];

	if (text && (text = strstr(text, ", lsn = ")) != NULL &&
		sscanf(text, ", lsn = %17[0-9A-F/]", lsn) == 1 && pgbr_is_lsn(lsn))
		strcpy(stop_lsn, lsn);
}

/* One look. The snapshot is a statement of its own, so that it is taken after the comparison. */
static bool
backup_snapshot_ask(const SidecarConfig *config, const char *stop_lsn, int stop_fd, bool *reached,
					unsigned long long *xmin, unsigned long long *xmax, PgbrError *error)
{
	char compare[256];
	const char *const commands[] = {
		compare,
		"SELECT pg_catalog.pg_snapshot_xmin(s)::text || ' ' || pg_catalog.pg_snapshot_xmax(s)::text"
		" FROM pg_catalog.pg_current_snapshot() AS s",
		NULL,
	};
	PsqlCall call = {.config = config, .timeout_ms = PSQL_MS, .stop_fd = stop_fd};
	StrBuf text;
	char answer;
	bool ok;

	snprintf(compare, sizeof(compare),
			 "SELECT NOT pg_catalog.pg_is_in_recovery()"
			 " OR pg_catalog.pg_last_wal_replay_lsn() >= '%s'::pg_catalog.pg_lsn",
			 stop_lsn);
	strbuf_init(&text);
	ok = psql_run(&call, commands, &text, error);
	if (ok && sscanf(text.data, "%c\n%llu %llu", &answer, xmin, xmax) != 3)
		ok = pgbr_error_set(error, PGBR_ERROR_PROTOCOL, "psql gave no snapshot");
	*reached = ok && answer == 't';
	strbuf_done(&text);
	return ok;
}

static bool
take_snapshot(const SidecarConfig *config, const char *stop_lsn, int stop_fd,
			  unsigned long long *xmin, unsigned long long *xmax, PgbrError *error)
{
	int64_t deadline = clock_monotonic_ms() + REPLAY_MS;
	struct pollfd stop = {stop_fd, POLLIN, 0};
	bool reached = false;

	while (!reached)
	{
		if (!backup_snapshot_ask(config, stop_lsn, stop_fd, &reached, xmin, xmax, error))
			return false;
		if (!reached && clock_monotonic_ms() >= deadline)
			return pgbr_error_set(error, PGBR_ERROR_TIMEOUT,
								  "this standby has not replayed the backup's end in %d s",
								  REPLAY_MS / 1000);
		if (!reached && poll(&stop, 1, LOOK_MS) > 0)
			return pgbr_error_set(error, PGBR_ERROR_ABORTED, "the sidecar is stopping");
	}
	return true;
}

bool
backup_snapshot_note(const SidecarConfig *config, const Job *job, const char *stop_lsn,
					 const char *mark, int stop_fd, PgbrError *error)
{
	unsigned long long xmin;
	unsigned long long xmax;
	const PgbackrestLimits limits = {mark, ANNOTATE_MS, MAX_OUTPUT, stop_fd};
	Command command;
	PgbackrestAnswer answer;
	bool ok;

	if (!pgbr_is_lsn(stop_lsn) || !pgbr_is_backup_label(job->label))
		return pgbr_error_set(error, PGBR_ERROR_PROTOCOL, "pgbackrest has not told where it ended");
	if (!take_snapshot(config, stop_lsn, stop_fd, &xmin, &xmax, error))
		return false;
	pgbackrest_note_command(config, job->request.repo, job->label, xmin, xmax, &command);
	ok = pgbackrest_ask(&command, &limits, &answer, error);
	pgbackrest_answer_done(&answer);
	return ok;
}
