/*
 * store_statement.c
 *		See store_statement.h.
 */
#include "sidecar/queue/store_statement.h"

#include <string.h>

#define DAMAGED                                                                                    \
	"Stop the sidecar, move state.db, state.db-wal and state.db-shm out of its state folder, and " \
	"start it again. This member's job history, waiting jobs and restore points are lost; a "      \
	"restore that is under way writes its journal again. See \"A damaged state.db\" in "           \
	"docs/reference/sidecar.md."

/* What can be done about a failure, by SQLite's primary code. */
static const struct
{
	int code;
	const char *hint;
} hints[] = {
	{SQLITE_FULL, "Free space in the file system of the state folder. No restart is needed."},
	{SQLITE_READONLY, "Check that state.db and the state folder belong to the sidecar's user, and "
					  "that their file system is not mounted read-only."},
	{SQLITE_CANTOPEN, "state.db must be a regular file that the sidecar's user can read and write, "
					  "or not exist."},
	{SQLITE_IOERR, "Check the free space of the file system of the state folder, its limits, and "
				   "the kernel's log."},
	{SQLITE_CORRUPT, DAMAGED},
	{SQLITE_NOTADB, DAMAGED},
	/* our statements fit a store of our form */
	{SQLITE_ERROR, DAMAGED},
};

const char *
store_hint(int code)
{
	for (size_t i = 0; i < sizeof(hints) / sizeof(hints[0]); i++)
	{
		if (hints[i].code == code)
			return hints[i].hint;
	}
	return "Check the free space and the permissions of the state folder.";
}

bool
store_fail(JobStore *store, PgbrError *error)
{
	int code = sqlite3_errcode(store->db) & 0xff;
	PgbrError *trouble = &store->trouble;

	/* lack of memory is temporary, and does not mean that the store is bad */
	if (code == SQLITE_NOMEM)
		return pgbr_error_set(error, PGBR_ERROR_INTERNAL, "out of memory");
	pgbr_error_set(trouble, PGBR_ERROR_STORAGE, "could not use the job store \"%s\": %s",
				   store->path, sqlite3_errmsg(store->db));
	pgbr_error_hint(trouble, "%s", store_hint(code));
	store->damaged = store->damaged || code == SQLITE_CORRUPT || code == SQLITE_NOTADB;
	if (error)
		*error = *trouble;
	return false;
}

bool
store_fail_row(const char *what, const char *id, PgbrError *error)
{
	pgbr_error_set(error, PGBR_ERROR_STORAGE, "%s \"%s\" in the job store is damaged", what, id);
	return pgbr_error_hint(error, "%s", DAMAGED);
}

bool
store_execute(JobStore *store, const char *sql, PgbrError *error)
{
	return sqlite3_exec(store->db, sql, NULL, NULL, NULL) == SQLITE_OK || store_fail(store, error);
}

bool
store_prepare(JobStore *store, const char *sql, sqlite3_stmt **statement, PgbrError *error)
{
	*statement = sqlite3_next_stmt(store->db, NULL);
	while (*statement &&
		   (sqlite3_stmt_busy(*statement) || strcmp(sqlite3_sql(*statement), sql) != 0))
		*statement = sqlite3_next_stmt(store->db, *statement);
	return *statement ||
		   sqlite3_prepare_v3(store->db, sql, -1, SQLITE_PREPARE_PERSISTENT, statement, NULL) ==
			   SQLITE_OK ||
		   store_fail(store, error);
}

void
store_release(sqlite3_stmt *statement)
{
	sqlite3_reset(statement);
	sqlite3_clear_bindings(statement);
}

bool
store_finish(JobStore *store, sqlite3_stmt *statement, PgbrError *error)
{
	bool ok = sqlite3_step(statement) == SQLITE_DONE || store_fail(store, error);

	store_release(statement);
	return ok;
}

void
store_bind_text(sqlite3_stmt *statement, int at, const char *text)
{
	sqlite3_bind_text(statement, at, text, -1, SQLITE_STATIC);
}

void
store_read_text(sqlite3_stmt *row, int at, char *target, size_t size)
{
	const unsigned char *text = sqlite3_column_text(row, at);

	pgbr_copy_text(target, size, text ? (const char *) text : "");
}

const char *
store_text_at(sqlite3_stmt *row, int at)
{
	const unsigned char *text = sqlite3_column_text(row, at);

	return text ? (const char *) text : "";
}
