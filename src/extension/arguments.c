/*
 * arguments.c
 *		See arguments.h.
 */
#include "postgres.h"

#include "common/visible.h"
#include "common/vocabulary.h"
#include "extension/arguments.h"
#include "mb/pg_wchar.h"
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
argument_shown(const char *value)
{
	int length = strlen(value);
	/* where the encoding is not known, what is not UTF-8 becomes escapes */
	bool as_it_is = GetDatabaseEncoding() == PG_UTF8 || GetDatabaseEncoding() == PG_SQL_ASCII;
	const char *utf8 = as_it_is ? value : pg_server_to_any(value, length, PG_UTF8);
	size_t size = 6 * strlen(utf8) + 1; /* an escape has six characters at most */
	char *shown = palloc(size);

	pgbr_copy_visible(shown, size, utf8);
	return as_it_is ? shown : pg_any_to_server(shown, strlen(shown), PG_UTF8);
}

char *
argument_job_id(FunctionCallInfo fcinfo, int place)
{
	char *id = argument_text(fcinfo, place, "job_id");

	if (!pgbr_is_job_id(id))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("invalid job ID: \"%s\"", argument_shown(id)),
						errdetail("A job ID has 1 to 64 letters, digits, and characters of "
								  "\"_.:-\", of which \"-\" is not the first.")));
	return id;
}
