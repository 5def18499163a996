/*
 * store_statement.h
 *		Statements on the SQLite database under the stores of jobs, restores and the audit: for
 *		these and store_db alone.
 *
 * The rules of store_db.h hold. A prepared statement is released before the store is used for
 * another of the same text.
 */
#ifndef PGBR_SIDECAR_QUEUE_STORE_STATEMENT_H
#define PGBR_SIDECAR_QUEUE_STORE_STATEMENT_H

#include "common/error.h"

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct JobStore JobStore;

struct JobStore
{
	sqlite3 *db;
	int lock;		   /* held for as long as the store is open */
	char path[4096];   /* of state.db */
	PgbrError trouble; /* the last failure, until a write has succeeded */
	bool damaged;	   /* stays set even after a write has succeeded */
	int64_t probed_at; /* clock_monotonic_ms; 0: never */
};

/* What SQLite says of its last failure, as STORAGE with a hint, and remember it. Returns false. */
extern bool store_fail(JobStore *store, PgbrError *error);

/* What can be done about a failure of SQLite: a sentence. */
extern const char *store_hint(int code);

/* Set an error for a row whose content is damaged: what is its word. Returns false. */
extern bool store_fail_row(const char *what, const char *id, PgbrError *error);

/* Run statements without values and rows. */
extern bool store_execute(JobStore *store, const char *sql, PgbrError *error);

/* Prepare a statement. It is kept after its release, since most runs are shorter. */
extern bool
store_prepare(JobStore *store, const char *sql, sqlite3_stmt **statement, PgbrError *error);

/* The end of its run, and of what was bound to it. */
extern void store_release(sqlite3_stmt *statement);

/* Run a statement that gives no rows, and release it. */
extern bool store_finish(JobStore *store, sqlite3_stmt *statement, PgbrError *error);

/* The text is only lent until the statement is released; NULL is SQL's NULL. */
extern void store_bind_text(sqlite3_stmt *statement, int at, const char *text);

/* The text of a column of the present row: copied and cut to size, or lent; NULL reads as "". */
extern void store_read_text(sqlite3_stmt *row, int at, char *target, size_t size);
extern const char *store_text_at(sqlite3_stmt *row, int at);

#endif
