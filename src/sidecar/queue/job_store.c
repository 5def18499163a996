/*
 * job_store.c
 *		See job_store.h. The database itself is store_db's.
 */
#include "sidecar/queue/job_store.h"

#include "common/memory.h"
#include "sidecar/queue/store_statement.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define JOB_COLUMNS                                                                               \
	"seq, id, kind, type, repo, dry_run, backup_set, annotations, requested_by, reason, state, "  \
	"covered_by, requested_at, started_at, finished_at, label, exit_code, error, message, hint, " \
	"backup_standby, restore, arguments, result, claimed_by"

bool
job_store_insert(JobStore *store, Job *job, const char *key, const char *fingerprint,
				 PgbrError *error)
{
	sqlite3_stmt *statement;
	const JobRequest *request = &job->request;

	if (!store_prepare(
			store,
			"INSERT INTO job (id, kind, type, repo, dry_run, backup_set, annotations,"
			" requested_by, reason, idempotency_key, fingerprint, state, covered_by,"
			" requested_at, started_at, finished_at, label, exit_code, error, message, hint,"
			" backup_standby, restore, arguments, result, claimed_by)"
			" VALUES (?,?,?,?,?,?,?,?,?,?,?,?,'',?,0,0,'',-1,'','','',?,?,?,'',?)",
			&statement, error))
		return false;
	store_bind_text(statement, 1, job->id);
	store_bind_text(statement, 2, pgbr_job_kind_name(request->kind));
	store_bind_text(statement, 3, pgbr_backup_type_name(request->type));
	sqlite3_bind_int(statement, 4, request->repo);
	sqlite3_bind_int(statement, 5, request->dry_run);
	store_bind_text(statement, 6, request->set);
	store_bind_text(statement, 7, request->annotations);
	store_bind_text(statement, 8, request->requested_by);
	store_bind_text(statement, 9, request->reason);
	store_bind_text(statement, 10, key);
	store_bind_text(statement, 11, fingerprint);
	store_bind_text(statement, 12, pgbr_job_state_name(job->state));
	sqlite3_bind_int64(statement, 13, job->requested_at);
	sqlite3_bind_int(statement, 14, request->backup_standby);
	store_bind_text(statement, 15, request->restore);
	store_bind_text(statement, 16, request->arguments);
	store_bind_text(statement, 17, request->claimed_by);
	if (!store_finish(store, statement, error))
		return false;
	job->seq = sqlite3_last_insert_rowid(store->db);
	return true;
}

bool
job_store_update(JobStore *store, const Job *job, PgbrError *error)
{
	sqlite3_stmt *statement;

	if (!store_prepare(store,
					   "UPDATE job SET state = ?, covered_by = ?, started_at = ?, finished_at = ?,"
					   " label = ?, exit_code = ?, error = ?, message = ?, hint = ?, result = ?"
					   " WHERE seq = ?",
					   &statement, error))
		return false;
	store_bind_text(statement, 1, pgbr_job_state_name(job->state));
	store_bind_text(statement, 2, job->covered_by);
	sqlite3_bind_int64(statement, 3, job->started_at);
	sqlite3_bind_int64(statement, 4, job->finished_at);
	store_bind_text(statement, 5, job->label);
	sqlite3_bind_int(statement, 6, job->exit_code);
	store_bind_text(statement, 7, job->error);
	store_bind_text(statement, 8, job->message);
	store_bind_text(statement, 9, job->hint);
	store_bind_text(statement, 10, job->result);
	sqlite3_bind_int64(statement, 11, job->seq);
	return store_finish(store, statement, error);
}

/* A row of JOB_COLUMNS. False when it holds a word this version does not know. */
static bool
read_job(sqlite3_stmt *row, Job *job)
{
	JobRequest *request = &job->request;

	memset(job, 0, sizeof(*job));
	job->seq = sqlite3_column_int64(row, 0);
	store_read_text(row, 1, job->id, sizeof(job->id));
	if (!pgbr_job_kind_parse(store_text_at(row, 2), &request->kind) ||
		!pgbr_backup_type_parse(store_text_at(row, 3), &request->type) ||
		!pgbr_job_state_parse(store_text_at(row, 10), &job->state))
		return false;
	request->repo = sqlite3_column_int(row, 4);
	request->dry_run = sqlite3_column_int(row, 5) != 0;
	store_read_text(row, 6, request->set, sizeof(request->set));
	store_read_text(row, 7, request->annotations, sizeof(request->annotations));
	store_read_text(row, 8, request->requested_by, sizeof(request->requested_by));
	store_read_text(row, 9, request->reason, sizeof(request->reason));
	store_read_text(row, 11, job->covered_by, sizeof(job->covered_by));
	job->requested_at = sqlite3_column_int64(row, 12);
	job->started_at = sqlite3_column_int64(row, 13);
	job->finished_at = sqlite3_column_int64(row, 14);
	store_read_text(row, 15, job->label, sizeof(job->label));
	job->exit_code = sqlite3_column_int(row, 16);
	store_read_text(row, 17, job->error, sizeof(job->error));
	store_read_text(row, 18, job->message, sizeof(job->message));
	store_read_text(row, 19, job->hint, sizeof(job->hint));
	request->backup_standby = sqlite3_column_int(row, 20) != 0;
	store_read_text(row, 21, request->restore, sizeof(request->restore));
	store_read_text(row, 22, request->arguments, sizeof(request->arguments));
	store_read_text(row, 23, job->result, sizeof(job->result));
	store_read_text(row, 24, request->claimed_by, sizeof(request->claimed_by));
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
		return store_fail(store, error);
	return read_job(statement, job) || store_fail_row("job", store_text_at(statement, 1), error);
}

bool
job_store_find(JobStore *store, const char *id, Job *job, PgbrError *error)
{
	sqlite3_stmt *statement;
	bool found = false;
	bool ok;

	if (!store_prepare(store, "SELECT " JOB_COLUMNS " FROM job WHERE id = ?", &statement, error))
		return false;
	store_bind_text(statement, 1, id);
	ok = step_job(store, statement, job, &found, error);
	store_release(statement);
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

	if (!store_prepare(store,
					   "SELECT " JOB_COLUMNS ", fingerprint FROM job WHERE idempotency_key = ?",
					   &statement, error))
		return false;
	store_bind_text(statement, 1, key);
	ok = step_job(store, statement, job, &found, error);
	if (ok && found)
		*same =
			strcmp(store_text_at(statement, sqlite3_column_count(statement) - 1), fingerprint) == 0;
	store_release(statement);
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
			 " AND (?4 = 0 OR seq < ?4) AND seq > ?6"
			 " AND (?7 IS NULL OR (restore = ?7 AND kind <> 'backup')) ORDER BY seq %s LIMIT ?5",
			 open ? "state = ?1 AND state IN ('queued', 'running')" : "(?1 IS NULL OR state = ?1)",
			 covered ? "covered_by = ?2 AND covered_by <> ''" : "(?2 IS NULL OR covered_by = ?2)",
			 filter->oldest_first ? "ASC" : "DESC");
	if (!store_prepare(store, sql, statement, error))
		return false;
	store_bind_text(*statement, 1, filter->state ? pgbr_job_state_name(*filter->state) : NULL);
	store_bind_text(*statement, 2, filter->covered_by);
	store_bind_text(*statement, 3, filter->kind ? pgbr_job_kind_name(*filter->kind) : NULL);
	sqlite3_bind_int64(*statement, 4, filter->before);
	sqlite3_bind_int(*statement, 5, filter->limit ? filter->limit : -1);
	sqlite3_bind_int64(*statement, 6, filter->after);
	store_bind_text(*statement, 7, filter->steps_of);
	return true;
}

bool
job_store_list(JobStore *store, const JobFilter *filter, JobVisitor visit, void *argument,
			   PgbrError *error)
{
	sqlite3_stmt *statement;
	Job *job = memory_alloc(sizeof(*job));
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
	store_release(statement);
	free(job);
	return ok;
}

static bool
append_copy(const Job *job, void *argument)
{
	JobArray *array = argument;
	Job *copy = memory_alloc(sizeof(*copy));
	Job **grown = memory_resize(array->jobs, ((size_t) array->count + 1) * sizeof(*grown));

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

	/* with fewer rows than the limit the bound is NULL, and no row is below NULL */
	if (!store_prepare(store,
					   "DELETE FROM job WHERE finished_at > 0 AND"
					   " ((finished_at < ?1 AND seq <= (SELECT seq FROM job WHERE finished_at > 0"
					   "  ORDER BY seq DESC LIMIT 1 OFFSET ?2))"
					   " OR seq <= (SELECT seq FROM job WHERE finished_at > 0"
					   "  ORDER BY seq DESC LIMIT 1 OFFSET ?3)) RETURNING seq",
					   &statement, error))
		return false;
	sqlite3_bind_int64(statement, 1, before);
	sqlite3_bind_int(statement, 2, STORE_KEPT_ALWAYS);
	sqlite3_bind_int(statement, 3, STORE_KEPT_MOST);
	while ((rc = sqlite3_step(statement)) == SQLITE_ROW)
		forget(sqlite3_column_int64(statement, 0), argument);
	if (rc != SQLITE_DONE)
		store_fail(store, error);
	store_release(statement);
	return rc == SQLITE_DONE;
}

static bool
insert_point(JobStore *store, const RestorePoint *point, PgbrError *error)
{
	sqlite3_stmt *statement;
	int rc;

	if (!store_prepare(
			store, "INSERT INTO restore_point (name, timeline, lsn, time, xid) VALUES (?,?,?,?,?)",
			&statement, error))
		return false;
	store_bind_text(statement, 1, point->name);
	sqlite3_bind_int(statement, 2, point->timeline);
	store_bind_text(statement, 3, point->lsn);
	sqlite3_bind_int64(statement, 4, point->time);
	store_bind_text(statement, 5, point->xid);
	rc = sqlite3_step(statement);
	if (rc == SQLITE_CONSTRAINT)
		pgbr_error_set(error, PGBR_ERROR_DUPLICATE,
					   "restore point \"%s\" already exists on timeline %d", point->name,
					   point->timeline);
	else if (rc != SQLITE_DONE)
		store_fail(store, error);
	store_release(statement);
	return rc == SQLITE_DONE;
}

/* Rows are deleted only here, so the numbers have no gaps. */
static bool
forget_oldest_points(JobStore *store, PgbrError *error)
{
	sqlite3_stmt *statement;

	if (!store_prepare(store,
					   "DELETE FROM restore_point"
					   " WHERE seq <= (SELECT max(seq) FROM restore_point) - ?",
					   &statement, error))
		return false;
	sqlite3_bind_int(statement, 1, STORE_POINTS_MOST);
	return store_finish(store, statement, error);
}

bool
job_store_add_point(JobStore *store, const RestorePoint *point, PgbrError *error)
{
	if (!job_store_begin(store, error))
		return false;
	if (insert_point(store, point, error) && forget_oldest_points(store, error))
		return job_store_commit(store, error);
	job_store_rollback(store);
	return false;
}

#define POINT_COLUMNS "name, timeline, lsn, time, xid, seq"

/* Hand out the rows of a statement, which is released. */
static bool
visit_points(JobStore *store, sqlite3_stmt *row, PointVisitor visit, void *argument,
			 PgbrError *error)
{
	int rc;

	while ((rc = sqlite3_step(row)) == SQLITE_ROW)
	{
		RestorePoint point;

		store_read_text(row, 0, point.name, sizeof(point.name));
		point.timeline = sqlite3_column_int(row, 1);
		store_read_text(row, 2, point.lsn, sizeof(point.lsn));
		point.time = sqlite3_column_int64(row, 3);
		store_read_text(row, 4, point.xid, sizeof(point.xid));
		point.seq = sqlite3_column_int64(row, 5);
		visit(&point, argument);
	}
	if (rc != SQLITE_DONE)
		store_fail(store, error);
	store_release(row);
	return rc == SQLITE_DONE;
}

bool
job_store_list_points(JobStore *store, const char *name, int timeline, PointVisitor visit,
					  void *argument, PgbrError *error)
{
	sqlite3_stmt *row;

	if (!store_prepare(
			store,
			"SELECT " POINT_COLUMNS " FROM restore_point"
			" WHERE (?1 IS NULL OR name = ?1) AND (?2 = 0 OR timeline = ?2) ORDER BY seq DESC",
			&row, error))
		return false;
	store_bind_text(row, 1, name);
	sqlite3_bind_int(row, 2, timeline);
	return visit_points(store, row, visit, argument, error);
}

bool
job_store_points_after(JobStore *store, int64_t seq, int limit, PointVisitor visit, void *argument,
					   PgbrError *error)
{
	sqlite3_stmt *row;

	if (!store_prepare(store,
					   "SELECT " POINT_COLUMNS " FROM restore_point"
					   " WHERE seq > ? ORDER BY seq LIMIT ?",
					   &row, error))
		return false;
	sqlite3_bind_int64(row, 1, seq);
	sqlite3_bind_int(row, 2, limit);
	return visit_points(store, row, visit, argument, error);
}
