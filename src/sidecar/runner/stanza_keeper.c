/*
 * stanza_keeper.c
 *		See stanza_keeper.h.
 */
#include "sidecar/runner/stanza_keeper.h"

#include "program/clock.h"
#include "program/condition.h"
#include "program/log.h"
#include "sidecar/pgbackrest/other_stanza.h"
#include "sidecar/postgres/member_memory.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* Between two looks, doubling from the first to the most: at PostgreSQL, at the repository, and
 * after a stanza-create that has not made it usable, which costs the most. In ms. */
#define LOOK_FIRST_MS 100
#define LOOK_MOST_MS  2000
#define ASK_MOST_MS	  30000
#define RETRY_MOST_MS 600000
#define INFO_S		  300

struct StanzaKeeper
{
	pthread_t thread;
	bool started;
	const SidecarConfig *config;
	JobQueue *queue;
	InfoCache *cache;
	int stop_fd;
	bool created;		  /* of the thread: a stanza-create has succeeded */
	pthread_mutex_t lock; /* guards all below */
	pthread_cond_t stop;
	bool stopping;
	bool ready;
	char reason[STANZA_REASON_SIZE];
};

bool
stanza_is_absent(const Node *node, const InfoSnapshot *info)
{
	return node->running && !info->failed && info->stanza.repo_missing > 0 &&
		   info->stanza.system_id[0] == '\0';
}

StanzaStep
stanza_decide(const Node *node, const InfoSnapshot *info, const char *name, const char *other,
			  char *reason, size_t size)
{
	const PgbackrestStanza *stanza = &info->stanza;

	if (!node->running)
	{
		snprintf(reason, size,
				 "waiting for PostgreSQL: %s; its socket and port are those of --pg-conninfo",
				 node->error);
		return STANZA_WAIT;
	}
	if (info->failed)
	{
		snprintf(reason, size, "%s: %s", info->error, info->message);
		return STANZA_WAIT;
	}
	/* one that can't be read does not keep the others from being used */
	if (stanza->repo_missing == 0 && stanza->archive_repo && stanza->system_id[0])
	{
		if (strcmp(stanza->system_id, node->system_identifier) == 0)
		{
			snprintf(reason, size, "ok");
			return STANZA_READY;
		}
		snprintf(reason, size,
				 "the stanza belongs to the database cluster with system identifier %s, this one "
				 "is %s",
				 stanza->system_id, node->system_identifier);
		return STANZA_WAIT;
	}
	if (stanza->repo_failed > 0 && stanza->repo_missing == 0)
	{
		snprintf(reason, size, "waiting for the repository: %s", stanza->repo_message);
		return STANZA_WAIT;
	}
	if (other[0])
	{
		snprintf(
			reason, size,
			"the repository has this database cluster as stanza \"%s\": is \"%s\" a typo? If it "
			"is not, create the stanza by hand: pgbackrest --stanza=%s stanza-create",
			other, name, name);
		return STANZA_WAIT;
	}
	if (node->is_standby)
	{
		snprintf(reason, size, "waiting for the primary's sidecar to create the stanza: %s",
				 stanza->repo_message);
		return STANZA_WAIT;
	}
	snprintf(reason, size, "creating the stanza: %s", stanza->repo_message);
	return STANZA_CREATE;
}

StanzaStep
stanza_decide_repository(const InfoSnapshot *info, char *reason, size_t size)
{
	const PgbackrestStanza *stanza = &info->stanza;

	if (info->failed)
	{
		snprintf(reason, size, "%s: %s", info->error, info->message);
		return STANZA_WAIT;
	}
	if (stanza->repo_missing == 0 && stanza->archive_repo && stanza->system_id[0])
	{
		snprintf(reason, size, "ok");
		return STANZA_READY;
	}
	if (stanza->repo_failed > 0 && stanza->repo_missing == 0)
	{
		snprintf(reason, size, "waiting for the repository: %s", stanza->repo_message);
		return STANZA_WAIT;
	}
	snprintf(reason, size, "creating the stanza: %s", stanza->repo_message);
	return STANZA_CREATE;
}

static void
set_state(StanzaKeeper *keeper, bool ready, const char *reason)
{
	bool changed;

	pthread_mutex_lock(&keeper->lock);
	changed = strcmp(keeper->reason, reason) != 0;
	keeper->ready = ready;
	pgbr_copy_text(keeper->reason, sizeof(keeper->reason), reason);
	pthread_mutex_unlock(&keeper->lock);
	if (changed)
		log_event(LOG_LEVEL_INFO, NULL, "stanza: %s", reason);
}

bool
stanza_keeper_state(StanzaKeeper *keeper, char *reason, size_t size)
{
	bool ready;

	pthread_mutex_lock(&keeper->lock);
	ready = keeper->ready;
	pgbr_copy_text(reason, size, keeper->reason);
	pthread_mutex_unlock(&keeper->lock);
	return ready;
}

/* False when the keeper is stopping. */
static bool
pause_for(StanzaKeeper *keeper, int ms)
{
	int64_t until_ms = clock_monotonic_ms() + ms;
	bool stopping;

	pthread_mutex_lock(&keeper->lock);
	while (!keeper->stopping && condition_wait_until(&keeper->stop, &keeper->lock, until_ms))
		;
	stopping = keeper->stopping;
	pthread_mutex_unlock(&keeper->lock);
	return !stopping;
}

static bool
is_stopping(void *argument)
{
	return job_queue_stopping(((StanzaKeeper *) argument)->queue);
}

/* Have the stanza created, and wait for that. False when it failed; reason says why. */
static bool
create_stanza(StanzaKeeper *keeper, char *reason, size_t size)
{
	JobRequest request = {.kind = PGBR_JOB_STANZA_CREATE};
	Job *job = malloc(sizeof(*job));
	PgbrError error = PGBR_ERROR_INIT;
	bool repeated;
	bool ok;

	strcpy(request.requested_by, "pgbackrest_sidecar");
	strcpy(request.reason, "the stanza is missing");
	ok = job && job_queue_submit(keeper->queue, &request, "", NULL, job, &repeated, &error);
	while (ok && !pgbr_job_state_is_final(job->state) && !is_stopping(keeper))
		ok = job_queue_wait(keeper->queue, job->id, 60, is_stopping, keeper, job, &error);
	if (!ok)
		snprintf(reason, size, "could not ask for a stanza-create: %s", error.message);
	else if (job->state != PGBR_STATE_SUCCEEDED)
		snprintf(reason, size, "stanza-create %s: %s: %s%s%s", pgbr_job_state_name(job->state),
				 job->error, job->message, job->hint[0] ? ". " : "", job->hint);
	ok = ok && job->state == PGBR_STATE_SUCCEEDED;
	free(job);
	return ok;
}

/* One look. Gives the time until the next in ms, or 0 when the stanza is usable. */
static int
look(StanzaKeeper *keeper, int *pause_ms)
{
	Node node;
	InfoSnapshot info = {0};
	char reason[STANZA_REASON_SIZE];
	char other[OTHER_STANZA_SIZE] = "";
	StanzaStep step;
	int most_ms;

	bool is_member = !keeper->config->repository_host;

	node_read(keeper->config, keeper->stop_fd, &node);
	if (node.running)
		node_remember(keeper->config, keeper->queue, &node);
	if (node.running || !is_member)
		info_cache_wait(keeper->cache, info_cache_refresh(keeper->cache), INFO_S, is_stopping,
						keeper);
	info_cache_get(keeper->cache, &info);
	if (stanza_is_absent(&node, &info))
		other_stanza_ask(keeper->config, keeper->stop_fd, node.system_identifier, other);
	step = is_member
			   ? stanza_decide(&node, &info, keeper->config->stanza, other, reason, sizeof(reason))
			   : stanza_decide_repository(&info, reason, sizeof(reason));
	info_snapshot_done(&info);
	set_state(keeper, step == STANZA_READY, reason);
	if (step == STANZA_READY)
		return 0;
	if (step == STANZA_CREATE && !create_stanza(keeper, reason, sizeof(reason)))
		set_state(keeper, false, reason);
	else if (step == STANZA_CREATE && !keeper->created)
	{
		/* the next look should find it; where it does not, once more is as good as a failure */
		keeper->created = true;
		*pause_ms = 0;
	}
	most_ms = is_member && !node.running ? LOOK_MOST_MS
			  : step == STANZA_WAIT		 ? ASK_MOST_MS
										 : RETRY_MOST_MS;
	*pause_ms = *pause_ms ? *pause_ms * 2 : LOOK_FIRST_MS;
	if (*pause_ms > most_ms)
		*pause_ms = most_ms;
	return *pause_ms;
}

static void *
keep(void *argument)
{
	StanzaKeeper *keeper = argument;
	int backoff = 0;
	int pause_ms;

	do
		pause_ms = look(keeper, &backoff);
	while (pause_ms > 0 && pause_for(keeper, pause_ms));
	return NULL;
}

StanzaKeeper *
stanza_keeper_new(const SidecarConfig *config, JobQueue *queue, InfoCache *cache, PgbrError *error)
{
	StanzaKeeper *keeper = calloc(1, sizeof(*keeper));

	if (keeper == NULL)
	{
		pgbr_error_set(error, PGBR_ERROR_INTERNAL, "out of memory");
		return NULL;
	}
	keeper->config = config;
	keeper->queue = queue;
	keeper->cache = cache;
	strcpy(keeper->reason, "starting");
	pthread_mutex_init(&keeper->lock, NULL);
	condition_init(&keeper->stop);
	keeper->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (keeper->stop_fd >= 0)
		return keeper;
	pgbr_error_set(error, PGBR_ERROR_INTERNAL, "could not make an eventfd: %m");
	free(keeper);
	return NULL;
}

bool
stanza_keeper_start(StanzaKeeper *keeper, PgbrError *error)
{
	keeper->started = pthread_create(&keeper->thread, NULL, keep, keeper) == 0;
	return keeper->started ||
		   pgbr_error_set(error, PGBR_ERROR_INTERNAL, "could not start a thread");
}

void
stanza_keeper_stop(StanzaKeeper *keeper)
{
	pthread_mutex_lock(&keeper->lock);
	keeper->stopping = true;
	(void) !write(keeper->stop_fd, &(uint64_t){1}, sizeof(uint64_t));
	pthread_cond_signal(&keeper->stop);
	pthread_mutex_unlock(&keeper->lock);
	if (keeper->started)
		pthread_join(keeper->thread, NULL);
}

void
stanza_keeper_free(StanzaKeeper *keeper)
{
	if (keeper == NULL)
		return;
	close(keeper->stop_fd);
	pthread_cond_destroy(&keeper->stop);
	pthread_mutex_destroy(&keeper->lock);
	free(keeper);
}
