/*
 * recover.c
 *		Step node-recover: the restored data directory is recovered to its target by a temporary
 *		server, and what was reached is read back. Nobody but us sees that server.
 *
 * Promotion happens once. recovery.signal tells whether it is still to come: PostgreSQL removes it
 * when it promotes. recovered.json is what a run that came that far has found; one that finds
 * neither has been killed in between, and takes what is lost with the server's memory from its log.
 */
#include "sidecar/restore/step_folder.h"
#include "common/moment.h"
#include "common/wal.h"
#include "sidecar/restore/recovery_server.h"
#include "sidecar/restore/recovery_signal.h"
#include "sidecar/restore/step_tools.h"
#include "sidecar/steps/step_table.h"

#include "program/file.h"
#include "program/json.h"
#include "sidecar/queue/job_turn.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PSQL_MS		  30000
#define HISTORY_MOST  (1024 * 1024)
#define DOCUMENT_MOST 65536
#define STARTS_MOST	  5 /* of a server that was made a standby as it started */

/* After the end of recovery; the replayed times are the server's memory of it. */
static const char query[] =
	"SELECT pg_catalog.json_build_object("
	"'timeline', ('x' || "
	"pg_catalog.left(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_lsn()),"
	" 8))::bit(32)::int,"
	"'last_xact_time', pg_catalog.to_char(pg_catalog.pg_last_xact_replay_timestamp()"
	" AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'),"
	"'next_xid', pg_catalog.txid_snapshot_xmax(pg_catalog.txid_current_snapshot())::text,"
	/* replicas wait for the first segment in the repository: before 15 a shutdown switches only
	 * where there is an archive_command */
	"'switched_at', CASE WHEN pg_catalog.current_setting('server_version_num')::int < 150000"
	" THEN pg_catalog.pg_switch_wal()::text END)";

static bool
read_target(const StepContext *context, const StepArguments *arguments, RecoveryTarget *target,
			PgbrError *error)
{
	StrBuf text;
	json_t *json = NULL;
	char timeline[16] = "";
	bool ok = false;

	/* nothing was restored here: it goes on to the end of the WAL */
	if (arguments->keep)
	{
		*target =
			(RecoveryTarget){.type = RECOVERY_DEFAULT, .timeline = arguments->target_timeline};
		return true;
	}
	strbuf_init(&text);
	if (!step_folder_read(context, "target.json", &text) ||
		(json = json_parse(text.data, text.length, error)) == NULL)
		pgbr_error_set(error, PGBR_ERROR_NOT_FOUND, "nothing was restored here for this restore");
	else
	{
		long long number = json_number(json, "timeline", 0);

		if (arguments->target_timeline)
			number = arguments->target_timeline;
		if (number)
			snprintf(timeline, sizeof(timeline), "%lld", number);
		ok = recovery_target_parse(target, json_text(json, "type"), json_text(json, "text"),
								   json_flag(json, "exclusive"), NULL, timeline, error);
	}
	if (ok && target->type == RECOVERY_STANDBY)
		ok = pgbr_error_set(error, PGBR_ERROR_CONFLICT,
							"this member was restored as a standby, which is not recovered");
	json_decref(json);
	strbuf_done(&text);
	return ok;
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
	char moment[RECOVERY_TEXT_SIZE];
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

/* Ask the recovered server what it has reached. */
static bool
gather(StepContext *context, RecoveryServer *server, json_t **result, PgbrError *error)
{
	static const char *const commands[] = {query, NULL};
	RecoveryHistory history = {0};
	RecoveryLog log;
	StrBuf answer;
	uint32_t newest;
	bool ok;

	strbuf_init(&answer);
	ok = step_psql(context, server->socket_folder, commands, PSQL_MS, &answer, error) &&
		 (*result = json_parse(answer.data, answer.length, error)) != NULL;
	strbuf_done(&answer);
	if (!ok || !mend_history(context, error))
		return false;
	if (!recover_read_history(context->data_directory, &newest, &history) ||
		(long long) newest != json_number(*result, "timeline", 0))
		return pgbr_error_set(error, PGBR_ERROR_CONFLICT,
							  "the recovered server is on timeline %lld, and pg_wal has no history "
							  "of it",
							  json_number(*result, "timeline", 0));
	read_log(context, &log);
	json_put_text(*result, "fork_lsn", history.lsn);
	json_object_set_new(*result, "parent_timeline", json_integer(history.timeline));
	json_put_text(*result, "reason", history.reason);
	/* the server knows it only as long as it lives */
	if (json_text(*result, "last_xact_time") == NULL)
		put_log_time(*result, "last_xact_time", log.last_xact_time);
	json_put_text(*result, "last_xid", log.last_xid[0] ? log.last_xid : NULL);
	json_put_text(*result, "stop", log.stop[0] ? log.stop : NULL);
	json_object_set_new(*result, "log_tail", make_tail(&log));
	return true;
}

static bool
keep_result(StepContext *context, const json_t *result, PgbrError *error)
{
	char *text = json_dumps(result, JSON_COMPACT);
	bool ok = text ? step_folder_write(context, "recovered.json", text, error)
				   : pgbr_error_set(error, PGBR_ERROR_INTERNAL, "out of memory");

	free(text);
	return ok;
}

/* The result of an earlier run, or NULL. */
static json_t *
earlier_result(StepContext *context)
{
	json_t *result = NULL;
	StrBuf text;

	strbuf_init(&text);
	if (step_folder_read(context, "recovered.json", &text))
		result = json_parse(text.data, text.length, NULL);
	strbuf_done(&text);
	return result;
}

static bool
has_file(const StepContext *context, const char *name)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", context->data_directory, name);
	return access(path, F_OK) == 0;
}

/* True when nothing is left to do: promoted, read back and shut down in order. */
static bool
is_done(StepContext *context, const json_t *result)
{
	ControlData control;
	PgbrError error;

	return result && !recovery_signal_is_set(context->data_directory) &&
		   step_control(context, &control, &error) && control_data_is_clean(&control) &&
		   control.timeline == json_number(result, "timeline", 0);
}

/*
 * Whether an earlier run has come as far as the promotion. PostgreSQL has then removed
 * recovery.signal; before that it is missing where another process has removed it, or where the
 * data directory is that of a kept replica.
 */
static bool
find_promoted(StepContext *context, bool *promoted, PgbrError *error)
{
	ControlData control;

	*promoted = false;
	if (recovery_signal_is_set(context->data_directory) || has_file(context, "backup_label"))
		return true;
	if (!step_control(context, &control, error))
		return false;
	*promoted = !control_data_is_replica(&control);
	return true;
}

/* Recover, or start again what is promoted, and read back what was reached. */
static bool
recover(StepContext *context, const StepArguments *arguments, const RecoveryTarget *target,
		RecoveryServer *server, json_t **result, PgbrError *error)
{
	bool promoted = *result != NULL;
	bool ok;

	*server = (RecoveryServer){0};
	if ((!promoted && !find_promoted(context, &promoted, error)) ||
		(!promoted && !recovery_signal_set(context->data_directory, error)) ||
		!recovery_signal_forget_standby(context->data_directory, error))
		return false;
	ok = recovery_server_start(server, context, target, arguments->fence, error);
	server->replay_bytes = arguments->replay_bytes;
	ok = ok && recovery_server_wait(server, error);
	if (ok && *result == NULL)
		ok = gather(context, server, result, error) && keep_result(context, *result, error);
	if (!recovery_server_stop(server, ok ? error : NULL))
		ok = false;
	return ok;
}

bool
step_recover(StepContext *context, const StepArguments *arguments, Job *job, PgbrError *error)
{
	RecoveryTarget target;
	RecoveryServer server;
	json_t *result;
	bool ok;

	(void) job;
	if (!read_target(context, arguments, &target, error) || !step_must_be_down(context, error))
		return false;
	result = earlier_result(context);
	if (is_done(context, result))
	{
		step_log(context, "recovery was already complete: nothing to do");
		context->result = result;
		return !arguments->fence || recovery_server_close(context, error);
	}
	job_queue_progress(context->queue, &(JobProgress){"replaying WAL", 0, -1, -1});
	for (int starts = 1;; starts++)
	{
		ok = recover(context, arguments, &target, &server, &result, error);
		/* it has replayed nothing past the target, at which a standby stops, too */
		if (ok || !server.log.standby || starts == STARTS_MOST)
			break;
		step_log(context, "another process made the data directory a standby: starting again");
		if (!step_must_be_down(context, error))
			break;
	}
	if (ok)
		context->result = result;
	else
		json_decref(result);
	return ok;
}
