/*
 * job_request.c
 *		See job_request.h.
 */
#include "ctl/client/job_request.h"

#include "common/vocabulary.h"
#include "ctl/client/job_view.h"
#include "program/json.h"

void
job_request_put_path(StrBuf *path, const char *id, int hold)
{
	strbuf_puts(path, PGBR_PATH_JOBS "/");
	strbuf_put_url(path, id);
	if (hold > 0)
		strbuf_printf(path, "?wait=%d", hold);
}

bool
job_request_get(const SidecarClient *client, const char *id, int hold, json_t **job,
				PgbrError *error)
{
	StrBuf path;
	bool ok;

	strbuf_init(&path);
	job_request_put_path(&path, id, hold);
	ok = path.failed ? pgbr_error_set(error, PGBR_ERROR_INTERNAL, "out of memory")
					 : sidecar_client_call(client, "GET", path.data, NULL, hold, job, error);
	strbuf_done(&path);
	return ok;
}

bool
job_request_get_log(const SidecarClient *client, const char *id, char **text, PgbrError *error)
{
	StrBuf path;
	bool ok;

	strbuf_init(&path);
	job_request_put_path(&path, id, 0);
	strbuf_puts(&path, "/log");
	ok = path.failed ? pgbr_error_set(error, PGBR_ERROR_INTERNAL, "out of memory")
					 : sidecar_client_get_text(client, path.data, text, error);
	strbuf_done(&path);
	return ok;
}

bool
job_request_take(json_t **job, json_t *next, PgbrError *error)
{
	if (!job_view_check(next, json_text(*job, "id"), error))
	{
		json_decref(next);
		return false;
	}
	json_decref(*job);
	*job = next;
	return true;
}
