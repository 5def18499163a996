/*
 * job_store.c
 *		See job_store.h.
 *
 * The form on disk has a version (PRAGMA user_version). To change it: append a script to
 * migrations[], never edit one that was released; the next start runs what is missing, in one
 * transaction. A file of a later version is refused.
 *
 * Crashes: the journal is a WAL with synchronous=FULL, so a commit that returned is on disk. What a
 * kill leaves in the middle of a transaction is rolled back by SQLite at the next open.
 */
#include "sidecar/job_store.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

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
	" message TEXT NOT NULL, hint TEXT NOT NULL);"
	"CREATE INDEX job_open ON job (state) WHERE state IN ('queued', 'running');"
	"CREATE INDEX job_covered ON job (covered_by) WHERE covered_by <> '';"
	"CREATE TABLE restore_point ("
	" seq INTEGER PRIMARY KEY AUTOINCREMENT,"
	" name TEXT NOT NULL, timeline INTEGER NOT NULL, lsn TEXT NOT NULL,"
	" time INTEGER NOT NULL, xid TEXT NOT NULL,"
	" UNIQUE (timeline, name));",
};

#define VERSION ((int) (sizeof(migrations) / sizeof(migrations[0])))

#define JOB_COLUMNS                                                                               \
	"seq, id, kind, type, repo, dry_run, backup_set, annotations, requested_by, reason, state, "  \
	"covered_by, requested_at, started_at, finished_at, label, exit_code, error, message, hint, " \
	"backup_standby"

struct JobStore
{
	sqlite3 *db;
	int lock; /* held for as long as the store is open */
};

static bool
fail(JobStore *store, PgbrError *error)
{
	pgbr_error_set(error, PGBR_ERROR_STORAGE, "could not use the job store \"%s\": %s",
				   sqlite3_db_filename(store->db, "main"), sqlite3_errmsg(store->db));
	return pgbr_error_hint(error, "Check the free space and the permissions of the state folder.");
}

static bool
execute(JobStore *store, const char *sql, PgbrError *error)
{
	return sqlite3_exec(store->db, sql, NULL, NULL, NULL) == SQLITE_OK || fail(store, error);
}

/* Have a statement ready. It is kept when it is released: to prepare one takes longer than most run. */
static bool
prepare(JobStore *store, const char *sql, sqlite3_stmt **statement, PgbrError *error)
{
	*statement = sqlite3_next_stmt(store->db, NULL);
	while (*statement &&
		   (sqlite3_stmt_busy(*statement) || strcmp(sqlite3_sql(*statement), sql) != 0))
		*statement = sqlite3_next_stmt(store->db, *statement);
	return *statement ||
		   sqlite3_prepare_v3(store->db, sql, -1, SQLITE_PREPARE_PERSISTENT, statement, NULL) ==
			   SQLITE_OK ||
		   fail(store, error);
}

/* The end of its run, and of what was bound to it. */
static void
release(sqlite3_stmt *statement)
{
	sqlite3_reset(statement);
	sqlite3_clear_bindings(statement);
}

/* Run a statement that gives no rows, and release it. */
static bool
finish(JobStore *store, sqlite3_stmt *statement, PgbrError *error)
{
	bool ok = sqlite3_step(statement) == SQLITE_DONE || fail(store, error);

	release(statement);
	return ok;
}

static bool
migrate(JobStore *store, PgbrError *error)
{
	sqlite3_stmt *statement;
	int version = -1;
	char set_version[64];

	if (!prepare(store, "PRAGMA user_version", &statement, error))
		return false;
	if (sqlite3_step(statement) == SQLITE_ROW)
		version = sqlite3_column_int(statement, 0);
	release(statement);
	if (version < 0)
		return fail(store, error);
	if (version > VERSION)
		return pgbr_error_set(error, PGBR_ERROR_STORAGE,
							  "the job store has form %d; this version knows forms up to %d",
							  version, VERSION);
	if (version == VERSION)
		return true;
	snprintf(set_version, sizeof(set_version), "PRAGMA user_version = %d", VERSION);
	if (!job_store_begin(store, error))
		return false;
	for (; version < VERSION; version++)
	{
		if (!execute(store, migrations[version], error))
			goto failed;
	}
	if (execute(store, set_version, error) && job_store_commit(store, error))
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
	if (flock(store->lock, LOCK_EX | LOCK_NB) == 0)
		return true;
	pgbr_error_set(error, PGBR_ERROR_CONFLICT, "another sidecar uses the state folder \"%s\"",
				   state_dir);
	return pgbr_error_hint(error, "Give each sidecar a --state-dir of its own.");
}

JobStore *
job_store_open(const char *state_dir, PgbrError *error)
{
	JobStore *store = calloc(1, sizeof(*store));
	char path[4096];

	if (store == NULL)
	{
		pgbr_error_set(error, PGBR_ERROR_INTERNAL, "out of memory");
		return NULL;
	}
	if (!lock_folder(store, state_dir, error))
		goto failed;
	snprintf(path, sizeof(path), "%s/state.db", state_dir);
	if (sqlite3_open_v2(path, &store->db,
						SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
						NULL) != SQLITE_OK)
	{
		fail(store, error);
		goto failed;
	}
	/* a small cache: the store is small, and the sidecar's memory is counted */
	if (execute(store,
				"PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -256;"
				"PRAGMA journal_size_limit = 1048576",
				error) &&
		migrate(store, error))
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

	return prepare(store, "BEGIN IMMEDIATE", &statement, error) && finish(store, statement, error);
}

bool
job_store_commit(JobStore *store, PgbrError *error)
{
	sqlite3_stmt *statement;

	if (prepare(store, "COMMIT", &statement, error) && finish(store, statement, error))
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

static void
bind_text(sqlite3_stmt *statement, int at, const char *text)
{
	sqlite3_bind_text(statement, at, text, -1, SQLITE_STATIC);
}

bool
job_store_insert(JobStore *store, Job *job, const char *key, const char *fingerprint,
				 PgbrError *error)
{
	sqlite3_stmt *statement;
	const JobRequest *request = &job->request;

	if (!prepare(store,
				 "INSERT INTO job (id, kind, type, repo, dry_run, backup_set, annotations,"
				 " requested_by, reason, idempotency_key, fingerprint, state, covered_by,"
				 " requested_at, started_at, finished_at, label, exit_code, error, message, hint,"
				 " backup_standby)"
				 " VALUES (?,?,?,?,?,?,?,?,?,?,?,?,'',?,0,0,'',-1,'','','',?)",
				 &statement, error))
		return false;
	bind_text(statement, 1, job->id);
	bind_text(statement, 2, pgbr_job_kind_name(request->kind));
	bind_text(statement, 3, pgbr_backup_type_name(request->type));
	sqlite3_bind_int(statement, 4, request->repo);
	sqlite3_bind_int(statement, 5, request->dry_run);
	bind_text(statement, 6, request->set);
	bind_text(statement, 7, request->annotations);
	bind_text(statement, 8, request->requested_by);
	bind_text(statement, 9, request->reason);
	bind_text(statement, 10, key);
	bind_text(statement, 11, fingerprint);
	bind_text(statement, 12, pgbr_job_state_name(job->state));
	sqlite3_bind_int64(statement, 13, job->requested_at);
	sqlite3_bind_int(statement, 14, request->backup_standby);
	if (!finish(store, statement, error))
		return false;
	job->seq = sqlite3_last_insert_rowid(store->db);
	return true;
}

bool
job_store_update(JobStore *store, const Job *job, PgbrError *error)
{
	sqlite3_stmt *statement;

	if (!prepare(store,
				 "UPDATE job SET state = ?, covered_by = ?, started_at = ?, finished_at = ?,"
				 " label = ?, exit_code = ?, error = ?, message = ?, hint = ? WHERE seq = ?",
				 &statement, error))
		return false;
	bind_text(statement, 1, pgbr_job_state_name(job->state));
	bind_text(statement, 2, job->covered_by);
	sqlite3_bind_int64(statement, 3, job->started_at);
	sqlite3_bind_int64(statement, 4, job->finished_at);
	bind_text(statement, 5, job->label);
	sqlite3_bind_int(statement, 6, job->exit_code);
	bind_text(statement, 7, job->error);
	bind_text(statement, 8, job->message);
	bind_text(statement, 9, job->hint);
	sqlite3_bind_int64(statement, 10, job->seq);
	return finish(store, statement, error);
}

static void
read_text(sqlite3_stmt *row, int at, char *target, size_t size)
{
	const unsigned char *text = sqlite3_column_text(row, at);

	pgbr_copy_text(target, size, text ? (const char *) text : "");
}

static const char *
text_at(sqlite3_stmt *row, int at)
{
	const unsigned char *text = sqlite3_column_text(row, at);

	return text ? (const char *) text : "";
}

/* A row of JOB_COLUMNS. False when it holds a word this version does not know. */
static bool
read_job(sqlite3_stmt *row, Job *job)
{
	JobRequest *request = &job->request;

	memset(job, 0, sizeof(*job));
	job->seq = sqlite3_column_int64(row, 0);
	read_text(row, 1, job->id, sizeof(job->id));
	if (!pgbr_job_kind_parse(text_at(row, 2), &request->kind) ||
		!pgbr_backup_type_parse(text_at(row, 3), &request->type) ||
		!pgbr_job_state_parse(text_at(row, 10), &job->state))
		return false;
	request->repo = sqlite3_column_int(row, 4);
	request->dry_run = sqlite3_column_int(row, 5) != 0;
	read_text(row, 6, request->set, sizeof(request->set));
	read_text(row, 7, request->annotations, sizeof(request->annotations));
	read_text(row, 8, request->requested_by, sizeof(request->requested_by));
	read_text(row, 9, request->reason, sizeof(request->reason));
	read_text(row, 11, job->covered_by, sizeof(job->covered_by));
	job->requested_at = sqlite3_column_int64(row, 12);
	job->started_at = sqlite3_column_int64(row, 13);
	job->finished_at = sqlite3_column_int64(row, 14);
	read_text(row, 15, job->label, sizeof(job->label));
	job->exit_code = sqlite3_column_int(row, 16);
	read_text(row, 17, job->error, sizeof(job->error));
	read_text(row, 18, job->message, sizeof(job->message));
	read_text(row, 19, job->hint, sizeof(job->hint));
	request->backup_standby = sqlite3_column_int(row, 20) != 0;
	return true;
}

static bool
step_job(JobStore *store, sqlite3_stmt *statement, Job *job, bool *found, PgbrError *error)
{
	int rc = sqlite3_step(statement);

	*found = rc == SQLITE_ROW;
	if (rc == SQLITE_DONE)
		return true;
	if (rc != SQLITE_ROW)
		return fail(store, error);
	return read_job(statement, job) ||
		   pgbr_error_set(error, PGBR_ERROR_STORAGE, "job %s in the job store is damaged",
						  text_at(statement, 1));
}

bool
job_store_find(JobStore *store, const char *id, Job *job, PgbrError *error)
{
	sqlite3_stmt *statement;
	bool found = false;
	bool ok;

	if (!prepare(store, "SELECT " JOB_COLUMNS " FROM job WHERE id = ?", &statement, error))
		return false;
	bind_text(statement, 1, id);
	ok = step_job(store, statement, job, &found, error);
	release(statement);
	if (ok && !found)
		return pgbr_error_set(error, PGBR_ERROR_NOT_FOUND, "job \"%s\" does not exist", id);
	return ok;
}

bool
job_store_find_key(JobStore *store, const char *key, const char *fingerprint, Job *job, bool *same,
				   PgbrError *error)
{
	sqlite3_stmt *statement;
	bool found = false;
	bool ok;

	if (!prepare(store, "SELECT " JOB_COLUMNS ", fingerprint FROM job WHERE idempotency_key = ?",
				 &statement, error))
		return false;
	bind_text(statement, 1, key);
	ok = step_job(store, statement, job, &found, error);
	if (ok && found)
		*same = strcmp(text_at(statement, 21), fingerprint) == 0;
	release(statement);
	if (ok && !found)
		return pgbr_error_set(error, PGBR_ERROR_NOT_FOUND, "no job has this Idempotency-Key");
	return ok;
}

static bool
prepare_list(JobStore *store, const JobFilter *filter, sqlite3_stmt **statement, PgbrError *error)
{
	bool open = filter->state && !pgbr_job_state_is_final(*filter->state);
	bool covered = filter->covered_by && filter->covered_by[0];
	char sql[1024];

	/* an index of some rows serves only a query that repeats its condition */
	snprintf(sql, sizeof(sql),
			 "SELECT " JOB_COLUMNS " FROM job WHERE %s AND %s AND (?3 IS NULL OR kind = ?3)"
			 " AND (?4 = 0 OR seq < ?4) AND seq > ?6 ORDER BY seq %s LIMIT ?5",
			 open ? "state = ?1 AND state IN ('queued', 'running')" : "(?1 IS NULL OR state = ?1)",
			 covered ? "covered_by = ?2 AND covered_by <> ''" : "(?2 IS NULL OR covered_by = ?2)",
			 filter->oldest_first ? "ASC" : "DESC");
	if (!prepare(store, sql, statement, error))
		return false;
	bind_text(*statement, 1, filter->state ? pgbr_job_state_name(*filter->state) : NULL);
	bind_text(*statement, 2, filter->covered_by);
	bind_text(*statement, 3, filter->kind ? pgbr_job_kind_name(*filter->kind) : NULL);
	sqlite3_bind_int64(*statement, 4, filter->before);
	sqlite3_bind_int(*statement, 5, filter->limit ? filter->limit : -1);
	sqlite3_bind_int64(*statement, 6, filter->after);
	return true;
}

bool
job_store_list(JobStore *store, const JobFilter *filter, JobVisitor visit, void *argument,
			   PgbrError *error)
{
	sqlite3_stmt *statement;
	Job *job = malloc(sizeof(*job));
	bool found = true;
	bool ok = job != NULL || pgbr_error_set(error, PGBR_ERROR_INTERNAL, "out of memory");

	if (!ok || !prepare_list(store, filter, &statement, error))
	{
		free(job);
		return false;
	}
	while (ok && found)
	{
		ok = step_job(store, statement, job, &found, error);
		if (ok && found && !visit(job, argument))
			break;
	}
	release(statement);
	free(job);
	return ok;
}

static bool
append_copy(const Job *job, void *argument)
{
	JobArray *array = argument;
	Job *copy = malloc(sizeof(*copy));
	Job **grown = realloc(array->jobs, ((size_t) array->count + 1) * sizeof(*grown));

	if (grown)
		array->jobs = grown;
	if (copy == NULL || grown == NULL)
	{
		free(copy);
		array->failed = true;
		return false;
	}
	*copy = *job;
	array->jobs[array->count++] = copy;
	return true;
}

void
job_array_done(JobArray *array)
{
	for (int i = 0; i < array->count; i++)
		free(array->jobs[i]);
	free(array->jobs);
}

bool
job_store_load(JobStore *store, const JobFilter *filter, JobArray *array, PgbrError *error)
{
	*array = (JobArray){0};
	if (job_store_list(store, filter, append_copy, array, error) && !array->failed)
		return true;
	if (array->failed)
		pgbr_error_set(error, PGBR_ERROR_INTERNAL, "out of memory");
	job_array_done(array);
	return false;
}

bool
job_store_purge(JobStore *store, int64_t before, void (*forget)(int64_t seq, void *),
				void *argument, PgbrError *error)
{
	sqlite3_stmt *statement;
	int rc;

	if (!prepare(store, "DELETE FROM job WHERE finished_at > 0 AND finished_at < ? RETURNING seq",
				 &statement, error))
		return false;
	sqlite3_bind_int64(statement, 1, before);
	while ((rc = sqlite3_step(statement)) == SQLITE_ROW)
		forget(sqlite3_column_int64(statement, 0), argument);
	if (rc != SQLITE_DONE)
		fail(store, error);
	release(statement);
	return rc == SQLITE_DONE;
}

bool
job_store_add_point(JobStore *store, const RestorePoint *point, PgbrError *error)
{
	sqlite3_stmt *statement;
	int rc;

	if (!prepare(store,
				 "INSERT INTO restore_point (name, timeline, lsn, time, xid) VALUES (?,?,?,?,?)",
				 &statement, error))
		return false;
	bind_text(statement, 1, point->name);
	sqlite3_bind_int(statement, 2, point->timeline);
	bind_text(statement, 3, point->lsn);
	sqlite3_bind_int64(statement, 4, point->time);
	bind_text(statement, 5, point->xid);
	rc = sqlite3_step(statement);
	if (rc == SQLITE_CONSTRAINT)
		pgbr_error_set(error, PGBR_ERROR_DUPLICATE,
					   "restore point \"%s\" already exists on timeline %d", point->name,
					   point->timeline);
	else if (rc != SQLITE_DONE)
		fail(store, error);
	release(statement);
	return rc == SQLITE_DONE;
}

bool
job_store_list_points(JobStore *store, const char *name, int timeline, PointVisitor visit,
					  void *argument, PgbrError *error)
{
	sqlite3_stmt *row;
	int rc;

	if (!prepare(store,
				 "SELECT name, timeline, lsn, time, xid FROM restore_point"
				 " WHERE (?1 IS NULL OR name = ?1) AND (?2 = 0 OR timeline = ?2) ORDER BY seq DESC",
				 &row, error))
		return false;
	bind_text(row, 1, name);
	sqlite3_bind_int(row, 2, timeline);
	while ((rc = sqlite3_step(row)) == SQLITE_ROW)
	{
		RestorePoint point;

		read_text(row, 0, point.name, sizeof(point.name));
		point.timeline = sqlite3_column_int(row, 1);
		read_text(row, 2, point.lsn, sizeof(point.lsn));
		point.time = sqlite3_column_int64(row, 3);
		read_text(row, 4, point.xid, sizeof(point.xid));
		visit(&point, argument);
	}
	if (rc != SQLITE_DONE)
		fail(store, error);
	release(row);
	return rc == SQLITE_DONE;
}
