/*
 * restore_point.c
 *		pgbr_restore_point: a named restore point that can really be restored to.
 *
 * The name is written to the WAL and registered with the sidecar: outside the database, so that a
 * restore to an earlier point does not lose it. Then the function waits until the WAL that holds
 * the name is in the repository.
 */
#include "postgres.h"

#include "access/transam.h"
#include "access/xlog_internal.h"
#include "access/xlogarchive.h"
#include "common/vocabulary.h"
#include "extension/arguments.h"
#include "extension/body.h"
#include "extension/compat.h"
#include "extension/sidecar.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "storage/lock.h"
#include "utils/builtins.h"
#include "utils/pg_lsn.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(pgbr_restore_point);

/* An advisory lock of no database, so it is the same in all: "pgbr" and "rpnt". */
#define LOCK_KEY1 0x70676272
#define LOCK_KEY2 0x72706E74

#define ARCHIVER_PAUSE_MS	100
#define REPOSITORY_PAUSE_MS 250

typedef struct RestorePoint
{
	const char *name; /* in the database's encoding */
	const char *utf8; /* as it is in the WAL and will be in recovery_target_name */
	TimeLineID timeline;
	XLogRecPtr lsn; /* the end of its record */
	bool registered;
} RestorePoint;

static void
refuse_state(bool wait_archived)
{
	if (RecoveryInProgress())
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("recovery is in progress"),
						errhint("Restore points are created on the primary.")));
	if (!XLogIsNeeded())
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("WAL level not sufficient for creating a restore point"),
				 errhint("wal_level must be set to \"replica\" or \"logical\" at server start.")));
	if (wait_archived && !XLogArchivingActive())
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("WAL archiving is not enabled, so the restore point could not be "
							   "restored to"),
						errhint("archive_mode must be enabled at server start.")));
}

static char *
check_name(const char *name)
{
	char *utf8 = pg_server_to_any(name, strlen(name), PG_UTF8);

	if (!pgbr_is_restore_point_name(utf8))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("invalid name of a restore point: \"%s\"", argument_shown(name)),
						errdetail("A name has 1 to 63 bytes of UTF-8, no control characters, "
								  "quotes or backslashes, and no blank at its ends.")));
	return utf8;
}

/* The LSN that is registered under this name on this timeline, or NULL. */
static char *
find_registered(const RestorePoint *point)
{
	char *path = psprintf(PGBR_PATH_RESTORE_POINTS "?name=%s&timeline=%u",
						  sidecar_escape(point->name), point->timeline);
	Jsonb *answer = sidecar_get(path, answer_restore_points);
	JsonbContainer *points = answer_object(&answer->root, "restore_points");
	JsonbValue *first = getIthJsonbValueFromContainer(points, 0);

	return first ? answer_text(first->val.binary.data, "lsn") : NULL;
}

/* RFC 3339 in UTC */
static char *
format_time(TimestampTz time)
{
	struct pg_tm tm;
	fsec_t microseconds;

	if (timestamp2tm(time, NULL, &tm, &microseconds, NULL, NULL) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE), errmsg("timestamp out of range")));
	return psprintf("%04d-%02d-%02dT%02d:%02d:%02d.%06dZ", tm.tm_year, tm.tm_mon, tm.tm_mday,
					tm.tm_hour, tm.tm_min, tm.tm_sec, (int) microseconds);
}

static char *
format_lsn(XLogRecPtr lsn)
{
	return psprintf("%X/%X", (uint32) (lsn >> 32), (uint32) lsn);
}

static void
register_point(RestorePoint *point, TimestampTz time, FullTransactionId xid)
{
	SidecarRequest request = {"POST", NULL, NULL, answer_restore_point, 0};
	PgbrError error = PGBR_ERROR_INIT;
	Body body;

	body_begin(&body);
	body_text(&body, "name", point->name);
	body_text(&body, "lsn", format_lsn(point->lsn));
	body_int(&body, "timeline", point->timeline);
	body_text(&body, "time", format_time(time));
	body_text(&body, "xid", psprintf(UINT64_FORMAT, U64FromFullTransactionId(xid)));
	request.body = body_end(&body);
	request.path =
		psprintf(PGBR_PATH_RESTORE_POINTS "?claimed_by=%s", sidecar_escape(sidecar_claim()));
	if (sidecar_try(&request, &error) == NULL)
	{
		char *lsn = error.code == PGBR_ERROR_DUPLICATE ? find_registered(point) : NULL;

		/* a request sent twice after a broken connection finds its own point */
		if (lsn == NULL || strcmp(lsn, format_lsn(point->lsn)) != 0)
			sidecar_raise(&error);
	}
	point->registered = true;
}

static void
pause_until(TimestampTz deadline, int milliseconds, const char *segment, int wait_seconds)
{
	if (GetCurrentTimestamp() >= deadline)
		ereport(ERROR, (errcode(ERRCODE_WAIT_IS_OVER),
						errmsg("WAL segment %s has not reached the repository within %d s", segment,
							   wait_seconds),
						errhint("Look at pg_stat_archiver and the server's log.")));
	sidecar_pause(milliseconds);
}

/* A repository that is away for a moment may be there again before the time is over. */
static bool
is_archived(const char *path)
{
	SidecarRequest request = {.method = "GET", .path = path, .answer = answer_wal};
	PgbrError error;
	Jsonb *answer = sidecar_try(&request, &error);

	if (answer == NULL && error.code != PGBR_ERROR_UNAVAILABLE)
		sidecar_raise(&error);
	return answer && answer_flag(&answer->root, "archived");
}

/* First the archiver must have finished the segment, then it must be in the repository: an
 * archive_command that drops WAL reports success, too. */
static void
wait_until_archived(const RestorePoint *point, int wait_seconds)
{
	TimestampTz deadline =
		TimestampTzPlusMilliseconds(GetCurrentTimestamp(), wait_seconds * INT64CONST(1000));
	char segment[MAXFNAMELEN];
	char *path;
	XLogSegNo number;

	XLByteToPrevSeg(point->lsn, number, wal_segment_size);
	XLogFileName(segment, point->timeline, number, wal_segment_size);
	path = psprintf(PGBR_PATH_WAL "/%s", segment);
	RequestXLogSwitch(false);
	while (XLogArchiveIsBusy(segment))
		pause_until(deadline, ARCHIVER_PAUSE_MS, segment, wait_seconds);
	while (!is_archived(path))
		pause_until(deadline, REPOSITORY_PAUSE_MS, segment, wait_seconds);
}

/* The steps after the WAL record. An error in them says what was done already. */
static void
secure_point(RestorePoint *point, TimestampTz time, FullTransactionId xid, Waiting waiting,
			 LOCKTAG *lock)
{
	MemoryContext context = CurrentMemoryContext;

	PG_TRY();
	{
		register_point(point, time, xid);
		LockRelease(lock, ExclusiveLock, false);
		if (waiting.wanted)
			wait_until_archived(point, waiting.seconds);
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		sidecar_rethrow(context,
						psprintf(point->registered
									 ? "Restore point \"%s\" was created at %s and is registered."
									 : "Restore point \"%s\" was created at %s, but it is not "
									   "registered; another needs another name.",
								 point->name, format_lsn(point->lsn)),
						NULL);
	}
	PG_END_TRY();
}

/*
 * pgbr_restore_point(name text, wait_archived boolean, wait_seconds integer)
 *
 * The lock makes look-up, creation and registration one step. It is released before the wait, and
 * not at the end of the transaction, since it guards something outside the database.
 */
Datum
pgbr_restore_point(PG_FUNCTION_ARGS)
{
	RestorePoint point = {0};
	Waiting waiting = argument_waiting(fcinfo, 1, "wait_archived");
	TimestampTz time;
	FullTransactionId xid;
	LOCKTAG lock;

	point.name = argument_text(fcinfo, 0, "name");
	point.utf8 = check_name(point.name);
	refuse_state(waiting.wanted);
	SET_LOCKTAG_ADVISORY(lock, InvalidOid, LOCK_KEY1, LOCK_KEY2, 2);
	LockAcquire(&lock, ExclusiveLock, false, false);
	point.timeline = GetWALInsertionTimeLine();
	if (find_registered(&point))
		ereport(ERROR, (errcode(ERRCODE_DUPLICATE_OBJECT),
						errmsg("restore point \"%s\" already exists on timeline %u", point.name,
							   point.timeline)));
	time = GetCurrentTimestamp();
	xid = ReadNextFullTransactionId();
	point.lsn = XLogRestorePoint(point.utf8);
	secure_point(&point, time, xid, waiting, &lock);
	PG_RETURN_LSN(point.lsn);
}
