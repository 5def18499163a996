/*
 * psql.h
 *		The one place from which PostgreSQL is asked anything: through psql.
 *
 * Not through libpq: libpq with its libraries takes more memory than all the rest of the sidecar, a
 * psql that hangs can be killed, and wherever there is a PostgreSQL there is a psql.
 *
 * The sidecar asks as a superuser, mostly, in a database where others may make objects. Each
 * session begins by setting its search_path to pg_catalog, so that no function or operator of
 * theirs is found, whatever --pg-conninfo, PGOPTIONS, the role or the database say of it.
 * Thread-safe.
 */
#ifndef PGBR_SIDECAR_POSTGRES_PSQL_H
#define PGBR_SIDECAR_POSTGRES_PSQL_H

#include "common/error.h"
#include "common/strbuf.h"
#include "sidecar/config/config.h"

typedef struct PsqlCall
{
	const SidecarConfig *config;
	const char *socket_folder; /* ask the server there, as the same user; NULL: --pg-conninfo's */
	const char *mark;		   /* this one and the next two are as in process_run */
	int timeout_ms;
	int stop_fd;
} PsqlCall;

/*
 * Run SQL commands (at most PSQL_COMMANDS, ended by NULL) in one session, each in a transaction of
 * its own unless one of them is BEGIN, and append what they print: rows without headers, columns
 * parted by |. The first that fails ends it. UNAVAILABLE with the first line of what psql says;
 * else as process_run.
 */
#define PSQL_COMMANDS 8
extern bool
psql_run(const PsqlCall *call, const char *const *commands, StrBuf *out, PgbrError *error);

#endif
