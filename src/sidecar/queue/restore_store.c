/*
 * restore_store.c
 *		See restore_store.h.
 */
#include "sidecar/queue/restore_store.h"

#include "sidecar/queue/store_statement.h"

#include <stdio.h>

#define COLUMNS "id, state, holder, revision, created_at, updated_at, document"

void
restore_record_init(RestoreRecord *record)
{
	*record = (RestoreRecord){0};
	strbuf_init(&record->document);
}

void
restore_record_done(RestoreRecord *record)
{
	strbuf_done(&record->document);
}

static bool
read_record(sqlite3_stmt *row, RestoreRecord *record, PgbrError *error)
{
	store_read_text(row, 0, record->id, sizeof(record->id));
	if (!restore_state_parse(store_text_at(row, 1), &record->state))
		return store_fail_row("restore", record->id, error);
	store_read_text(row, 2, record->holder, sizeof(record->holder));
	record->revision = sqlite3_column_int64(row, 3);
	record->created_at = sqlite3_column_int64(row, 4);
	record->updated_at = sqlite3_column_int64(row, 5);
	strbuf_clear(&record->document);
	strbuf_puts(&record->document, store_text_at(row, 6));
	return !record->document.failed || pgbr_error_set(error, PGBR_ERROR_INTERNAL, "out of memory");
}

/* Read the one row there may be, and release the statement. */
static bool
read_one(JobStore *store, sqlite3_stmt *statement, RestoreRecord *record, PgbrError *error)
{
	int rc = sqlite3_step(statement);
	bool ok;

	if (rc == SQLITE_ROW)
		ok = read_record(statement, record, error);
	else if (rc == SQLITE_DONE)
		ok = pgbr_error_set(error, PGBR_ERROR_NOT_FOUND, "there is no such restore");
	else
		ok = store_fail(store, error);
	store_release(statement);
	return ok;
}

bool
restore_store_find(JobStore *store, const char *id, RestoreRecord *record, PgbrError *error)
{
	sqlite3_stmt *statement;

	if (!store_prepare(store, "SELECT " COLUMNS " FROM restore_operation WHERE id = ?", &statement,
					   error))
		return false;
	store_bind_text(statement, 1, id);
	return read_one(store, statement, record, error);
}

bool
restore_store_find_active(JobStore *store, RestoreRecord *record, PgbrError *error)
{
	sqlite3_stmt *statement;

	return store_prepare(store, "SELECT " COLUMNS " FROM restore_operation WHERE state = 'active'",
						 &statement, error) &&
		   read_one(store, statement, record, error);
}

/* Both statements take the same parameters, by number. */
static bool
write_record(JobStore *store, const char *sql, const RestoreRecord *record, PgbrError *error)
{
	sqlite3_stmt *statement;

	if (!store_prepare(store, sql, &statement, error))
		return false;
	store_bind_text(statement, 1, record->id);
	store_bind_text(statement, 2, restore_state_name(record->state));
	store_bind_text(statement, 3, record->holder);
	sqlite3_bind_int64(statement, 4, record->revision);
	sqlite3_bind_int64(statement, 5, record->created_at);
	sqlite3_bind_int64(statement, 6, record->updated_at);
	store_bind_text(statement, 7, record->document.data);
	return store_finish(store, statement, error);
}

bool
restore_store_insert(JobStore *store, const RestoreRecord *record, PgbrError *error)
{
	return write_record(
		store, "INSERT INTO restore_operation (" COLUMNS ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
		record, error);
}

bool
restore_store_update(JobStore *store, const RestoreRecord *record, PgbrError *error)
{
	return write_record(store,
						"UPDATE restore_operation SET state = ?2, holder = ?3, revision = ?4,"
						" created_at = ?5, updated_at = ?6, document = ?7 WHERE id = ?1",
						record, error);
}

bool
restore_store_list(JobStore *store, int limit, RestoreVisitor visit, void *argument,
				   PgbrError *error)
{
	sqlite3_stmt *row;
	RestoreRecord record;
	int rc;
	bool ok = true;

	if (!store_prepare(store, "SELECT " COLUMNS " FROM restore_operation ORDER BY seq DESC LIMIT ?",
					   &row, error))
		return false;
	sqlite3_bind_int(row, 1, limit);
	restore_record_init(&record);
	while (ok && (rc = sqlite3_step(row)) == SQLITE_ROW)
	{
		ok = read_record(row, &record, error);
		if (ok)
			visit(&record, argument);
	}
	if (ok && rc != SQLITE_DONE)
		ok = store_fail(store, error);
	restore_record_done(&record);
	store_release(row);
	return ok;
}

bool
restore_store_purge(JobStore *store, PgbrError *error)
{
	sqlite3_stmt *statement;

	if (!store_prepare(store,
					   "DELETE FROM restore_operation WHERE state <> 'active' AND seq NOT IN"
					   " (SELECT seq FROM restore_operation ORDER BY seq DESC LIMIT ?)",
					   &statement, error))
		return false;
	sqlite3_bind_int(statement, 1, RESTORE_KEPT);
	return store_finish(store, statement, error);
}

bool
fact_store_get(JobStore *store, const char *name, char *value, size_t size, PgbrError *error)
{
	sqlite3_stmt *statement;
	int rc;

	value[0] = '\0';
	if (!store_prepare(store, "SELECT value FROM fact WHERE name = ?", &statement, error))
		return false;
	store_bind_text(statement, 1, name);
	rc = sqlite3_step(statement);
	if (rc == SQLITE_ROW)
		store_read_text(statement, 0, value, size);
	else if (rc != SQLITE_DONE)
		store_fail(store, error);
	store_release(statement);
	return rc == SQLITE_ROW || rc == SQLITE_DONE;
}

bool
fact_store_put(JobStore *store, const char *name, const char *value, PgbrError *error)
{
	sqlite3_stmt *statement;

	if (!store_prepare(store,
					   "INSERT INTO fact (name, value) VALUES (?1, ?2)"
					   " ON CONFLICT (name) DO UPDATE SET value = excluded.value"
					   " WHERE value <> excluded.value",
					   &statement, error))
		return false;
	store_bind_text(statement, 1, name);
	store_bind_text(statement, 2, value);
	return store_finish(store, statement, error);
}
