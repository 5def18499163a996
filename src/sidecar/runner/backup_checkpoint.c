/*
 * backup_checkpoint.c
 *		See backup_checkpoint.h.
 */
#include "sidecar/runner/backup_checkpoint.h"

#include "sidecar/postgres/psql.h"

#define ASK_MS		  10000
#define CHECKPOINT_MS 300000

/* A standby has nothing to end, and pg_walfile_name is not to be called there. */
static const char query[] =
	"SELECT CASE WHEN pg_catalog.pg_is_in_recovery() THEN false ELSE"
	" (SELECT timeline_id FROM pg_catalog.pg_control_checkpoint()) <>"
	" ('x' || pg_catalog.left(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_lsn()), 8))"
	"::bit(32)::int END";

bool
backup_checkpoint(const SidecarConfig *config, const char *mark, int stop_fd, bool *made,
				  PgbrError *error)
{
	static const char *const ask[] = {query, NULL};
	static const char *const checkpoint[] = {"CHECKPOINT", NULL};
	PsqlCall call = {.config = config, .mark = mark, .timeout_ms = ASK_MS, .stop_fd = stop_fd};
	StrBuf answer;
	bool ok;

	*made = false;
	strbuf_init(&answer);
	ok = psql_run(&call, ask, &answer, error);
	if (ok && answer.data[0] == 't')
	{
		call.timeout_ms = CHECKPOINT_MS;
		ok = *made = psql_run(&call, checkpoint, &answer, error);
	}
	strbuf_done(&answer);
	return ok;
}
