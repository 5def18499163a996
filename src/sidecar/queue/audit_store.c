/*
 * audit_store.c
 *		See audit_store.h.
 */
#include "sidecar/queue/audit_store.h"

#include "sidecar/queue/store_statement.h"

/* The most rows of refusals and of changes, about 15 and 60 MB: no caller can fill the disk. */
#define MOST_REFUSALS 50000
#define MOST_CHANGES  200000
#define PURGE_EVERY	  256

static bool
purge(JobStore *store, int64_t before, PgbrError *error)
{
	sqlite3_stmt *statement;

	/* with fewer rows than the limit the bound is NULL, and no row is below NULL */
	if (!store_prepare(store,
					   "DELETE FROM audit WHERE (time < ?1 AND id <= (SELECT id FROM audit"
					   "  ORDER BY id DESC LIMIT 1 OFFSET ?4))"
					   " OR (is_refusal AND id <= (SELECT id FROM audit WHERE is_refusal"
					   "  ORDER BY id DESC LIMIT 1 OFFSET ?2))"
					   " OR (NOT is_refusal AND id <= (SELECT id FROM audit WHERE NOT is_refusal"
					   "  ORDER BY id DESC LIMIT 1 OFFSET ?3))",
					   &statement, error))
		return false;
	sqlite3_bind_int64(statement, 1, before);
	sqlite3_bind_int(statement, 2, MOST_REFUSALS);
	sqlite3_bind_int(statement, 3, MOST_CHANGES);
	sqlite3_bind_int(statement, 4, STORE_KEPT_ALWAYS);
	return store_finish(store, statement, error);
}

bool
audit_store_add(JobStore *store, AuditRow *row, int64_t before, PgbrError *error)
{
	sqlite3_stmt *statement;

	if (!store_prepare(store,
					   "INSERT INTO audit (time, count, status, is_refusal, caller, claimed_by,"
					   " peer, listener, method, path, concerns)"
					   " VALUES (?,?,nullif(?,0),?,?,?,?,?,?,?,?)",
					   &statement, error))
		return false;
	sqlite3_bind_int64(statement, 1, row->time);
	sqlite3_bind_int(statement, 2, row->count);
	sqlite3_bind_int(statement, 3, row->status);
	sqlite3_bind_int(statement, 4, row->is_refusal);
	store_bind_text(statement, 5, row->caller);
	store_bind_text(statement, 6, row->claimed_by);
	store_bind_text(statement, 7, row->peer);
	store_bind_text(statement, 8, row->listener);
	store_bind_text(statement, 9, row->method);
	store_bind_text(statement, 10, row->path);
	store_bind_text(statement, 11, row->concerns);
	if (!store_finish(store, statement, error))
		return false;
	row->id = sqlite3_last_insert_rowid(store->db);
	return row->id % PURGE_EVERY != 1 || purge(store, before, error);
}

bool
audit_store_end(JobStore *store, const AuditRow *row, PgbrError *error)
{
	sqlite3_stmt *statement;

	if (!store_prepare(store,
					   "UPDATE audit SET status = ?, claimed_by = ?, concerns = ? WHERE id = ?",
					   &statement, error))
		return false;
	sqlite3_bind_int(statement, 1, row->status);
	store_bind_text(statement, 2, row->claimed_by);
	store_bind_text(statement, 3, row->concerns);
	sqlite3_bind_int64(statement, 4, row->id);
	return store_finish(store, statement, error);
}

static void
read_row(sqlite3_stmt *found, AuditRow *row)
{
	*row = (AuditRow){.id = sqlite3_column_int64(found, 0),
					  .time = sqlite3_column_int64(found, 1),
					  .count = sqlite3_column_int(found, 2),
					  .status = sqlite3_column_int(found, 3),
					  .is_refusal = sqlite3_column_int(found, 4)};
	store_read_text(found, 5, row->caller, sizeof(row->caller));
	store_read_text(found, 6, row->claimed_by, sizeof(row->claimed_by));
	store_read_text(found, 7, row->peer, sizeof(row->peer));
	store_read_text(found, 8, row->listener, sizeof(row->listener));
	store_read_text(found, 9, row->method, sizeof(row->method));
	store_read_text(found, 10, row->path, sizeof(row->path));
	store_read_text(found, 11, row->concerns, sizeof(row->concerns));
}

bool
audit_store_list(JobStore *store, int64_t before, int limit, AuditVisitor visit, void *argument,
				 PgbrError *error)
{
	sqlite3_stmt *found;
	AuditRow row;
	int rc;

	if (!store_prepare(store,
					   "SELECT id, time, count, status, is_refusal, caller, claimed_by, peer,"
					   " listener, method, path, concerns FROM audit WHERE ?1 = 0 OR id < ?1"
					   " ORDER BY id DESC LIMIT ?2",
					   &found, error))
		return false;
	sqlite3_bind_int64(found, 1, before);
	sqlite3_bind_int(found, 2, limit);
	while ((rc = sqlite3_step(found)) == SQLITE_ROW)
	{
		read_row(found, &row);
		visit(&row, argument);
	}
	if (rc != SQLITE_DONE)
		store_fail(store, error);
	store_release(found);
	return rc == SQLITE_DONE;
}
