/*
 * info.c
 *		See info.h. Also the functions for the restore points and for pgbr_status. They return the
 *		sidecar's answers as jsonb; the views make rows of them.
 */
#include "postgres.h"

#include "access/xact.h"
#include "common/vocabulary.h"
#include "extension/guc.h"
#include "extension/info.h"
#include "extension/sidecar.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/resowner.h"

PG_FUNCTION_INFO_V1(_pgbr_info);
PG_FUNCTION_INFO_V1(_pgbr_status);
PG_FUNCTION_INFO_V1(_pgbr_restore_points);

/* pgbr_status looks for failures in so many of the newest backup jobs. */
#define STATUS_JOBS 100

/* info, backups, running, queued, error */
#define STATUS_COLUMNS 5

static Jsonb *
ask_for_info(bool refresh)
{
	int seconds;

	if (!refresh)
		return sidecar_get(PGBR_PATH_INFO, answer_info);
	/* the sidecar answers before the time-out, if need be with its old copy */
	seconds = Min(guc_sidecar_timeout * 8 / 10 / 1000, 300);
	return sidecar_get(psprintf(PGBR_PATH_INFO "?refresh=true&wait=%d", seconds), answer_info);
}

/* An error when nothing was ever fetched; a warning when the last refresh failed. */
static void
report_error(JsonbContainer *answer, JsonbContainer *error)
{
	char *message = answer_text(error, "message");
	char *hint = answer_text(error, "hint");
	int exit_code = answer_int(error, "exit_code", 0);

	ereport(answer_text(answer, "fetched_at") ? WARNING : ERROR,
			(errcode(ERRCODE_SYSTEM_ERROR),
			 answer_text(answer, "fetched_at")
				 ? errmsg("information on backups is %.0f s old: %s",
						  answer_number(answer, "age_seconds", 0), message)
				 : errmsg("could not get information on backups: %s", message),
			 exit_code != 0 ? errdetail("pgbackrest info ended with exit code %d (%s).", exit_code,
										answer_text(error, "code"))
							: 0,
			 hint ? errhint("%s", hint) : 0));
}

Jsonb *
info_ask(bool refresh)
{
	Jsonb *answer = ask_for_info(refresh);
	JsonbContainer *error = answer_object(&answer->root, "error");

	if (error)
		report_error(&answer->root, error);
	else if (answer_text(&answer->root, "fetched_at") == NULL)
		ereport(ERROR, (errcode(ERRCODE_CANNOT_CONNECT_NOW),
						errmsg("sidecar has no information on backups yet"),
						errhint("Try again in a moment.")));
	return answer;
}

/* _pgbr_info(refresh boolean): info as the API gives it */
Datum
_pgbr_info(PG_FUNCTION_ARGS)
{
	PG_RETURN_JSONB_P(info_ask(!PG_ARGISNULL(0) && PG_GETARG_BOOL(0)));
}

/* _pgbr_restore_points(): the registry as the API gives it */
Datum
_pgbr_restore_points(PG_FUNCTION_ARGS)
{
	PG_RETURN_JSONB_P(sidecar_get(PGBR_PATH_RESTORE_POINTS, answer_restore_points));
}

static void
gather_status(Datum *values, bool *nulls)
{
	char *backups = psprintf(PGBR_PATH_JOBS "?kind=backup&limit=%d", STATUS_JOBS);

	values[0] = JsonbPGetDatum(ask_for_info(false));
	values[1] = JsonbPGetDatum(sidecar_get(backups, answer_jobs));
	values[2] = JsonbPGetDatum(sidecar_get(PGBR_PATH_JOBS "?state=running", answer_jobs));
	values[3] = JsonbPGetDatum(sidecar_get(PGBR_PATH_JOBS "?state=queued&limit=1000", answer_jobs));
	memset(nulls, false, STATUS_COLUMNS - 1);
}

/* Put the caught error into the last column. An error that is not the sidecar's is raised again. */
static void
give_error(ErrorData *error, Datum *values, bool *nulls)
{
	if (error->sqlerrcode == ERRCODE_QUERY_CANCELED || error->sqlerrcode == ERRCODE_OUT_OF_MEMORY ||
		ERRCODE_TO_CATEGORY(error->sqlerrcode) == ERRCODE_TRANSACTION_ROLLBACK)
		ReThrowError(error);
	memset(nulls, true, STATUS_COLUMNS - 1);
	nulls[STATUS_COLUMNS - 1] = false;
	values[STATUS_COLUMNS - 1] = CStringGetTextDatum(error->message);
}

/*
 * _pgbr_status(): info, jobs of backups, running and queued jobs; or the error alone. As in a
 * procedural language, a subtransaction makes it safe to go on after an error.
 */
Datum
_pgbr_status(PG_FUNCTION_ARGS)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	Datum values[STATUS_COLUMNS] = {0};
	bool nulls[STATUS_COLUMNS];
	TupleDesc descriptor;

	if (get_call_result_type(fcinfo, NULL, &descriptor) != TYPEFUNC_COMPOSITE ||
		descriptor->natts != STATUS_COLUMNS)
		elog(ERROR, "_pgbr_status has other columns than its library");
	memset(nulls, true, sizeof(nulls));
	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		gather_status(values, nulls);
		ReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = owner;
	}
	PG_CATCH();
	{
		ErrorData *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = owner;
		give_error(error, values, nulls);
	}
	PG_END_TRY();
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(descriptor), values, nulls)));
}
