/*
 * info_cache.c
 *		See info_cache.h.
 */
#include "sidecar/pgbackrest/info_cache.h"

#include "common/visible.h"
#include "program/clock.h"
#include "program/condition.h"
#include "program/json.h"
#include "program/log.h"
#include "sidecar/pgbackrest/command_line.h"
#include "sidecar/pgbackrest/pgbackrest_ask.h"
#include "program/retention_settings.h"
#include "sidecar/pgbackrest/remote_backup.h"
#include "sidecar/pgbackrest/retention_info.h"
#include "sidecar/pgbackrest/version.h"

#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* Of pgbackrest info: with a store that does not answer it takes 240 s by itself. */
#define TIMEOUT_MS 300000
#define LOOK_MS	   1000 /* between questions whether anybody still waits */

struct InfoCache
{
	pthread_t thread;
	bool started;
	const SidecarConfig *config;
	int stop_fd;
	pthread_mutex_t lock; /* guards all below */
	pthread_cond_t changed;
	bool stopping;
	uint64_t requested; /* the newest ticket */
	uint64_t served;	/* every ticket up to this has been answered */
	InfoSnapshot now;	/* age_ms is made for each reader */
	int64_t fetched_monotonic;
};

void
info_snapshot_done(InfoSnapshot *snapshot)
{
	info_document_release(snapshot->document);
	info_document_release(snapshot->retention);
	snapshot->document = NULL;
	snapshot->retention = NULL;
}

static void
info_fail(InfoSnapshot *result, int exit_code, const char *error, const char *message,
		  const char *hint)
{
	result->failed = true;
	result->exit_code = exit_code;
	pgbr_copy_text(result->error, sizeof(result->error), error);
	pgbr_copy_text(result->message, sizeof(result->message), message);
	pgbr_copy_text(result->hint, sizeof(result->hint), hint ? hint : "");
}

/* Why pgbackrest gave no answer. */
static void
fail_with_answer(InfoSnapshot *result, const PgbackrestAnswer *answer, const PgbrError *error)
{
	if (answer->killed)
		info_fail(result, -1, "killed", error->message, NULL);
	else if (answer->exit_code > 0)
		info_fail(result, answer->exit_code, pgbackrest_error_name(answer->exit_code),
				  error->message, error->hint);
	else
		info_fail(result, -1, pgbr_error_code_name(error->code), error->message,
				  error->code == PGBR_ERROR_TOO_LARGE
					  ? "Have backups expire. docs/reference/sidecar.md, Limits, "
						"says how many the sidecar can show."
					  : error->hint);
}

static void
read_document(InfoCache *cache, StrBuf *text, InfoSnapshot *result)
{
	PgbrError error;
	json_t *document = json_parse(text->data, text->length, &error);
	char message[1100];
	StrBuf retention;

	if (document == NULL)
	{
		snprintf(message, sizeof(message), "could not use what pgbackrest info printed: %s",
				 error.message);
		info_fail(result, 0, "protocol", message, NULL);
		return;
	}
	if (!pgbackrest_read_info(document, cache->config->stanza, &result->stanza, &error))
		info_fail(result, 0, pgbr_error_code_name(error.code), error.message, error.hint);
	else
	{
		strbuf_init(&retention);
		retention_info_write(cache->config, document, &retention, &result->pinned);
		/* it is passed on as it is, and a repository may say anything in it */
		pgbr_make_visible_json(text);
		if (!text->failed)
			result->document = info_document_new(text->data, text->length);
		if (!retention.failed)
			result->retention = info_document_new(retention.data, retention.length);
		strbuf_done(&retention);
		if (result->document == NULL || result->retention == NULL)
		{
			info_snapshot_done(result);
			info_fail(result, 0, "internal", "out of memory", NULL);
		}
	}
	json_decref(document);
}

/* Only where every repository is on another host pgbackrest is asked for its version. */
static void
read_refusal(const SidecarConfig *config, InfoSnapshot *result)
{
	PgbackrestFile file = PGBACKREST_FILE_INIT;
	PgbrError error;
	char version[PGBACKREST_VERSION_SIZE];

	if (retention_files_read(config->pgbackrest_config, &file, &error) &&
		remote_backup_is_all(&file, config->stanza))
	{
		pgbackrest_version_read(config, version);
		(void) remote_backup_is_refused(&file, config->stanza, version, result->refusal,
										sizeof(result->refusal));
	}
	pgbackrest_file_done(&file);
}

/* Ask pgbackrest. The result has either a document or failed set. */
static void
fetch(InfoCache *cache, InfoSnapshot *result)
{
	const PgbackrestLimits limits = {NULL, TIMEOUT_MS, INFO_MAX_BYTES, cache->stop_fd};
	Command command;
	PgbackrestAnswer answer;
	PgbrError error;

	/* WAL that is archived while pgbackrest lists it may be missing from what it says */
	*result = (InfoSnapshot){.exit_code = -1, .fetched_at = clock_now_ms()};
	pgbackrest_info_command(cache->config, &command);
	if (pgbackrest_ask(&command, &limits, &answer, &error))
	{
		read_document(cache, &answer.text, result);
		read_refusal(cache->config, result);
	}
	else
		fail_with_answer(result, &answer, &error);
	pgbackrest_answer_done(&answer);
	/* a parsed document takes ten times its text, and is gone again until the next refresh */
	malloc_trim(0);
}

/* Log a failure when it is new, and its end. */
static void
report(const InfoSnapshot *before, const InfoSnapshot *after)
{
	if (after->failed && (!before->failed || strcmp(before->message, after->message) != 0))
		log_event(LOG_LEVEL_ERROR, NULL, "could not refresh the backup information: %s: %s",
				  after->error, after->message);
	else if (before->failed && !after->failed)
		log_event(LOG_LEVEL_INFO, NULL, "the backup information is up to date again");
}

static void
store(InfoCache *cache, InfoSnapshot *result)
{
	report(&cache->now, result);
	result->refreshes = cache->now.refreshes + 1;
	result->refresh_errors = cache->now.refresh_errors + (result->document ? 0 : 1);
	if (result->document)
	{
		/* a repository that can't be read does not tell its pins */
		if (result->stanza.repo_failed && cache->now.pinned)
			result->pinned = true;
		info_snapshot_done(&cache->now);
		cache->now = *result;
		cache->fetched_monotonic = clock_monotonic_ms();
		return;
	}
	cache->now.refreshes = result->refreshes;
	cache->now.refresh_errors = result->refresh_errors;
	cache->now.failed = true;
	cache->now.exit_code = result->exit_code;
	strcpy(cache->now.error, result->error);
	strcpy(cache->now.message, result->message);
	strcpy(cache->now.hint, result->hint);
}

static void *
refresh_on(void *argument)
{
	InfoCache *cache = argument;

	pthread_mutex_lock(&cache->lock);
	while (!cache->stopping)
	{
		int64_t due = clock_monotonic_ms() + (int64_t) cache->config->info_interval * 1000;
		uint64_t ticket = cache->requested;
		InfoSnapshot result;

		pthread_mutex_unlock(&cache->lock);
		fetch(cache, &result);
		pthread_mutex_lock(&cache->lock);
		if (cache->stopping)
			info_snapshot_done(&result);
		else
			store(cache, &result);
		cache->served = ticket;
		pthread_cond_broadcast(&cache->changed);
		while (!cache->stopping && cache->requested == ticket &&
			   condition_wait_until(&cache->changed, &cache->lock, due))
			;
	}
	pthread_mutex_unlock(&cache->lock);
	return NULL;
}

InfoCache *
info_cache_new(const SidecarConfig *config, PgbrError *error)
{
	InfoCache *cache = calloc(1, sizeof(*cache));

	if (cache == NULL)
	{
		pgbr_error_set(error, PGBR_ERROR_INTERNAL, "out of memory");
		return NULL;
	}
	cache->config = config;
	cache->requested = INFO_FIRST_TICKET;
	pthread_mutex_init(&cache->lock, NULL);
	condition_init(&cache->changed);
	cache->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (cache->stop_fd >= 0)
		return cache;
	pgbr_error_set(error, PGBR_ERROR_INTERNAL, "could not make an eventfd: %m");
	free(cache);
	return NULL;
}

bool
info_cache_start(InfoCache *cache, PgbrError *error)
{
	cache->started = pthread_create(&cache->thread, NULL, refresh_on, cache) == 0;
	return cache->started || pgbr_error_set(error, PGBR_ERROR_INTERNAL, "could not start a thread");
}

void
info_cache_stop(InfoCache *cache)
{
	pthread_mutex_lock(&cache->lock);
	cache->stopping = true;
	(void) !write(cache->stop_fd, &(uint64_t){1}, sizeof(uint64_t));
	pthread_cond_broadcast(&cache->changed);
	pthread_mutex_unlock(&cache->lock);
	if (cache->started)
		pthread_join(cache->thread, NULL);
}

void
info_cache_free(InfoCache *cache)
{
	if (cache == NULL)
		return;
	info_snapshot_done(&cache->now);
	close(cache->stop_fd);
	pthread_cond_destroy(&cache->changed);
	pthread_mutex_destroy(&cache->lock);
	free(cache);
}

void
info_cache_get(InfoCache *cache, InfoSnapshot *snapshot)
{
	pthread_mutex_lock(&cache->lock);
	*snapshot = cache->now;
	if (snapshot->document)
	{
		info_document_retain(snapshot->document);
		info_document_retain(snapshot->retention);
		snapshot->age_ms = clock_monotonic_ms() - cache->fetched_monotonic;
	}
	pthread_mutex_unlock(&cache->lock);
}

uint64_t
info_cache_refresh(InfoCache *cache)
{
	uint64_t ticket;

	pthread_mutex_lock(&cache->lock);
	ticket = ++cache->requested;
	pthread_cond_broadcast(&cache->changed);
	pthread_mutex_unlock(&cache->lock);
	return ticket;
}

bool
info_cache_wait(InfoCache *cache, uint64_t ticket, int seconds, bool (*is_gone)(void *argument),
				void *argument)
{
	int64_t deadline = clock_monotonic_ms() + (int64_t) seconds * 1000;
	bool served;

	pthread_mutex_lock(&cache->lock);
	while (!(served = cache->served >= ticket) && !cache->stopping)
	{
		int64_t now = clock_monotonic_ms();
		bool gone;

		if (now >= deadline)
			break;
		if (condition_wait_until(&cache->changed, &cache->lock,
								 now + LOOK_MS < deadline ? now + LOOK_MS : deadline))
			continue;
		pthread_mutex_unlock(&cache->lock);
		gone = is_gone && is_gone(argument);
		pthread_mutex_lock(&cache->lock);
		if (gone)
			break;
	}
	pthread_mutex_unlock(&cache->lock);
	return served;
}
