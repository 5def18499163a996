/*
 * store_db.c
 *		See store_db.h.
 *
 * The form on disk has a version (PRAGMA user_version). To change it: append a script to
 * migrations[], never edit one that was released; the next start runs what is missing, in one
 * transaction. A file of a later version is refused.
 *
 * Crashes: the journal is a WAL with synchronous=FULL, so a commit that returned is on disk. What a
 * kill leaves in the middle of a transaction is rolled back by SQLite at the next open.
 */
#include "sidecar/queue/store_db.h"

#include "program/clock.h"
#include "sidecar/queue/store_statement.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

/* For the folder's lock of a sidecar that was killed. */
#define LEAVE_MS 3000
#define POLL_MS	 50

static const char *const migrations[] = {
	"CREATE TABLE job ("
	" seq INTEGER PRIMARY KEY AUTOINCREMENT,"
	" id TEXT NOT NULL UNIQUE,"
	" kind TEXT NOT NULL, type TEXT NOT NULL, repo INTEGER NOT NULL, dry_run INTEGER NOT NULL,"
	" backup_standby INTEGER NOT NULL,"
	" backup_set TEXT NOT NULL, annotations TEXT NOT NULL,"
	" requested_by TEXT NOT NULL, reason TEXT NOT NULL,"
	" idempotency_key TEXT UNIQUE, fingerprint TEXT,"
	" state TEXT NOT NULL, covered_by TEXT NOT NULL,"
	" requested_at INTEGER NOT NULL, started_at INTEGER NOT NULL, finished_at INTEGER NOT NULL,"
	" label TEXT NOT NULL, exit_code INTEGER NOT NULL, error TEXT NOT NULL,"
	" message TEXT NOT NULL, hint TEXT NOT NULL,"
	" restore TEXT NOT NULL, arguments TEXT NOT NULL, result TEXT NOT NULL);"
	"CREATE INDEX job_open ON job (state) WHERE state IN ('queued', 'running');"
	"CREATE INDEX job_covered ON job (covered_by) WHERE covered_by <> '';"
	"CREATE TABLE restore_point ("
	" seq INTEGER PRIMARY KEY AUTOINCREMENT,"
	" name TEXT NOT NULL, timeline INTEGER NOT NULL, lsn TEXT NOT NULL,"
	" time INTEGER NOT NULL, xid TEXT NOT NULL,"
	" UNIQUE (timeline, name));"
	"CREATE TABLE restore_operation ("
	" seq INTEGER PRIMARY KEY AUTOINCREMENT,"
	" id TEXT NOT NULL UNIQUE, state TEXT NOT NULL, holder TEXT NOT NULL,"
	" revision INTEGER NOT NULL, created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL,"
	" document TEXT NOT NULL);"
	/* one active restore at most, whatever the code above does */
	"CREATE UNIQUE INDEX restore_active ON restore_operation (state) WHERE state = 'active';"
	"CREATE TABLE fact (name TEXT PRIMARY KEY, value TEXT NOT NULL);",
	/* what a client says of itself is kept apart from what the sidecar knows */
	"ALTER TABLE job ADD COLUMN claimed_by TEXT NOT NULL DEFAULT '';"
	"UPDATE job SET claimed_by = requested_by, requested_by = '';"
	"CREATE TABLE audit ("
	" id INTEGER PRIMARY KEY AUTOINCREMENT,"
	" time INTEGER NOT NULL, count INTEGER NOT NULL, status INTEGER, is_refusal INTEGER NOT NULL,"
	" caller TEXT NOT NULL, claimed_by TEXT NOT NULL, peer TEXT NOT NULL, listener TEXT NOT NULL,"
	" method TEXT NOT NULL, path TEXT NOT NULL, concerns TEXT NOT NULL);"
	"CREATE INDEX audit_kind ON audit (is_refusal, id);"
	/* an outcome is added once, and nothing else is ever changed */
	"CREATE TRIGGER audit_outcome BEFORE UPDATE OF status, claimed_by, concerns ON audit"
	" WHEN OLD.status IS NOT NULL"
	" BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;"
	"CREATE TRIGGER audit_fixed BEFORE UPDATE OF id, time, count, is_refusal, caller, peer, "
	"listener,"
	" method, path ON audit"
	" BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;",
};

#define VERSION ((int) (sizeof(migrations) / sizeof(migrations[0])))

static bool
read_version(JobStore *store, int *version, PgbrError *error)
{
	sqlite3_stmt *statement;

	*version = -1;
	if (!store_prepare(store, "PRAGMA user_version", &statement, error))
		return false;
	if (sqlite3_step(statement) == SQLITE_ROW)
		*version = sqlite3_column_int(statement, 0);
	store_release(statement);
	if (*version < 0)
		return store_fail(store, error);
	if (*version <= VERSION)
		return true;
	pgbr_error_set(error, PGBR_ERROR_STORAGE,
				   "the job store \"%s\" has form %d; this version knows forms up to %d",
				   store->path, *version, VERSION);
	return pgbr_error_hint(error, "Run the version that wrote it, or a later one.");
}

/* What a store is made of. The text of a table is SQLite's to change when a column is added. */
#define FORM                                                                            \
	"SELECT name, type, tbl_name, CASE WHEN type <> 'table' THEN coalesce(sql, '') END" \
	" FROM sqlite_schema WHERE name NOT LIKE 'sqlite\\_stat%' ESCAPE '\\' ORDER BY name, type"

/* Step both, and compare; *more is false at the end. */
static bool
is_alike(sqlite3_stmt *found, sqlite3_stmt *wanted, bool *more)
{
	bool one = sqlite3_step(found) == SQLITE_ROW;
	bool other = sqlite3_step(wanted) == SQLITE_ROW;

	*more = one && other;
	for (int i = 0; *more && i < 4; i++)
	{
		if (strcmp(store_text_at(found, i), store_text_at(wanted, i)) != 0)
			return false;
	}
	return one == other;
}

/*
 * Do not write to another program's database. Do not run what somebody has added to ours, such as a
 * trigger that changes rows behind our back.
 */
static bool
check_form(JobStore *store, int version, PgbrError *error)
{
	sqlite3_stmt *found = NULL;
	sqlite3_stmt *wanted = NULL;
	sqlite3 *model = NULL;
	bool more = true;
	bool alike = true;
	int rc = sqlite3_open(":memory:", &model);

	for (int i = 0; rc == SQLITE_OK && i < version; i++)
		rc = sqlite3_exec(model, migrations[i], NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_prepare_v2(model, FORM, -1, &wanted, NULL);
	if (rc != SQLITE_OK)
		pgbr_error_set(error, PGBR_ERROR_INTERNAL, "could not make a model of the job store: %s",
					   sqlite3_errstr(rc));
	else if ((rc = sqlite3_prepare_v2(store->db, FORM, -1, &found, NULL)) != SQLITE_OK)
		store_fail(store, error);
	while (rc == SQLITE_OK && alike && more)
		alike = is_alike(found, wanted, &more);
	if (!alike && sqlite3_errcode(store->db) != SQLITE_ROW &&
		sqlite3_errcode(store->db) != SQLITE_DONE)
		store_fail(store, error);
	else if (!alike)
	{
		pgbr_error_set(error, PGBR_ERROR_STORAGE,
					   "the database \"%s\" was not made by this program, or was changed",
					   store->path);
		pgbr_error_hint(error, "%s", store_hint(SQLITE_CORRUPT));
	}
	sqlite3_finalize(found);
	sqlite3_finalize(wanted);
	sqlite3_close(model);
	return rc == SQLITE_OK && alike;
}

static bool
migrate(JobStore *store, int version, PgbrError *error)
{
	char set_version[64];

	if (version == VERSION)
		return true;
	snprintf(set_version, sizeof(set_version), "PRAGMA user_version = %d", VERSION);
	if (!job_store_begin(store, error))
		return false;
	for (; version < VERSION; version++)
	{
		if (!store_execute(store, migrations[version], error))
			goto failed;
	}
	if (store_execute(store, set_version, error) && job_store_commit(store, error))
		return true;

failed:
	job_store_rollback(store);
	return false;
}

/* SQLite allows several processes; two sidecars would run each other's jobs. */
static bool
lock_folder(JobStore *store, const char *state_dir, PgbrError *error)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/lock", state_dir);
	store->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (store->lock < 0)
		return pgbr_error_set(error, PGBR_ERROR_STORAGE, "could not open file \"%s\": %m", path);
	/* a killed sidecar holds the lock until the kernel has ended it and the last of its children */
	for (int64_t until = clock_monotonic_ms() + LEAVE_MS;; poll(NULL, 0, POLL_MS))
	{
		if (flock(store->lock, LOCK_EX | LOCK_NB) == 0)
			return true;
		if (clock_monotonic_ms() >= until)
			break;
	}
	pgbr_error_set(error, PGBR_ERROR_CONFLICT, "another sidecar uses the state folder \"%s\"",
				   state_dir);
	return pgbr_error_hint(error, "Give each sidecar a --state-dir of its own.");
}

/* SQLite silently opens a file read-only if it can't write to it, and never tries again. */
static bool
check_writable(JobStore *store, PgbrError *error)
{
	if (sqlite3_db_readonly(store->db, "main") == 0)
		return true;
	pgbr_error_set(error, PGBR_ERROR_STORAGE, "could not write to the job store \"%s\"",
				   store->path);
	return pgbr_error_hint(error, "%s", store_hint(SQLITE_READONLY));
}

JobStore *
job_store_open(const char *state_dir, PgbrError *error)
{
	JobStore *store = calloc(1, sizeof(*store));
	int version;

	if (store == NULL)
	{
		pgbr_error_set(error, PGBR_ERROR_INTERNAL, "out of memory");
		return NULL;
	}
	if (!lock_folder(store, state_dir, error))
		goto failed;
	snprintf(store->path, sizeof(store->path), "%s/state.db", state_dir);
	if (sqlite3_open_v2(store->path, &store->db,
						SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
						NULL) != SQLITE_OK)
	{
		store_fail(store, error);
		goto failed;
	}
	/* a small cache: the store is small, and the sidecar's memory is counted */
	if (read_version(store, &version, error) && check_form(store, version, error) &&
		store_execute(
			store,
			"PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -256;"
			"PRAGMA journal_size_limit = 1048576",
			error) &&
		migrate(store, version, error) && check_writable(store, error))
		return store;

failed:
	job_store_close(store);
	return NULL;
}

void
job_store_close(JobStore *store)
{
	sqlite3_stmt *statement;

	if (store == NULL)
		return;
	while (store->db && (statement = sqlite3_next_stmt(store->db, NULL)) != NULL)
		sqlite3_finalize(statement);
	sqlite3_close(store->db);
	if (store->lock >= 0)
		close(store->lock);
	free(store);
}

bool
job_store_begin(JobStore *store, PgbrError *error)
{
	sqlite3_stmt *statement;

	return store_prepare(store, "BEGIN IMMEDIATE", &statement, error) &&
		   store_finish(store, statement, error);
}

bool
job_store_commit(JobStore *store, PgbrError *error)
{
	sqlite3_stmt *statement;

	if (store_prepare(store, "COMMIT", &statement, error) && store_finish(store, statement, error))
		return true;
	job_store_rollback(store);
	return false;
}

void
job_store_rollback(JobStore *store)
{
	/* after a full disk SQLite may have rolled back by itself */
	if (!sqlite3_get_autocommit(store->db))
		sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
}

/* Write as much as a job with all its indexes, and other bytes each time. */
static bool
probe(JobStore *store, PgbrError *error)
{
	sqlite3_stmt *statement;

	if (!store_prepare(store,
					   "INSERT INTO fact (name, value) VALUES ('probe', hex(randomblob(16384)))"
					   " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
					   &statement, error) ||
		!store_finish(store, statement, error))
		return false;
	store->trouble = (PgbrError) PGBR_ERROR_INIT;
	return true;
}

bool
job_store_check(JobStore *store, PgbrError *error)
{
	int64_t now = clock_monotonic_ms();
	int interval = store->trouble.code == PGBR_ERROR_NONE ? STORE_PROBE_MS : STORE_RETRY_MS;

	if (!store->damaged && (store->probed_at == 0 || now - store->probed_at >= interval))
	{
		store->probed_at = now;
		(void) probe(store, NULL);
	}
	if (store->trouble.code == PGBR_ERROR_NONE)
		return true;
	*error = store->trouble;
	return false;
}
