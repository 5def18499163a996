/*
 * recovery_result.c
 *		See recovery_result.h.
 */
#include "sidecar/restore/recovery_result.h"

#include "common/moment.h"
#include "common/wal.h"
#include "program/file.h"
#include "program/json.h"
#include "sidecar/postgres/psql.h"
#include "sidecar/postgres/recovery_log.h"
#include "sidecar/queue/job_turn.h"
#include "sidecar/restore/step_folder.h"
#include "sidecar/restore/step_tools.h"

#include <dirent.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PSQL_MS		 30000
#define HISTORY_MOST (1024 * 1024)

/* A result has room for no more of them, and one is enough to stop for. */
static const char query[] =
	"SELECT coalesce(pg_catalog.json_agg(pg_catalog.json_build_object('name', name, 'xid', xid)),"
	" '[]') FROM (SELECT datname AS name, nullif(xmax::text, '0') AS xid"
	" FROM pg_catalog.pg_database WHERE datconnlimit = -2 ORDER BY datname LIMIT 20) AS invalid";

/* Every role may read pg_database. NULL: that of --pg-conninfo. */
static const char *const logins[] = {
	NULL,
	"user=postgres dbname=postgres",
	"user=postgres dbname=template1",
	/* as the user that we are */
	"dbname=postgres",
	"dbname=template1",
};

json_t *
recovery_result_ask(StepContext *context, const char *socket_folder)
{
	static const char *const commands[] = {query, NULL};
	PgbrError error = PGBR_ERROR_INIT;

	for (size_t i = 0; i < sizeof(logins) / sizeof(logins[0]) && !step_is_stopped(context); i++)
	{
		SidecarConfig config = *context->config;
		PsqlCall call = {.config = &config,
						 .socket_folder = socket_folder,
						 .mark = context->mark,
						 .timeout_ms = PSQL_MS,
						 .stop_fd = job_queue_stop_fd(context->queue)};
		json_t *databases = NULL;
		StrBuf answer;

		if (logins[i])
			config.pg_conninfo = logins[i];
		strbuf_init(&answer);
		if (psql_run(&call, commands, &answer, &error))
			databases = json_parse(answer.data, answer.length, &error);
		strbuf_done(&answer);
		if (databases)
			return databases;
		step_log(context, "could not ask which databases are incomplete: %s", error.message);
	}
	return json_null();
}

/* The newest history file of pg_wal. */
static bool
recover_read_history(const char *data_directory, uint32_t *timeline, RecoveryHistory *history)
{
	char name[WAL_HISTORY_NAME_SIZE];
	char path[PATH_MAX];
	struct dirent *entry;
	StrBuf text;
	bool ok;
	DIR *folder;

	*timeline = 0;
	snprintf(path, sizeof(path), "%s/pg_wal", data_directory);
	folder = opendir(path);
	while (folder && (entry = readdir(folder)) != NULL)
	{
		uint32_t found;

		if (wal_history_parse(entry->d_name, &found) && found > *timeline)
			*timeline = found;
	}
	if (folder)
		closedir(folder);
	wal_history_name(name, *timeline);
	snprintf(path, sizeof(path), "%s/pg_wal/%s", data_directory, name);
	strbuf_init(&text);
	ok = *timeline && file_read(path, HISTORY_MOST, &text, NULL) &&
		 recovery_history_read(text.data, history);
	strbuf_done(&text);
	return ok;
}

/* What the log of all runs says, for what this one has not seen itself. */
static void
read_log(StepContext *context, RecoveryLog *log)
{
	StrBuf text;

	recovery_log_init(log);
	strbuf_init(&text);
	if (step_folder_read(context, "recovery.log", &text))
	{
		for (char *line = text.data; *line;)
		{
			size_t length = strcspn(line, "\n");
			bool ended = line[length] == '\n';

			line[length] = '\0';
			recovery_log_line(log, line, 16 * 1024 * 1024);
			line += length + ended;
		}
	}
	strbuf_done(&text);
}

/* A moment as the log has it, in the form of all others. */
static void
put_log_time(json_t *object, const char *key, const char *text)
{
	char moment[MOMENT_TEXT_SIZE];
	const char *reason;
	int64_t us;

	if (!moment_parse(text, true, &us, &reason))
	{
		json_put_text(object, key, NULL);
		return;
	}
	/* 2026-11-24 11:41:32.000000+00 */
	moment_format(us, moment);
	moment[10] = 'T';
	strcpy(moment + 26, "Z");
	json_put_text(object, key, moment);
}

static json_t *
make_tail(const RecoveryLog *log)
{
	json_t *tail = json_array();
	int first = log->tail_count > RECOVERY_LOG_TAIL ? log->tail_count - RECOVERY_LOG_TAIL : 0;

	for (int i = first; i < log->tail_count; i++)
		json_array_append_new(tail, json_string(log->tail[i % RECOVERY_LOG_TAIL]));
	return tail;
}

/*
 * Recovery to a point before the last failover, or before an earlier restore: see
 * recovery_history_mend. Nobody has read the history yet, and nobody reads it before it is said
 * what was reached.
 */
static bool
mend_history(StepContext *context, PgbrError *error)
{
	RecoveryHistory history;
	char name[WAL_HISTORY_NAME_SIZE];
	char folder[PATH_MAX];
	char path[PATH_MAX + 32];
	uint32_t timeline;
	StrBuf text;
	StrBuf mended;
	bool ok;

	strbuf_init(&text);
	strbuf_init(&mended);
	ok = recover_read_history(context->data_directory, &timeline, &history) ||
		 pgbr_error_set(error, PGBR_ERROR_CONFLICT, "pg_wal has no history of the new timeline");
	snprintf(folder, sizeof(folder), "%.4000s/pg_wal", context->data_directory);
	wal_history_name(name, timeline);
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	ok = ok && file_read(path, HISTORY_MOST, &text, error);
	if (ok && recovery_history_mend(text.data, &mended))
	{
		step_log(context, "%s named a timeline that had not begun: corrected it", name);
		ok = file_write_secret(path, mended.data, mended.length, error) &&
			 file_sync_folder(folder, error);
	}
	strbuf_done(&text);
	strbuf_done(&mended);
	return ok;
}

/* "1:735", epoch and number, as one of 64 bits. */
static void
put_next_xid(json_t *object, const char *text)
{
	uint64_t epoch = 0;
	uint64_t number = 0;
	char xid[24];

	if (sscanf(text, "%" SCNu64 ":%" SCNu64, &epoch, &number) != 2)
	{
		json_put_text(object, "next_xid", NULL);
		return;
	}
	snprintf(xid, sizeof(xid), "%" PRIu64, epoch << 32 | number);
	json_put_text(object, "next_xid", xid);
}

bool
recovery_result_gather(StepContext *context, json_t **result, PgbrError *error)
{
	RecoveryHistory history = {0};
	ControlData control;
	RecoveryLog log;
	uint32_t newest;

	if (!step_control(context, &control, error) || !mend_history(context, error))
		return false;
	if (!recover_read_history(context->data_directory, &newest, &history) ||
		newest != control.timeline)
		return pgbr_error_set(error, PGBR_ERROR_CONFLICT,
							  "the recovered server is on timeline %u, and pg_wal has no history "
							  "of it",
							  control.timeline);
	read_log(context, &log);
	*result = json_object();
	json_object_set_new(*result, "timeline", json_integer(control.timeline));
	put_next_xid(*result, control.next_xid);
	json_put_text(*result, "fork_lsn", history.lsn);
	json_object_set_new(*result, "parent_timeline", json_integer(history.timeline));
	json_put_text(*result, "reason", history.reason);
	put_log_time(*result, "last_xact_time", log.last_xact_time);
	json_put_text(*result, "last_xid", log.last_xid[0] ? log.last_xid : NULL);
	json_put_text(*result, "stop", log.stop[0] ? log.stop : NULL);
	json_object_set_new(*result, "prepared", json_integer(log.prepared));
	json_object_set_new(*result, "log_tail", make_tail(&log));
	return true;
}
