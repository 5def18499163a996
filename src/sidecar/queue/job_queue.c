/*
 * job_queue.c
 *		See job_queue.h. Which job is coalesced into which: job_coalesce.c decides, coalesced_jobs.c
 *		does.
 */
#include "sidecar/queue/job_queue.h"

#include "common/memory.h"
#include "common/strbuf.h"
#include "program/clock.h"
#include "program/condition.h"
#include "program/json.h"
#include "program/log.h"
#include "sidecar/queue/coalesced_jobs.h"
#include "sidecar/queue/job_queue_state.h"
#include "sidecar/queue/queue_restores.h"
#include "sidecar/queue/restore_store.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

/* How long to wait, in ms, before trying the store again after a failure, and between questions
 * whether the client still waits. */
#define RETRY_MS 1000

/* How many jobs of a restore may wait. A restore asks for its next step when one has ended. */
#define RESTORE_JOBS_MOST 100

static void
signal_stop(JobQueue *queue)
{
	(void) !write(queue->stop_fd, &(uint64_t){1}, sizeof(uint64_t));
}

void
job_queue_log_path(JobQueue *queue, const Job *job, char *path, size_t size)
{
	snprintf(path, size, "%s/%lld.log", queue->log_dir, (long long) job->seq);
}

static void
forget_log(int64_t seq, void *argument)
{
	char path[4096];

	job_queue_log_path(argument, &(Job){.seq = seq}, path, sizeof(path));
	unlink(path);
}

void
job_queue_purge(JobQueue *queue)
{
	PgbrError error;
	int64_t before = clock_now_ms() - (int64_t) queue->retention_days * 86400 * 1000;

	if (!job_store_purge(queue->store, before, forget_log, queue, &error))
		log_error(NULL, "could not remove old jobs", &error);
}

/* Close the jobs that the previous sidecar left running. */
static bool
interrupt_leftovers(JobQueue *queue, PgbrError *error)
{
	PgbrJobState running = PGBR_STATE_RUNNING;
	JobFilter filter = {.state = &running, .oldest_first = true};
	JobArray array;
	bool ok;

	if (!job_store_load(queue->store, &filter, &array, error))
		return false;
	ok = job_store_begin(queue->store, error);
	for (int i = 0; ok && i < array.count; i++)
	{
		Job *job = array.jobs[i];

		job->state = PGBR_STATE_INTERRUPTED;
		job->finished_at = clock_now_ms();
		strcpy(job->message, "the sidecar went down while this job ran");
		strcpy(job->hint, "Ask for it again.");
		ok = job_store_update(queue->store, job, error);
		log_event(LOG_LEVEL_WARNING, job->id,
				  "interrupted: the previous sidecar went down while the job ran");
	}
	if (ok)
		ok = job_store_commit(queue->store, error);
	else
		job_store_rollback(queue->store);
	job_array_done(&array);
	return ok;
}

/* An active restore continues: its holder gets time to find this sidecar again. */
static bool
load_hold(JobQueue *queue, PgbrError *error)
{
	RestoreRecord record;
	PgbrError reason = PGBR_ERROR_INIT;
	json_t *document;
	bool found;

	restore_record_init(&record);
	found = restore_store_find_active(queue->store, &record, &reason);
	if (found)
	{
		strcpy(queue->hold.id, record.id);
		strcpy(queue->hold.holder, record.holder);
		queue->hold.until = clock_monotonic_ms() + RESTORE_FRESH_LEASE_MS;
		document = json_loads(record.document.data, 0, NULL);
		queue->hold.harmless = json_flag(document, "harmless");
		queue->hold.resumed = json_flag(document, "resumed");
		json_decref(document);
	}
	restore_record_done(&record);
	if (found || reason.code == PGBR_ERROR_NOT_FOUND)
		return true;
	*error = reason;
	return false;
}

JobQueue *
job_queue_new(JobStore *store, const char *log_dir, int max_queued, int retention_days,
			  PgbrError *error)
{
	JobQueue *queue = memory_zeroed(1, sizeof(*queue));

	if (queue == NULL)
	{
		pgbr_error_set(error, PGBR_ERROR_INTERNAL, "out of memory");
		return NULL;
	}
	pthread_mutex_init(&queue->lock, NULL);
	condition_init(&queue->changed);
	queue->store = store;
	pgbr_copy_text(queue->log_dir, sizeof(queue->log_dir), log_dir);
	queue->max_queued = max_queued;
	queue->retention_days = retention_days;
	queue->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (queue->stop_fd < 0)
		pgbr_error_set(error, PGBR_ERROR_INTERNAL, "could not make an eventfd: %m");
	if (queue->stop_fd < 0 || !interrupt_leftovers(queue, error) || !load_hold(queue, error))
	{
		job_queue_free(queue);
		return NULL;
	}
	job_queue_purge(queue);
	return queue;
}

void
job_queue_free(JobQueue *queue)
{
	if (queue == NULL)
		return;
	job_store_close(queue->store);
	if (queue->stop_fd >= 0)
		close(queue->stop_fd);
	pthread_cond_destroy(&queue->changed);
	pthread_mutex_destroy(&queue->lock);
	free(queue);
}

/* Make the id of a job: the time of the request, as existing clients expect it, with a number when
 * that id is taken. */
static bool
make_id(JobQueue *queue, Job *job, PgbrError *error)
{
	time_t seconds = (time_t) (job->requested_at / 1000);
	struct tm tm;
	char base[32];
	Job *other = memory_alloc(sizeof(*other));
	PgbrError reason = PGBR_ERROR_INIT;
	bool taken = true;

	gmtime_r(&seconds, &tm);
	strftime(base, sizeof(base), "%Y%m%dT%H%M%S", &tm);
	strcpy(job->id, base);
	for (int number = 2; other && taken; number++)
	{
		taken = job_store_find(queue->store, job->id, other, &reason);
		if (taken)
			snprintf(job->id, sizeof(job->id), "%s-%d", base, number);
	}
	if (other == NULL)
		return pgbr_error_set(error, PGBR_ERROR_INTERNAL, "out of memory");
	free(other);
	if (reason.code == PGBR_ERROR_NOT_FOUND)
		return true;
	*error = reason;
	return false;
}

typedef struct Waiting
{
	int jobs;
	int of_restores;
} Waiting;

static bool
count_one(const Job *job, void *argument)
{
	Waiting *waiting = argument;

	++*(job->request.restore[0] ? &waiting->of_restores : &waiting->jobs);
	return true;
}

/* The jobs of a restore have a limit of their own: other jobs wait until the restore ends, so they
 * must not block it. */
static bool
check_room(JobQueue *queue, bool of_restore, PgbrError *error)
{
	PgbrJobState queued = PGBR_STATE_QUEUED;
	Waiting waiting = {0};
	int count;

	if (!job_store_list(queue->store, &(JobFilter){.state = &queued}, count_one, &waiting, error))
		return false;
	count = of_restore ? waiting.of_restores : waiting.jobs;
	if (count < (of_restore ? RESTORE_JOBS_MOST : queue->max_queued))
		return true;
	pgbr_error_set(error, PGBR_ERROR_QUEUE_FULL, "%d jobs are waiting already", count);
	return pgbr_error_hint(error, "Wait until some have ended, or cancel some.");
}

/* Inside a transaction. */
static bool
accept_job(JobQueue *queue, const JobRequest *request, const char *key, const char *fingerprint,
		   Job *job, PgbrError *error)
{
	*job = (Job){.request = *request,
				 .state = PGBR_STATE_QUEUED,
				 .requested_at = clock_now_ms(),
				 .exit_code = -1};
	return check_room(queue, request->restore[0] != '\0', error) && make_id(queue, job, error) &&
		   job_store_insert(queue->store, job, key, fingerprint, error) &&
		   coalesce_queued_jobs(queue->store, error) &&
		   job_store_find(queue->store, job->id, job, error);
}

static bool
submit_locked(JobQueue *queue, const JobRequest *request, const char *holder, const char *key,
			  const char *fingerprint, Job *job, bool *repeated, PgbrError *error)
{
	bool allowed;

	*repeated = false;
	job_queue_give_up(queue);
	if (queue->stopping)
		return pgbr_error_set(error, PGBR_ERROR_UNAVAILABLE, "the sidecar is stopping");
	/* what was accepted before a restore began can still be asked about */
	allowed = restore_job_decide(request->restore, holder, &queue->hold, error);
	if (!allowed && request->restore[0])
		return false;
	if (key)
	{
		PgbrError reason;
		bool same = false;

		if (job_store_find_key(queue->store, key, fingerprint, job, &same, &reason))
		{
			*repeated = true;
			return same || pgbr_error_set(
							   error, PGBR_ERROR_INVALID_VALUE,
							   "Idempotency-Key was used for another request, job \"%s\"", job->id);
		}
		if (reason.code != PGBR_ERROR_NOT_FOUND)
		{
			*error = reason;
			return false;
		}
	}
	if (!allowed || !job_store_begin(queue->store, error))
		return false;
	if (!accept_job(queue, request, key, fingerprint, job, error))
	{
		job_store_rollback(queue->store);
		return false;
	}
	return job_store_commit(queue->store, error);
}

static void
log_accepted(const Job *job)
{
	const JobRequest *request = &job->request;
	bool is_backup = request->kind == PGBR_JOB_BACKUP;

	log_event(LOG_LEVEL_INFO, job->id, "accepted: %s%s%s for %s%s%s%s%s%s",
			  pgbr_job_kind_name(request->kind), is_backup ? " " : "",
			  is_backup ? pgbr_backup_type_name(request->type) : "", request->requested_by,
			  request->claimed_by[0] ? " (" : "", request->claimed_by,
			  request->claimed_by[0] ? ")" : "", job->covered_by[0] ? ", covered by " : "",
			  job->covered_by);
}

bool
job_queue_submit(JobQueue *queue, const JobRequest *request, const char *holder, const char *key,
				 Job *job, bool *repeated, PgbrError *error)
{
	json_t *json = job_request_json(request);
	StrBuf fingerprint;
	bool ok;

	strbuf_init(&fingerprint);
	if (json == NULL || !json_write(json, &fingerprint))
		ok = pgbr_error_set(error, PGBR_ERROR_INTERNAL, "out of memory");
	else
	{
		pthread_mutex_lock(&queue->lock);
		ok = submit_locked(queue, request, holder, key, fingerprint.data, job, repeated, error);
		/* before the runner can say that it has started */
		if (ok && !*repeated)
			log_accepted(job);
		if (ok)
			pthread_cond_broadcast(&queue->changed);
		pthread_mutex_unlock(&queue->lock);
	}
	json_decref(json);
	strbuf_done(&fingerprint);
	return ok;
}

/* How far the running job is, for it and for those it covers. */
static void
add_progress(const JobQueue *queue, Job *job)
{
	if (job->state == PGBR_STATE_RUNNING &&
		(strcmp(job->id, queue->running) == 0 || strcmp(job->covered_by, queue->running) == 0))
		job->progress = queue->progress;
}

static bool
get_locked(JobQueue *queue, const char *id, Job *job, PgbrError *error)
{
	if (!job_store_find(queue->store, id, job, error))
		return false;
	add_progress(queue, job);
	return true;
}

bool
job_queue_get(JobQueue *queue, const char *id, Job *job, PgbrError *error)
{
	bool ok;

	pthread_mutex_lock(&queue->lock);
	ok = get_locked(queue, id, job, error);
	pthread_mutex_unlock(&queue->lock);
	return ok;
}

bool
job_queue_wait(JobQueue *queue, const char *id, int seconds, bool (*is_gone)(void *argument),
			   void *argument, Job *job, PgbrError *error)
{
	int64_t deadline = clock_monotonic_ms() + (int64_t) seconds * 1000;
	PgbrJobState state;
	bool ok;

	pthread_mutex_lock(&queue->lock);
	ok = get_locked(queue, id, job, error);
	state = job->state;
	while (ok && job->state == state && !pgbr_job_state_is_final(state) && !queue->stopping &&
		   clock_monotonic_ms() < deadline)
	{
		int64_t until = clock_monotonic_ms() + RETRY_MS;

		if (!condition_wait_until(&queue->changed, &queue->lock,
								  until < deadline ? until : deadline))
		{
			bool gone;

			pthread_mutex_unlock(&queue->lock);
			gone = is_gone && is_gone(argument);
			pthread_mutex_lock(&queue->lock);
			if (gone)
				break;
		}
		ok = get_locked(queue, id, job, error);
	}
	pthread_mutex_unlock(&queue->lock);
	return ok;
}

typedef struct ListArgument
{
	JobQueue *queue;
	JobVisitor visit;
	void *argument;
} ListArgument;

static bool
visit_with_progress(const Job *job, void *argument)
{
	ListArgument *list = argument;
	Job *copy = memory_alloc(sizeof(*copy));
	bool go_on;

	if (copy == NULL)
		return false;
	*copy = *job;
	add_progress(list->queue, copy);
	go_on = list->visit(copy, list->argument);
	free(copy);
	return go_on;
}

bool
job_queue_list(JobQueue *queue, const JobFilter *filter, JobVisitor visit, void *argument,
			   PgbrError *error)
{
	ListArgument list = {queue, visit, argument};
	bool ok;

	pthread_mutex_lock(&queue->lock);
	ok = job_store_list(queue->store, filter, visit_with_progress, &list, error);
	pthread_mutex_unlock(&queue->lock);
	return ok;
}

static bool
cancel_locked(JobQueue *queue, const char *id, Job *job, PgbrError *error)
{
	if (!get_locked(queue, id, job, error))
		return false;
	if (pgbr_job_state_is_final(job->state))
		return pgbr_error_set(error, PGBR_ERROR_CONFLICT, "job \"%s\" has already ended: %s", id,
							  pgbr_job_state_name(job->state));
	if (job->state == PGBR_STATE_RUNNING && job->covered_by[0] == '\0')
	{
		queue->cancelled = true;
		signal_stop(queue);
		return true;
	}
	job->state = PGBR_STATE_CANCELLED;
	job->finished_at = clock_now_ms();
	return coalesced_jobs_change(queue->store, job, error);
}

bool
job_queue_cancel(JobQueue *queue, const char *id, Job *job, PgbrError *error)
{
	bool ok;

	pthread_mutex_lock(&queue->lock);
	ok = cancel_locked(queue, id, job, error);
	if (ok)
		pthread_cond_broadcast(&queue->changed);
	pthread_mutex_unlock(&queue->lock);
	if (ok)
		log_event(LOG_LEVEL_INFO, id,
				  job->state == PGBR_STATE_CANCELLED ? "cancelled" : "is asked to stop");
	return ok;
}

bool
job_queue_check(JobQueue *queue, PgbrError *error)
{
	bool ok;

	pthread_mutex_lock(&queue->lock);
	ok = job_store_check(queue->store, error) && check_room(queue, false, error);
	pthread_mutex_unlock(&queue->lock);
	return ok;
}

void
job_queue_stop(JobQueue *queue)
{
	pthread_mutex_lock(&queue->lock);
	queue->stopping = true;
	signal_stop(queue);
	pthread_cond_broadcast(&queue->changed);
	pthread_mutex_unlock(&queue->lock);
}

bool
job_queue_stopping(JobQueue *queue)
{
	bool stopping;

	pthread_mutex_lock(&queue->lock);
	stopping = queue->stopping;
	pthread_mutex_unlock(&queue->lock);
	return stopping;
}
