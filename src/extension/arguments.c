/*
 * arguments.c
 *		See arguments.h.
 */
#include "postgres.h"

#include "common/vocabulary.h"
#include "extension/arguments.h"
#include "utils/builtins.h"

static void
refuse_null(FunctionCallInfo fcinfo, int place, const char *name)
{
	if (PG_ARGISNULL(place))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("\"%s\" must not be null", name)));
}

char *
argument_text(FunctionCallInfo fcinfo, int place, const char *name)
{
	refuse_null(fcinfo, place, name);
	return text_to_cstring(PG_GETARG_TEXT_PP(place));
}

bool
argument_flag(FunctionCallInfo fcinfo, int place, const char *name)
{
	refuse_null(fcinfo, place, name);
	return PG_GETARG_BOOL(place);
}

Waiting
argument_waiting(FunctionCallInfo fcinfo, int place, const char *name)
{
	Waiting waiting;

	waiting.wanted = argument_flag(fcinfo, place, name);
	refuse_null(fcinfo, place + 1, "wait_seconds");
	waiting.seconds = PG_GETARG_INT32(place + 1);
	if (waiting.seconds <= 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("\"wait_seconds\" must not be negative or zero")));
	return waiting;
}

char *
argument_job_id(FunctionCallInfo fcinfo, int place)
{
	char *id = argument_text(fcinfo, place, "job_id");

	if (!pgbr_is_job_id(id))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("invalid job ID: \"%s\"", id),
				 errdetail("A job ID has 1 to 64 letters, digits, and characters of "
						   "\"_.:-\", of which \"-\" is not the first.")));
	return id;
}
