/*
 * audit.c
 *		See audit.h.
 */
#include "sidecar/queue/audit.h"

#include "common/strbuf.h"
#include "common/visible.h"
#include "program/clock.h"
#include "program/json.h"
#include "program/log.h"
#include "sidecar/queue/audit_fold.h"
#include "sidecar/queue/queue_facts.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define LOG_KIND "refused requests that the audit could not keep"

struct Audit
{
	JobQueue *queue;
	int retention_days;
	pthread_mutex_t lock; /* guards the fold */
	AuditFold fold;
};

Audit *
audit_new(JobQueue *queue, int retention_days)
{
	Audit *audit = calloc(1, sizeof(*audit));

	if (audit)
	{
		audit->queue = queue;
		audit->retention_days = retention_days;
		pthread_mutex_init(&audit->lock, NULL);
	}
	return audit;
}

bool
audit_is_change(const char *method)
{
	return strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0;
}

/* In one line: a row must not look like two where it is shown. */
static void
copy_path(AuditRow *row, const char *path)
{
	StrBuf text;

	strbuf_init(&text);
	pgbr_put_visible(&text, path, "");
	pgbr_copy_visible(row->path, sizeof(row->path), text.data);
	strbuf_done(&text);
}

static void
fill(AuditRow *row, const AuditedRequest *request)
{
	*row = (AuditRow){.time = clock_now_ms(), .count = 1};
	pgbr_copy_visible(row->caller, sizeof(row->caller), request->caller);
	pgbr_copy_visible(row->peer, sizeof(row->peer), request->peer);
	pgbr_copy_visible(row->listener, sizeof(row->listener), request->listener);
	pgbr_copy_visible(row->method, sizeof(row->method), request->method);
	copy_path(row, request->path);
	if (request->concerns && pgbr_is_job_id(request->concerns))
		pgbr_copy_visible(row->concerns, sizeof(row->concerns), request->concerns);
}

static bool
keep(Audit *audit, AuditRow *row, PgbrError *error)
{
	int64_t before = clock_now_ms() - (int64_t) audit->retention_days * 86400 * 1000;

	return job_queue_audit_add(audit->queue, row, before, error);
}

/* Keep the rows of minutes that are over. */
static void
keep_counted(Audit *audit, bool all)
{
	AuditRow row;
	PgbrError error;
	bool found = true;

	while (found)
	{
		pthread_mutex_lock(&audit->lock);
		found = audit_fold_take(&audit->fold, clock_monotonic_ms(), all, &row);
		pthread_mutex_unlock(&audit->lock);
		if (found && !keep(audit, &row, &error))
			log_repeated_error(LOG_KIND, "could not keep refused requests in the audit", &error);
	}
}

void
audit_free(Audit *audit)
{
	if (audit == NULL)
		return;
	keep_counted(audit, true);
	pthread_mutex_destroy(&audit->lock);
	free(audit);
}

bool
audit_begin(Audit *audit, const AuditedRequest *request, AuditRow *row, PgbrError *error)
{
	fill(row, request);
	return keep(audit, row, error);
}

void
audit_end(Audit *audit, AuditRow *row, const AuditedOutcome *outcome)
{
	PgbrError error;

	row->status = outcome->status;
	pgbr_copy_visible(row->claimed_by, sizeof(row->claimed_by), outcome->claimed_by);
	if (outcome->concerns[0])
		pgbr_copy_visible(row->concerns, sizeof(row->concerns), outcome->concerns);
	if (!job_queue_audit_end(audit->queue, row, &error))
		log_error(NULL, "could not write the outcome of a change to the audit", &error);
}

void
audit_refused(Audit *audit, const AuditedRequest *request, int status)
{
	AuditRow row;
	PgbrError error;
	bool is_first;

	fill(&row, request);
	row.status = status;
	row.is_refusal = true;
	keep_counted(audit, false);
	pthread_mutex_lock(&audit->lock);
	is_first = audit_fold_add(&audit->fold, &row, clock_monotonic_ms());
	pthread_mutex_unlock(&audit->lock);
	if (is_first && !keep(audit, &row, &error))
		log_repeated_error(LOG_KIND, "could not keep a refused request in the audit", &error);
}

bool
audit_list(Audit *audit, int64_t before, int limit, AuditVisitor visit, void *argument,
		   PgbrError *error)
{
	keep_counted(audit, true);
	return job_queue_audit_list(audit->queue, before, limit, visit, argument, error);
}

json_t *
audit_row_json(const AuditRow *row)
{
	json_t *object = json_object();
	char time[CLOCK_TEXT_SIZE];

	clock_format(row->time, time);
	json_object_set_new(object, "id", json_integer(row->id));
	json_put_text(object, "time", time);
	json_put_text(object, "caller", row->caller);
	json_put_text(object, "claimed_by", row->claimed_by[0] ? row->claimed_by : NULL);
	json_put_text(object, "peer", row->peer);
	json_put_text(object, "listener", row->listener);
	json_put_text(object, "method", row->method);
	json_put_text(object, "path", row->path);
	json_object_set_new(object, "status", row->status ? json_integer(row->status) : json_null());
	json_object_set_new(object, "refused", json_boolean(row->is_refusal));
	json_object_set_new(object, "count", json_integer(row->count));
	json_put_text(object, "concerns", row->concerns[0] ? row->concerns : NULL);
	return object;
}
