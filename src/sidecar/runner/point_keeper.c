/*
 * point_keeper.c
 *		See point_keeper.h.
 */
#include "sidecar/runner/point_keeper.h"

#include "common/memory.h"
#include "common/recovery_target.h"
#include "program/clock.h"
#include "program/condition.h"
#include "program/log.h"
#include "program/pgbackrest_info.h"
#include "program/point_note.h"
#include "sidecar/queue/queue_facts.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Between two tries, doubling. */
#define RETRY_FIRST_MS 2000
#define RETRY_MOST_MS  300000

/* The remembered number of the last point that is noted, or needs no note. */
#define NOTED_FACT "restore_points_noted"

struct PointKeeper
{
	pthread_t thread;
	const char *stanza;
	JobQueue *queue;
	InfoCache *cache;
	pthread_mutex_t lock; /* guards all below */
	pthread_cond_t changed;
	bool stopping;
	bool wanted; /* a look */
};

static void
note_of(const RestorePoint *point, PointNote *note)
{
	*note = (PointNote){.timeline = (uint32_t) point->timeline,
						.time_ms = point->time,
						.xid = strtoull(point->xid, NULL, 10)};
	(void) recovery_lsn_parse(point->lsn, &note->lsn);
	strcpy(note->name, point->name);
}

/* The last full backup of a repository that had ended by then; false: there is none. */
static bool
find_carrier(const json_t *stanza, int repo, int64_t time_ms, InfoBackup *carrier)
{
	InfoBackup backup;
	bool found = false;

	for (size_t i = 0; info_backup_at(stanza, i, &backup); i++)
	{
		if (backup.repo != repo || backup.label == NULL || strchr(backup.label, '_') ||
			!pgbr_is_backup_label(backup.label) || info_time(backup.stop) == 0 ||
			info_time(backup.stop) * 1000 > time_ms)
			continue;
		*carrier = backup;
		found = true;
	}
	return found;
}

static int
compare_keys(const void *a, const void *b)
{
	return strcmp(*(const char *const *) a, *(const char *const *) b);
}

/* Have the oldest go that are too many together with the new ones. */
static void
remove_oldest(const InfoBackup *backup, json_t *annotations)
{
	size_t most = json_object_size(backup->annotations);
	const char **keys = memory_alloc((most + 1) * sizeof(*keys));
	size_t count = 0;
	size_t added = json_object_size(annotations);
	const char *key;
	json_t *value;

	if (keys == NULL)
		return;
	json_object_foreach((json_t *) backup->annotations, key, value)
	{
		PointNote note;

		if (json_is_string(value) && point_note_read(key, json_string_value(value), &note))
			keys[count++] = key;
	}
	if (count > 0)
		qsort(keys, count, sizeof(*keys), compare_keys);
	for (size_t i = 0; i < count && i < added && count - i + added > POINTS_PER_BACKUP; i++)
		json_object_set_new(annotations, keys[i], json_string(""));
	free(keys);
}

/* The points that one backup of a repository lacks. */
static void
plan_repository(const json_t *stanza, int repo, const RestorePoint *points, size_t count,
				PointPlan *plan)
{
	json_t *annotations = json_object();
	InfoBackup chosen = {0};

	for (size_t i = 0; annotations && i < count; i++)
	{
		char key[POINT_NOTE_KEY_SIZE];
		char value[POINT_NOTE_VALUE_SIZE];
		InfoBackup carrier;
		PointNote note;

		note_of(&points[i], &note);
		point_note_write(&note, key, value);
		if (!find_carrier(stanza, repo, points[i].time, &carrier) ||
			info_annotation(&carrier, key) ||
			(chosen.label && strcmp(chosen.label, carrier.label) != 0))
			continue;
		chosen = carrier;
		json_object_set_new(annotations, key, json_string(value));
	}
	if (chosen.label == NULL)
	{
		json_decref(annotations);
		return;
	}
	remove_oldest(&chosen, annotations);
	plan->repo = repo;
	pgbr_copy_text(plan->label, sizeof(plan->label), chosen.label);
	plan->annotations = annotations;
}

void
point_plan(const json_t *stanza, const RestorePoint *points, size_t count, PointPlan *plan)
{
	InfoRepo repo;

	*plan = (PointPlan){0};
	for (size_t i = 0; plan->annotations == NULL && info_repo_at(stanza, i, &repo); i++)
	{
		if (!pgbackrest_repo_is_readable(&repo))
			plan->unknown = true;
		else if (repo.key >= 1 && repo.key <= PGBR_REPO_MAX)
			plan_repository(stanza, (int) repo.key, points, count, plan);
	}
}

typedef struct PointList
{
	RestorePoint points[POINT_BATCH];
	size_t count;
} PointList;

static void
append_point(const RestorePoint *point, void *argument)
{
	PointList *list = argument;

	list->points[list->count++] = *point;
}

static bool
is_stopping(void *argument)
{
	return job_queue_stopping(((PointKeeper *) argument)->queue);
}

/* Give a backup its annotations. False when that has failed. */
static bool
annotate(PointKeeper *keeper, const PointPlan *plan)
{
	JobRequest request = {.kind = PGBR_JOB_ANNOTATE, .repo = plan->repo};
	Job *job = memory_alloc(sizeof(*job));
	PgbrError error = PGBR_ERROR_INIT;
	bool repeated;
	size_t length = json_dumpb(plan->annotations, request.annotations,
							   sizeof(request.annotations) - 1, JSON_COMPACT | JSON_SORT_KEYS);
	bool ok = job != NULL && length < sizeof(request.annotations);

	strcpy(request.set, plan->label);
	strcpy(request.requested_by, "pgbackrest_sidecar");
	strcpy(request.reason, "restore points are kept with the backup");
	ok = ok && job_queue_submit(keeper->queue, &request, "", NULL, job, &repeated, &error);
	while (ok && !pgbr_job_state_is_final(job->state) && !is_stopping(keeper))
		ok = job_queue_wait(keeper->queue, job->id, 60, is_stopping, keeper, job, &error);
	if (!ok && error.code != PGBR_ERROR_NONE)
		log_repeated_error("restore points that could not be noted",
						   "could not keep restore points with their backup", &error);
	ok = ok && job->state == PGBR_STATE_SUCCEEDED;
	free(job);
	return ok;
}

/* One look at the oldest points that are not known to be noted. True when there are no more;
 * *again: there may be, and nothing stands in the way of them. */
static bool
look(PointKeeper *keeper, bool *again)
{
	PointList list = {.count = 0};
	InfoSnapshot info;
	PgbrError error;
	json_t *document = NULL;
	PointPlan plan = {.unknown = true};
	char noted[FACT_SIZE];

	*again = false;
	job_queue_recall(keeper->queue, NOTED_FACT, noted, sizeof(noted));
	if (!job_queue_points_after(keeper->queue, strtoll(noted, NULL, 10), POINT_BATCH, append_point,
								&list, &error))
		return false;
	if (list.count == 0)
		return true;
	info_cache_get(keeper->cache, &info);
	if (info.document && !info.failed)
		document = info_document_parse(info.document, &error);
	info_snapshot_done(&info);
	if (document)
		point_plan(info_find_stanza(document, keeper->stanza), list.points, list.count, &plan);
	json_decref(document);
	if (plan.annotations)
		*again = annotate(keeper, &plan);
	else if (!plan.unknown)
	{
		snprintf(noted, sizeof(noted), "%lld", (long long) list.points[list.count - 1].seq);
		job_queue_remember(keeper->queue, NOTED_FACT, noted);
		*again = true;
	}
	json_decref(plan.annotations);
	return false;
}

/* Wait until a look is wanted, or until some ms have passed; without end when ms is negative. False
 * when the keeper is stopping. */
static bool
wait_for_look(PointKeeper *keeper, int64_t ms)
{
	int64_t until_ms = clock_monotonic_ms() + ms;
	bool goes_on;

	pthread_mutex_lock(&keeper->lock);
	while (!keeper->stopping && !keeper->wanted)
	{
		if (ms < 0)
			pthread_cond_wait(&keeper->changed, &keeper->lock);
		else if (!condition_wait_until(&keeper->changed, &keeper->lock, until_ms))
			break;
	}
	keeper->wanted = false;
	goes_on = !keeper->stopping;
	pthread_mutex_unlock(&keeper->lock);
	return goes_on;
}

static void *
keep_points(void *argument)
{
	PointKeeper *keeper = argument;
	int64_t retry_ms = RETRY_FIRST_MS;
	int64_t wait_ms = 0;

	/* the first look is for what an earlier sidecar has left */
	while (wait_for_look(keeper, wait_ms))
	{
		bool again;

		if (look(keeper, &again))
			wait_ms = -1;
		else if (again)
			wait_ms = 0;
		else
		{
			wait_ms = retry_ms;
			retry_ms = retry_ms * 2 < RETRY_MOST_MS ? retry_ms * 2 : RETRY_MOST_MS;
			continue;
		}
		retry_ms = RETRY_FIRST_MS;
	}
	return NULL;
}

PointKeeper *
point_keeper_start(const SidecarConfig *config, JobQueue *queue, InfoCache *cache, PgbrError *error)
{
	PointKeeper *keeper = calloc(1, sizeof(*keeper));

	if (keeper == NULL)
	{
		pgbr_error_set(error, PGBR_ERROR_INTERNAL, "out of memory");
		return NULL;
	}
	keeper->stanza = config->stanza;
	keeper->queue = queue;
	keeper->cache = cache;
	pthread_mutex_init(&keeper->lock, NULL);
	condition_init(&keeper->changed);
	if (pthread_create(&keeper->thread, NULL, keep_points, keeper) == 0)
		return keeper;
	pgbr_error_set(error, PGBR_ERROR_INTERNAL, "could not start a thread");
	free(keeper);
	return NULL;
}

void
point_keeper_look(PointKeeper *keeper)
{
	pthread_mutex_lock(&keeper->lock);
	keeper->wanted = true;
	pthread_cond_signal(&keeper->changed);
	pthread_mutex_unlock(&keeper->lock);
}

void
point_keeper_stop(PointKeeper *keeper)
{
	if (keeper == NULL)
		return;
	pthread_mutex_lock(&keeper->lock);
	keeper->stopping = true;
	pthread_cond_signal(&keeper->changed);
	pthread_mutex_unlock(&keeper->lock);
	pthread_join(keeper->thread, NULL);
}

void
point_keeper_free(PointKeeper *keeper)
{
	if (keeper == NULL)
		return;
	pthread_cond_destroy(&keeper->changed);
	pthread_mutex_destroy(&keeper->lock);
	free(keeper);
}
