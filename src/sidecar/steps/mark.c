/*
 * mark.c
 *		Step node-mark: a restore point on the primary, with its WAL in the repository: where an
 *		undo leads back to.
 */
#include "sidecar/restore/step_tools.h"
#include "sidecar/steps/step_table.h"

#include "program/clock.h"
#include "program/json.h"
#include "sidecar/pgbackrest/archive_read.h"
#include "sidecar/queue/job_turn.h"
#include "sidecar/queue/queue_facts.h"

#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define PSQL_MS	   300000 /* a checkpoint is part of it */
#define STATUS_MS  50	  /* between looks into archive_status */
#define ARCHIVE_MS 500	  /* and into the repository, which costs more */

/* The point's own segment is the one before where the switch leads to; asked before the switch. */
static const char point_query[] =
	"SELECT pg_catalog.json_build_object('name', '%s', 'lsn', l, 'timeline',"
	" ('x' || pg_catalog.left(pg_catalog.pg_walfile_name(l), 8))::bit(32)::int,"
	" 'segment', pg_catalog.pg_walfile_name(l), 'time',"
	" (extract(epoch FROM pg_catalog.clock_timestamp()) * 1000)::bigint,"
	" 'xid', pg_catalog.txid_snapshot_xmax(pg_catalog.txid_current_snapshot())::text)"
	" FROM pg_catalog.pg_create_restore_point('%s') AS l";

typedef struct FoundPoint
{
	bool found;
	RestorePoint point;
} FoundPoint;

static void
take_point(const RestorePoint *point, void *argument)
{
	*(FoundPoint *) argument = (FoundPoint){true, *point};
}

/* Make the point, with a real commit before it: without one, a time near now would be a target that
 * an idle cluster never reaches. */
static bool
make_point(StepContext *context, const char *name, json_t **point, PgbrError *error)
{
	char query[1024];
	const char *const commands[] = {"SELECT pg_catalog.txid_current()", "CHECKPOINT", query, NULL};
	StrBuf answer;
	const char *line;
	bool ok;

	snprintf(query, sizeof(query), point_query, name, name);
	strbuf_init(&answer);
	ok = step_psql(context, NULL, commands, PSQL_MS, &answer, error);
	line = ok ? strchr(answer.data, '{') : NULL;
	if (ok && line == NULL)
		ok = pgbr_error_set(error, PGBR_ERROR_PROTOCOL, "psql gave no restore point");
	if (ok)
		ok = (*point = json_parse(line, strcspn(line, "\n"), error)) != NULL;
	strbuf_done(&answer);
	return ok;
}

static bool
switch_wal(StepContext *context, PgbrError *error)
{
	static const char *const commands[] = {"SELECT pg_catalog.pg_switch_wal()", NULL};
	StrBuf answer;
	bool ok;

	strbuf_init(&answer);
	ok = step_psql(context, NULL, commands, PSQL_MS, &answer, error);
	strbuf_done(&answer);
	return ok;
}

static bool
wait_archived(StepContext *context, const char *segment, int seconds, PgbrError *error)
{
	int64_t deadline = clock_monotonic_ms() + (int64_t) seconds * 1000;
	char ready[PATH_MAX];

	snprintf(ready, sizeof(ready), "%s/pg_wal/archive_status/%s.ready", context->data_directory,
			 segment);
	do
	{
		struct pollfd fd = {job_queue_stop_fd(context->queue), POLLIN, 0};
		bool waits = context->data_directory[0] && access(ready, F_OK) == 0;
		bool found = false;
		int exit_code;

		if (waits || archive_has_segment(context->config, context->cache, segment, context->mark,
										 fd.fd, &found, &exit_code, error))
			pgbr_error_set(error, PGBR_ERROR_TIMEOUT, "WAL segment %s is not %s", segment,
						   waits ? "archived" : "in the repository");
		if (found)
			return true;
		if (poll(&fd, 1, waits ? STATUS_MS : ARCHIVE_MS) > 0)
			return pgbr_error_set(error, PGBR_ERROR_ABORTED, "stopped while waiting for WAL");
	} while (clock_monotonic_ms() < deadline);
	return pgbr_error_hint(error,
						   "After %d s the WAL has not reached the repository: check "
						   "archive_command, and pg_stat_archiver for its failures.",
						   seconds);
}

static bool
register_point(StepContext *context, const json_t *json, PgbrError *error)
{
	RestorePoint point = {.timeline = (int) json_number(json, "timeline", 0),
						  .time = json_number(json, "time", 0)};
	const char *lsn = json_text(json, "lsn");
	const char *xid = json_text(json, "xid");

	pgbr_copy_text(point.name, sizeof(point.name), json_text(json, "name"));
	pgbr_copy_text(point.lsn, sizeof(point.lsn), lsn ? lsn : "");
	pgbr_copy_text(point.xid, sizeof(point.xid), xid ? xid : "");
	return job_queue_add_point(context->queue, &point, error) ||
		   error->code == PGBR_ERROR_DUPLICATE;
}

/* A point that an earlier run has made: only its WAL is still to be seen. */
static json_t *
earlier_point(StepContext *context, const RestorePoint *point, PgbrError *error)
{
	char query[256];
	const char *const commands[] = {query, NULL};
	json_t *json = NULL;
	StrBuf segment;

	strbuf_init(&segment);
	snprintf(query, sizeof(query), "SELECT pg_catalog.pg_walfile_name('%s')", point->lsn);
	if (step_psql(context, NULL, commands, PSQL_MS, &segment, error))
	{
		strbuf_keep_line(&segment);
		json = json_pack("{ss ss si ss sI ss}", "name", point->name, "lsn", point->lsn, "timeline",
						 point->timeline, "segment", segment.data, "time", (json_int_t) point->time,
						 "xid", point->xid);
	}
	strbuf_done(&segment);
	return json;
}

bool
step_mark(StepContext *context, const StepArguments *arguments, Job *job, PgbrError *error)
{
	FoundPoint earlier = {0};
	json_t *point = NULL;
	char time[CLOCK_TEXT_SIZE];
	bool ok;

	(void) job;
	job_queue_progress(context->queue, &(JobProgress){"marking", 0, -1, -1});
	if (!job_queue_list_points(context->queue, arguments->name, 0, take_point, &earlier, error))
		return false;
	if (earlier.found)
		ok = (point = earlier_point(context, &earlier.point, error)) != NULL;
	else
		ok = make_point(context, arguments->name, &point, error) &&
			 register_point(context, point, error);
	job_queue_progress(context->queue, &(JobProgress){"waiting for WAL", 0, -1, -1});
	ok = ok && switch_wal(context, error) &&
		 wait_archived(context, json_text(point, "segment"), arguments->archive_timeout, error);
	if (ok)
	{
		clock_format(json_number(point, "time", 0), time);
		json_put_text(point, "time", time);
		json_object_set_new(point, "archived", json_true());
		context->result = json_incref(point);
	}
	json_decref(point);
	return ok;
}
