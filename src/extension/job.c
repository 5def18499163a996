/*
 * job.c
 *		The functions that ask the sidecar for a job, wait for it, cancel it and read it.
 *
 * The sidecar keeps the jobs; nothing is kept here. A job that was accepted goes on whatever
 * happens to the statement, the transaction or the session that asked for it.
 */
#include "postgres.h"

#include "access/xlog.h"
#include "commands/dbcommands.h"
#include "common/vocabulary.h"
#include "extension/arguments.h"
#include "extension/body.h"
#include "extension/guc.h"
#include "extension/sidecar.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "replication/walreceiver.h"
#include "storage/spin.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(pgbr_backup);
PG_FUNCTION_INFO_V1(pgbr_check);
PG_FUNCTION_INFO_V1(pgbr_verify);
PG_FUNCTION_INFO_V1(pgbr_expire);
PG_FUNCTION_INFO_V1(pgbr_stanza_upgrade);
PG_FUNCTION_INFO_V1(pgbr_cancel);
PG_FUNCTION_INFO_V1(pgbr_pin);
PG_FUNCTION_INFO_V1(pgbr_unpin);
PG_FUNCTION_INFO_V1(_pgbr_job);
PG_FUNCTION_INFO_V1(_pgbr_jobs);
PG_FUNCTION_INFO_V1(_pgbr_audit);

/* the limits of the API */
#define CLAIMED_BY_MAX 128
#define WAIT_MAX	   60

/* jobs a request for a page of them */
#define PAGE_SIZE 500

/* between two questions to a sidecar that is away */
#define RETRY_PAUSE_MS 200

/* between two questions to one that answers */
#define CHANGE_PAUSE_MS 20

static char *
job_path(const char *id)
{
	return psprintf(PGBR_PATH_JOBS "/%s", sidecar_escape(id));
}

/* What to do about a backup that failed at a standby: pgbackrest needs the leader for it, and a
 * sidecar there has a shorter way to it. Gives the job's own hint elsewhere, or NULL. */
static char *
outcome_hint(JsonbContainer *job)
{
	char *hint = answer_text(job, "hint");
	char *kind = answer_text(job, "kind");
	char host[NI_MAXHOST];
	int port;

	if (!RecoveryInProgress() || kind == NULL ||
		strcmp(kind, pgbr_job_kind_name(PGBR_JOB_BACKUP)) != 0)
		return hint;
	SpinLockAcquire(&WalRcv->mutex);
	strlcpy(host, WalRcv->sender_host, sizeof(host));
	port = WalRcv->sender_port;
	SpinLockRelease(&WalRcv->mutex);
	return psprintf("This is a standby; ask the leader%s for backups.%s%s",
					host[0] ? psprintf(" (%s, port %d)", host, port) : "", hint ? " " : "",
					hint ? hint : "");
}

/* Raise what became of a job that has ended, unless it is well. */
static void
raise_outcome(const char *id, JsonbContainer *job, PgbrJobState state)
{
	char *message = answer_text(job, "message");
	char *name = answer_text(job, "error");
	char *hint = outcome_hint(job);
	int exit_code = answer_int(job, "exit_code", 0);

	if (state == PGBR_STATE_SUCCEEDED)
		return;
	if (state == PGBR_STATE_CANCELLED)
		ereport(ERROR,
				(errcode(ERRCODE_OPERATOR_INTERVENTION), errmsg("job \"%s\" was cancelled", id)));
	ereport(ERROR,
			(errcode(ERRCODE_SYSTEM_ERROR),
			 message ? errmsg("job \"%s\" %s: %s", id,
							  state == PGBR_STATE_FAILED ? "failed" : "was interrupted", message)
					 : errmsg("job \"%s\" %s", id,
							  state == PGBR_STATE_FAILED ? "failed" : "was interrupted"),
			 exit_code != 0
				 ? errdetail("pgbackrest %s ended with exit code %d (%s).",
							 answer_text(job, "kind"), exit_code, name ? name : "unknown")
			 : name ? errdetail("The reason is %s.", name)
					: 0,
			 hint ? errhint("%s", hint) : 0));
}

static char *
follow_hint(const char *id)
{
	return psprintf("Follow it with SELECT * FROM pgbr_job('%s'), or end it with "
					"SELECT pgbr_cancel('%s').",
					id, id);
}

/*
 * The job, once it has ended or the given seconds are over. A sidecar that is away for less than
 * the time-out of a request (it is being restarted, say) does not end the wait.
 */
static Jsonb *
ask_for_end(const char *id, int seconds)
{
	SidecarRequest request = {.method = "GET", .answer = answer_job, .job_id = id};
	PgbrError error = PGBR_ERROR_INIT;
	TimestampTz away = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), guc_sidecar_timeout);

	/* the time-out of the request leaves room for the answer */
	request.path = psprintf("%s?wait=%d", job_path(id), seconds);
	request.timeout_ms = Max(guc_sidecar_timeout, (seconds + 1) * 1000);
	for (;;)
	{
		Jsonb *job = sidecar_try(&request, &error);

		if (job)
			return job;
		if ((error.code != PGBR_ERROR_UNREACHABLE && error.code != PGBR_ERROR_UNAVAILABLE) ||
			GetCurrentTimestamp() >= away)
			sidecar_raise(&error);
		sidecar_pause(RETRY_PAUSE_MS);
	}
}

static void
wait_for_end(const char *id, int wait_seconds)
{
	TimestampTz deadline =
		TimestampTzPlusMilliseconds(GetCurrentTimestamp(), wait_seconds * INT64CONST(1000));
	/* short of the time-out, so that a sidecar that hangs is found out within it */
	int step = Min(Max(guc_sidecar_timeout / 2000, 1), WAIT_MAX);

	for (;;)
	{
		long left = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), deadline);
		Jsonb *job = ask_for_end(id, Min(step, (int) ((left + 999) / 1000)));
		char *state_name = answer_text(&job->root, "state");
		PgbrJobState state;

		if (!pgbr_job_state_parse(state_name, &state))
			ereport(ERROR, (errcode(ERRCODE_PROTOCOL_VIOLATION),
							errmsg("invalid response from the sidecar: job state "
								   "\"%s\"",
								   state_name)));
		if (pgbr_job_state_is_final(state))
		{
			raise_outcome(id, &job->root, state);
			return;
		}
		if (GetCurrentTimestamp() >= deadline)
			ereport(ERROR, (errcode(ERRCODE_WAIT_IS_OVER),
							errmsg("job \"%s\" has not finished within %d s", id, wait_seconds),
							errdetail("Job \"%s\" is %s and goes on.", id, state_name),
							errhint("%s", follow_hint(id))));
		pfree(job);
		/* an answer may come early, with a change of state: not too many, whatever they are */
		sidecar_pause(CHANGE_PAUSE_MS);
	}
}

/* Wait, and add to a cancel that it ends the wait and not the job. */
static void
wait_for_job(const char *id, int wait_seconds)
{
	MemoryContext context = CurrentMemoryContext;

	PG_TRY();
	{
		wait_for_end(id, wait_seconds);
	}
	PG_CATCH();
	{
		int sqlstate = geterrcode();

		if (sqlstate == ERRCODE_SYSTEM_ERROR || sqlstate == ERRCODE_OPERATOR_INTERVENTION ||
			sqlstate == ERRCODE_WAIT_IS_OVER)
			PG_RE_THROW();
		sidecar_rethrow(context, psprintf("Job \"%s\" goes on.", id), follow_hint(id));
	}
	PG_END_TRY();
}

/* Ask for the job that the body speaks of, and give its ID. */
static Datum
start_job(Body *body, Waiting waiting)
{
	SidecarRequest request = {"POST", PGBR_PATH_JOBS, NULL, answer_job, 0};
	Jsonb *job;
	char *id;
	char *covered_by;

	body_text(body, "claimed_by", sidecar_claim());
	request.body = body_end(body);
	job = sidecar_ask(&request);
	id = answer_text(&job->root, "id");
	covered_by = answer_text(&job->root, "covered_by");
	if (covered_by)
		ereport(NOTICE, (errmsg("job \"%s\" is covered by job \"%s\"", id, covered_by)));
	if (waiting.wanted)
		wait_for_job(id, waiting.seconds);
	return PointerGetDatum(cstring_to_text(id));
}

static Datum
start_plain_job(FunctionCallInfo fcinfo, PgbrJobKind kind)
{
	Waiting waiting = argument_waiting(fcinfo, 0, "wait");
	Body body;

	body_begin(&body);
	body_text(&body, "kind", pgbr_job_kind_name(kind));
	return start_job(&body, waiting);
}

/* pgbr_backup(type text, wait boolean, wait_seconds integer, annotations jsonb, repo integer) */
Datum
pgbr_backup(PG_FUNCTION_ARGS)
{
	Waiting waiting = argument_waiting(fcinfo, 1, "wait");
	PgbrBackupType type;
	char *name;
	Body body;

	name = argument_text(fcinfo, 0, "type");
	if (!pgbr_backup_type_parse(name, &type))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("invalid backup type: \"%s\"", argument_shown(name)),
						errhint("Backup types are " PGBR_BACKUP_TYPES ".")));
	body_begin(&body);
	body_text(&body, "kind", pgbr_job_kind_name(PGBR_JOB_BACKUP));
	body_text(&body, "type", name);
	/* who asks a standby wants the leader spared; its pgbackrest needs the primary all the same */
	if (RecoveryInProgress())
		body_flag(&body, "backup_standby", true);
	if (!PG_ARGISNULL(3))
	{
		Jsonb *annotations = PG_GETARG_JSONB_P(3);

		if (!JB_ROOT_IS_OBJECT(annotations))
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("\"annotations\" must be a JSON object")));
		body_object(&body, "annotations", annotations);
	}
	if (!PG_ARGISNULL(4))
		body_int(&body, "repo", PG_GETARG_INT32(4));
	return start_job(&body, waiting);
}

/* pgbr_check(wait boolean, wait_seconds integer) */
Datum
pgbr_check(PG_FUNCTION_ARGS)
{
	return start_plain_job(fcinfo, PGBR_JOB_CHECK);
}

/* pgbr_verify(wait boolean, wait_seconds integer) */
Datum
pgbr_verify(PG_FUNCTION_ARGS)
{
	return start_plain_job(fcinfo, PGBR_JOB_VERIFY);
}

/* pgbr_stanza_upgrade(wait boolean, wait_seconds integer) */
Datum
pgbr_stanza_upgrade(PG_FUNCTION_ARGS)
{
	return start_plain_job(fcinfo, PGBR_JOB_STANZA_UPGRADE);
}

/* pgbr_expire(dry_run boolean, wait boolean, wait_seconds integer) */
Datum
pgbr_expire(PG_FUNCTION_ARGS)
{
	Waiting waiting = argument_waiting(fcinfo, 1, "wait");
	Body body;

	body_begin(&body);
	body_text(&body, "kind", pgbr_job_kind_name(PGBR_JOB_EXPIRE));
	body_flag(&body, "dry_run", argument_flag(fcinfo, 0, "dry_run"));
	return start_job(&body, waiting);
}

/* A value of "" removes the annotation. */
static Datum
annotate_pin(FunctionCallInfo fcinfo, const char *value, Waiting waiting)
{
	Body annotations;
	Body body;

	body_begin(&annotations);
	body_text(&annotations, "pinned", value);
	body_begin(&body);
	body_text(&body, "kind", pgbr_job_kind_name(PGBR_JOB_ANNOTATE));
	body_text(&body, "set", argument_text(fcinfo, 0, "label"));
	body_object(&body, "annotations", body_end(&annotations));
	return start_job(&body, waiting);
}

/* pgbr_pin(label text, reason text, wait boolean, wait_seconds integer) */
Datum
pgbr_pin(PG_FUNCTION_ARGS)
{
	Waiting waiting = argument_waiting(fcinfo, 2, "wait");
	char *reason = PG_ARGISNULL(1) ? NULL : argument_text(fcinfo, 1, "reason");

	/* an annotation without a value would be none */
	if (reason == NULL || reason[0] == '\0')
		reason = psprintf("by %s", sidecar_claim());
	return annotate_pin(fcinfo, reason, waiting);
}

/* pgbr_unpin(label text, wait boolean, wait_seconds integer) */
Datum
pgbr_unpin(PG_FUNCTION_ARGS)
{
	return annotate_pin(fcinfo, "", argument_waiting(fcinfo, 1, "wait"));
}

/* pgbr_cancel(job_id text): like pg_cancel_backend, false with a warning when it is too late */
Datum
pgbr_cancel(PG_FUNCTION_ARGS)
{
	char *id = argument_job_id(fcinfo, 0);
	SidecarRequest request = {.method = "DELETE", .answer = answer_job, .job_id = id};
	PgbrError error = PGBR_ERROR_INIT;

	request.path = psprintf("%s?claimed_by=%s", job_path(id), sidecar_escape(sidecar_claim()));
	if (sidecar_try(&request, &error))
		PG_RETURN_BOOL(true);
	if (error.code != PGBR_ERROR_CONFLICT)
		sidecar_raise(&error);
	ereport(WARNING, (errmsg("%s", sidecar_error_text(error.message))));
	PG_RETURN_BOOL(false);
}

/* _pgbr_job(job_id text): the job as the API gives it */
Datum
_pgbr_job(PG_FUNCTION_ARGS)
{
	char *id = argument_job_id(fcinfo, 0);
	SidecarRequest request = {
		.method = "GET", .path = job_path(id), .answer = answer_job, .job_id = id};

	PG_RETURN_JSONB_P(sidecar_ask(&request));
}

/* _pgbr_jobs(state text, before text): a page of jobs as the API gives it; null: all, newest */
Datum
_pgbr_jobs(PG_FUNCTION_ARGS)
{
	char *path = psprintf(PGBR_PATH_JOBS "?limit=%d", PAGE_SIZE);

	if (!PG_ARGISNULL(0))
		path = psprintf("%s&state=%s", path, sidecar_escape(text_to_cstring(PG_GETARG_TEXT_PP(0))));
	if (!PG_ARGISNULL(1))
		path = psprintf("%s&before=%s", path, sidecar_escape(argument_job_id(fcinfo, 1)));
	PG_RETURN_JSONB_P(sidecar_get(path, answer_jobs));
}

/* _pgbr_audit(before bigint): a page of the audit as the API gives it; null: the newest */
Datum
_pgbr_audit(PG_FUNCTION_ARGS)
{
	char *path = psprintf(PGBR_PATH_AUDIT "?limit=%d", PAGE_SIZE);

	if (!PG_ARGISNULL(0))
		path = psprintf("%s&before=" INT64_FORMAT, path, PG_GETARG_INT64(0));
	PG_RETURN_JSONB_P(sidecar_get(path, answer_audit));
}
