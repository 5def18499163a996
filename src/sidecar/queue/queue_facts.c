/*
 * queue_facts.c
 *		See queue_facts.h.
 */
#include "sidecar/queue/queue_facts.h"

#include "program/log.h"
#include "program/private_folder.h"
#include "sidecar/queue/audit_store.h"
#include "sidecar/queue/job_queue_state.h"
#include "sidecar/queue/restore_store.h"

#include <string.h>

void
job_queue_remember(JobQueue *queue, const char *name, const char *value)
{
	PgbrError error;
	char known[FACT_SIZE];
	bool ok;

	pthread_mutex_lock(&queue->lock);
	ok = fact_store_get(queue->store, name, known, sizeof(known), &error) &&
		 (strcmp(known, value) == 0 || fact_store_put(queue->store, name, value, &error));
	pthread_mutex_unlock(&queue->lock);
	if (!ok)
		log_repeated_error("facts that could not be kept",
						   "could not remember what PostgreSQL says", &error);
}

static bool
is_number(const char *text)
{
	return strlen(text) < 19 && strspn(text, "0123456789") == strlen(text);
}

static bool
is_folder_name(const char *text)
{
	size_t length = strlen(text);

	return text[0] == '/' && pgbr_is_plain_text(text, FACT_SIZE) && strstr(text, "/../") == NULL &&
		   (length < 3 || strcmp(text + length - 3, "/..") != 0);
}

/* The sidecar runs programs from this folder, so nobody else may be able to write to it. */
static bool
is_programs_folder(const char *text)
{
	PgbrError error;

	if (!is_folder_name(text))
		return false;
	if (private_folder_check_way(text, &error))
		return true;
	log_error(NULL, "refusing to run PostgreSQL's programs from the remembered folder", &error);
	return false;
}

/* Any other fact is a text that is only shown. */
static const struct
{
	const char *name;
	bool (*is_of_form)(const char *text);
} fact_forms[] = {
	{"data_directory", is_folder_name},
	{"opened_directory", is_folder_name},
	{"postgres_bin", is_programs_folder},
	{"wal_segment_size", is_number},
	{"port", is_number},
};

void
job_queue_recall(JobQueue *queue, const char *name, char *value, size_t size)
{
	PgbrError error;

	pthread_mutex_lock(&queue->lock);
	if (!fact_store_get(queue->store, name, value, size, &error))
		log_repeated_error("facts that could not be kept", "could not recall what PostgreSQL said",
						   &error);
	pthread_mutex_unlock(&queue->lock);
	for (size_t i = 0; value[0] && i < sizeof(fact_forms) / sizeof(fact_forms[0]); i++)
	{
		if (strcmp(fact_forms[i].name, name) == 0 && !fact_forms[i].is_of_form(value))
			value[0] = '\0';
	}
}

bool
job_queue_check_store(JobQueue *queue, PgbrError *error)
{
	bool ok;

	pthread_mutex_lock(&queue->lock);
	ok = job_store_check(queue->store, error);
	pthread_mutex_unlock(&queue->lock);
	return ok;
}

bool
job_queue_add_point(JobQueue *queue, const RestorePoint *point, PgbrError *error)
{
	bool ok;

	pthread_mutex_lock(&queue->lock);
	ok = job_store_add_point(queue->store, point, error);
	pthread_mutex_unlock(&queue->lock);
	return ok;
}

bool
job_queue_list_points(JobQueue *queue, const char *name, int timeline, PointVisitor visit,
					  void *argument, PgbrError *error)
{
	bool ok;

	pthread_mutex_lock(&queue->lock);
	ok = job_store_list_points(queue->store, name, timeline, visit, argument, error);
	pthread_mutex_unlock(&queue->lock);
	return ok;
}

bool
job_queue_points_after(JobQueue *queue, int64_t seq, int limit, PointVisitor visit, void *argument,
					   PgbrError *error)
{
	bool ok;

	pthread_mutex_lock(&queue->lock);
	ok = job_store_points_after(queue->store, seq, limit, visit, argument, error);
	pthread_mutex_unlock(&queue->lock);
	return ok;
}

bool
job_queue_audit_add(JobQueue *queue, AuditRow *row, int64_t before, PgbrError *error)
{
	bool ok;

	pthread_mutex_lock(&queue->lock);
	ok = audit_store_add(queue->store, row, before, error);
	pthread_mutex_unlock(&queue->lock);
	return ok;
}

bool
job_queue_audit_end(JobQueue *queue, const AuditRow *row, PgbrError *error)
{
	bool ok;

	pthread_mutex_lock(&queue->lock);
	ok = audit_store_end(queue->store, row, error);
	pthread_mutex_unlock(&queue->lock);
	return ok;
}

bool
job_queue_audit_list(JobQueue *queue, int64_t before, int limit, AuditVisitor visit, void *argument,
					 PgbrError *error)
{
	bool ok;

	pthread_mutex_lock(&queue->lock);
	ok = audit_store_list(queue->store, before, limit, visit, argument, error);
	pthread_mutex_unlock(&queue->lock);
	return ok;
}
