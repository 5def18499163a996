/*
 * psql.c
 *		See psql.h.
 */
#include "sidecar/postgres/psql.h"

#include "common/vocabulary.h"
#include "program/process.h"

#include <assert.h>
#include <string.h>
#include <sys/wait.h>

#define MAX_OUTPUT 65536

/* A command and not PGOPTIONS: "options" in a connection string would win over that, and a pooler
 * may refuse it. */
static const char safe_path[] = "SET search_path = pg_catalog, pg_temp";

/* The connection string of the same user and database at another socket. */
static void
put_conninfo(StrBuf *text, const char *conninfo, const char *socket_folder)
{
	if (strncmp(conninfo, "postgresql://", 13) == 0 || strncmp(conninfo, "postgres://", 11) == 0)
	{
		strbuf_printf(text, "%s%chost=", conninfo, strchr(conninfo, '?') ? '&' : '?');
		strbuf_put_url(text, socket_folder);
		strbuf_puts(text, "&port=5432&hostaddr=&gssencmode=disable&target_session_attrs=any");
		return;
	}
	/* a mere name is a database's */
	strbuf_printf(text, strchr(conninfo, '=') ? "%s host='" : "dbname='%s' host='", conninfo);
	for (; *socket_folder; socket_folder++)
	{
		if (*socket_folder == '\'' || *socket_folder == '\\')
			strbuf_putc(text, '\\');
		strbuf_putc(text, *socket_folder);
	}
	strbuf_puts(text, "' port=5432 hostaddr='' gssencmode=disable target_session_attrs=any");
}

/* psql's first line, without its own name. */
static bool
psql_fail(StrBuf *output, PgbrError *error)
{
	static const char prefix[] = "psql: error: ";
	const char *text = output->data;

	strbuf_keep_line(output);
	if (strncmp(text, prefix, sizeof(prefix) - 1) == 0)
		text += sizeof(prefix) - 1;
	return pgbr_error_set(error, PGBR_ERROR_UNAVAILABLE, "%s",
						  text[0] ? text : "psql gave no reason");
}

bool
psql_run(const PsqlCall *call, const char *const *commands, StrBuf *out, PgbrError *error)
{
	const char *argv[7 + 2 * (1 + PSQL_COMMANDS)] = {
		call->config->psql, "-XAtqw", "-v", "ON_ERROR_STOP=1", "-d", NULL, "-c", safe_path};
	size_t count = 8;
	StrBuf conninfo;
	ProcessOutput output;
	bool ok;

	strbuf_init(&conninfo);
	if (call->socket_folder)
		put_conninfo(&conninfo, call->config->pg_conninfo, call->socket_folder);
	else
		strbuf_puts(&conninfo, call->config->pg_conninfo);
	argv[5] = conninfo.data;
	for (int i = 0; commands[i]; i++)
	{
		assert(i < PSQL_COMMANDS);
		argv[count++] = "-c";
		argv[count++] = commands[i];
	}
	process_output_init(&output);
	if (conninfo.failed)
		ok = pgbr_error_set(error, PGBR_ERROR_INTERNAL, "out of memory");
	else
		ok = process_run(argv, call->mark, call->timeout_ms, MAX_OUTPUT, call->stop_fd, &output,
						 error) &&
			 ((WIFEXITED(output.status) && WEXITSTATUS(output.status) == 0) ||
			  psql_fail(&output.err, error));
	if (ok)
		strbuf_puts(out, output.out.data);
	process_output_done(&output);
	strbuf_done(&conninfo);
	return ok;
}
