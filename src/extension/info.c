/*
 * info.c
 *		The functions that read: what backups there are, restore points, and the state of it all.
 *		They give the sidecar's answers as jsonb; the views make rows of them.
 */
#include "postgres.h"

#include "access/xact.h"
#include "common/vocabulary.h"
#include "extension/body.h"
#include "extension/guc.h"
#include "extension/sidecar.h"
#include "utils/resowner.h"

PG_FUNCTION_INFO_V1(_pgbr_info);
PG_FUNCTION_INFO_V1(_pgbr_status);
PG_FUNCTION_INFO_V1(_pgbr_restore_points);

/* How many of the newest backups' jobs pgbr_status looks at for failures. */
#define STATUS_JOBS 100

static Jsonb *
ask_for_info(bool refresh)
{
	int seconds;

	if (!refresh)
		return sidecar_get(PGBR_PATH_INFO, answer_info);
	/* the sidecar is to answer, with its old copy if need be, before the time-out */
	seconds = Min(guc_sidecar_timeout * 8 / 10 / 1000, 300);
	return sidecar_get(psprintf(PGBR_PATH_INFO "?refresh=true&wait=%d", seconds), answer_info);
}

/* Never yet fetched is an error; fetched, but not as wanted, a warning. */
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

/* _pgbr_info(refresh boolean): the info as the API gives it, if there is any */
Datum
_pgbr_info(PG_FUNCTION_ARGS)
{
	Jsonb *answer = ask_for_info(!PG_ARGISNULL(0) && PG_GETARG_BOOL(0));
	JsonbContainer *error = answer_object(&answer->root, "error");

	if (error)
		report_error(&answer->root, error);
	else if (answer_text(&answer->root, "fetched_at") == NULL)
		ereport(ERROR, (errcode(ERRCODE_CANNOT_CONNECT_NOW),
						errmsg("sidecar has no information on backups yet"),
						errhint("Try again in a moment.")));
	PG_RETURN_JSONB_P(answer);
}

/* _pgbr_restore_points(): the registry as the API gives it */
Datum
_pgbr_restore_points(PG_FUNCTION_ARGS)
{
	PG_RETURN_JSONB_P(sidecar_get(PGBR_PATH_RESTORE_POINTS, answer_restore_points));
}

static Jsonb *
gather_status(void)
{
	char *jobs = psprintf(PGBR_PATH_JOBS "?kind=backup&limit=%d", STATUS_JOBS);
	Body body;

	body_begin(&body);
	body_object(&body, "info", ask_for_info(false));
	body_object(&body, "backups", sidecar_get(jobs, answer_jobs));
	body_object(&body, "running", sidecar_get(PGBR_PATH_JOBS "?state=running", answer_jobs));
	body_object(&body, "queued",
				sidecar_get(PGBR_PATH_JOBS "?state=queued&limit=1000", answer_jobs));
	return body_end(&body);
}

/* The error that was caught, as an answer; what is not the sidecar's is raised again. */
static Jsonb *
status_of_error(ErrorData *error)
{
	Body body;

	if (error->sqlerrcode == ERRCODE_QUERY_CANCELED || error->sqlerrcode == ERRCODE_OUT_OF_MEMORY ||
		ERRCODE_TO_CATEGORY(error->sqlerrcode) == ERRCODE_TRANSACTION_ROLLBACK)
		ReThrowError(error);
	body_begin(&body);
	body_text(&body, "error", error->message);
	return body_end(&body);
}

/*
 * _pgbr_status(): info and jobs in one document, or {"error": text}. A subtransaction, as a
 * procedural language would have it, makes it safe to go on after an error.
 */
Datum
_pgbr_status(PG_FUNCTION_ARGS)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	Jsonb *volatile answer = NULL;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		answer = gather_status();
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
		answer = status_of_error(error);
	}
	PG_END_TRY();
	PG_RETURN_JSONB_P(answer);
}
