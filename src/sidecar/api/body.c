/*
 * body.c
 *		See body.h.
 */
#include "sidecar/api/body.h"

#include "common/vocabulary.h"
#include "program/clock.h"
#include "program/json.h"

#include <stdlib.h>
#include <string.h>

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

static bool
check_members(const json_t *body, const char *const *known, size_t count, PgbrError *error)
{
	const char *key;
	json_t *value;

	if (!json_is_object(body))
		return pgbr_error_set(error, PGBR_ERROR_BAD_REQUEST, "the body is not a JSON object");
	json_object_foreach((json_t *) body, key, value)
	{
		bool found = false;

		for (size_t i = 0; i < count; i++)
			found = found || strcmp(key, known[i]) == 0;
		if (!found)
			return pgbr_error_set(error, PGBR_ERROR_INVALID_VALUE, "unknown member \"%.64s\"",
								  pgbr_is_plain_text(key, 65536) ? key : "?");
	}
	return true;
}

bool
body_is_restore_id(const char *text)
{
	return pgbr_is_job_id(text) && text[0] != '.';
}

bool
body_read_point(const json_t *body, RestorePoint *point, PgbrError *error)
{
	static const char *const known[] = {"name", "lsn", "timeline", "time", "xid"};
	const char *name = json_text(body, "name");
	const char *lsn = json_text(body, "lsn");
	const char *time = json_text(body, "time");
	const char *xid = json_text(body, "xid");
	long long timeline = json_number(body, "timeline", 0);
	const char *bad = NULL;

	if (!check_members(body, known, LENGTH(known), error))
		return false;
	if (name == NULL || !pgbr_is_restore_point_name(name))
		bad = "name";
	else if (lsn == NULL || !pgbr_is_lsn(lsn))
		bad = "lsn";
	else if (timeline < 1 || timeline > 999999999)
		bad = "timeline";
	else if (time == NULL || !clock_parse(time, &point->time))
		bad = "time";
	else if (xid == NULL || xid[0] == '\0' || strlen(xid) > 20 ||
			 strspn(xid, "0123456789") != strlen(xid))
		bad = "xid";
	if (bad)
		return pgbr_error_set(error, PGBR_ERROR_INVALID_VALUE,
							  "missing or invalid value for \"%s\"", bad);
	point->timeline = (int) timeline;
	strcpy(point->name, name);
	strcpy(point->lsn, lsn);
	strcpy(point->xid, xid);
	return true;
}

static bool
is_missing(const json_t *value)
{
	return value == NULL || json_is_null(value);
}

/* The member of a PUT that is missing or wrong; NULL when all are right. */
static const char *
read_put_members(const json_t *body, RestorePut *put)
{
	const json_t *document = json_object_get(body, "document");
	const char *state = json_text(body, "state");
	long long lease = json_number(body, "lease_seconds", -1);

	put->holder = json_text(body, "holder");
	put->revision = json_number(body, "revision", is_missing(document) ? 0 : -1);
	put->replaces = json_text(body, "replaces");
	put->done = state && strcmp(state, "done") == 0;
	if (put->holder == NULL || !pgbr_is_job_id(put->holder))
		return "holder";
	if (lease < 0 || lease > RESTORE_LEASE_MAX_S)
		return "lease_seconds";
	if (put->revision < 0 || put->revision > INT32_MAX)
		return "revision";
	if (!put->done && (state == NULL || strcmp(state, "active") != 0))
		return "state";
	if (!is_missing(json_object_get(body, "replaces")) &&
		(put->replaces == NULL || !body_is_restore_id(put->replaces)))
		return "replaces";
	if (!is_missing(document) && !json_is_object(document))
		return "document";
	put->lease_seconds = (int) lease;
	return NULL;
}

bool
body_read_put(const json_t *body, RestorePut *put, StrBuf *document, PgbrError *error)
{
	static const char *const known[] = {"holder",	"lease_seconds", "revision",
										"replaces", "state",		 "document"};
	const json_t *value = json_object_get(body, "document");
	const char *bad;
	char *text;

	if (!check_members(body, known, LENGTH(known), error))
		return false;
	bad = read_put_members(body, put);
	if (bad)
		return pgbr_error_set(error, PGBR_ERROR_INVALID_VALUE,
							  "missing or invalid value for \"%s\"", bad);
	if (is_missing(value))
		return true;
	text = json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS);
	if (text)
		strbuf_puts(document, text);
	free(text);
	put->document = document->data;
	put->harmless = json_flag(value, "harmless");
	put->resumed = json_flag(value, "resumed");
	return (text && !document->failed) ||
		   pgbr_error_set(error, PGBR_ERROR_INTERNAL, "out of memory");
}
