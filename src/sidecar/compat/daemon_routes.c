/*
 * daemon_routes.c
 *		The routes of pgskipper's backup daemon, as its clients know them. Where it answered what it
 *		did not know, this says what is so, and null where it knows nothing either.
 */
#include "sidecar/compat/handlers.h"

#include "common/memory.h"
#include "program/clock.h"
#include "program/json.h"
#include "program/pgbackrest_info.h"
#include "sidecar/compat/compat.h"
#include "sidecar/compat/compat_answer.h"
#include "sidecar/compat/vault.h"
#include "sidecar/pgbackrest/repo_space.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MAX_JOBS	  1000 /* the newest that are looked at */
#define MAX_SAME_TIME 1000 /* backups of one minute */

/* json.dumps of the daemon puts a blank after colons and commas; some clients match text. */
static void
answer_json(HttpResponse *response, int status, json_t *value)
{
	char *text = value ? json_dumps(value, 0) : NULL;

	response->status = text ? status : 500;
	strbuf_puts(&response->body, text ? text : "");
	free(text);
	json_decref(value);
}

/* Ids of the daemon are made of the minute; the second of one minute has a number. */
static void
make_id(int64_t now, int number, char *id, size_t size)
{
	time_t seconds = (time_t) (now / 1000);
	struct tm tm;
	char minute[32];

	gmtime_r(&seconds, &tm);
	strftime(minute, sizeof(minute), "%Y%m%dT%H%M", &tm);
	if (number > 1)
		snprintf(id, size, "%s-%d", minute, number);
	else
		snprintf(id, size, "%s", minute);
}

/* Accept a backup under an id that no other has: the Idempotency-Key is what keeps them apart. */
static bool
submit(Sidecar *sidecar, const HttpRequest *request, PgbrBackupType type, char *id, Job *job,
	   HttpResponse *response, PgbrError *error)
{
	int64_t now = clock_now_ms();
	JobRequest *wanted = memory_alloc(sizeof(*wanted));
	bool repeated = true;
	bool ok = wanted != NULL;

	pgbr_error_set(error, PGBR_ERROR_INTERNAL, "out of memory");
	for (int number = 1; ok && repeated && number < MAX_SAME_TIME; number++)
	{
		char key[JOB_ID_SIZE + 16];

		make_id(now, number, id, JOB_ID_SIZE);
		snprintf(key, sizeof(key), "daemon:%s", id);
		ok = compat_make_request(type, id, "daemon", wanted, error) &&
			 job_request_from(wanted, &request->caller) &&
			 job_queue_submit(sidecar->queue, wanted, "", key, job, &repeated, error);
		/* another type was asked for in the same minute */
		if (!ok && error->code == PGBR_ERROR_INVALID_VALUE)
			ok = repeated = true;
	}
	free(wanted);
	if (ok && repeated)
		return pgbr_error_set(error, PGBR_ERROR_QUEUE_FULL, "too many backups in one minute");
	if (ok)
		http_concerns(response, job);
	return ok;
}

static int
count_waiting(Sidecar *sidecar)
{
	JobSummary *jobs = memory_alloc(sizeof(*jobs));
	PgbrError error = PGBR_ERROR_INIT;
	int count = 0;

	if (jobs && job_tally_read(sidecar->tally, sidecar->queue, jobs, &error))
		count = jobs->queued + jobs->covered;
	free(jobs);
	return count;
}

void
handle_daemon_backup(Sidecar *sidecar, const HttpRequest *request, HttpResponse *response)
{
	Job *job = memory_alloc(sizeof(*job));
	PgbrError error = {.code = PGBR_ERROR_INTERNAL, .message = "out of memory"};
	char id[JOB_ID_SIZE];
	bool ok = job && submit(sidecar, request, PGBR_BACKUP_FULL, id, job, response, &error);
	int waiting = count_waiting(sidecar);

	if (ok)
		answer_json(response, 200,
					json_pack("{s:b, s:s, s:i, s:s, s:s}", "accepted", 1, "reason", "http-request",
							  /* it may have begun already */
							  "backup_requests_in_queue", waiting ? waiting : 1, "message",
							  "PostgreSQL backup has been scheduled successfully.", "backup_id",
							  id));
	else
		answer_json(response, pgbr_error_http_status(error.code),
					json_pack("{s:b, s:s, s:i, s:s, s:n}", "accepted", 0, "reason", "http-request",
							  "backup_requests_in_queue", waiting, "message", error.message,
							  "backup_id"));
	free(job);
}

static void
backup_and_wait(Sidecar *sidecar, const HttpRequest *request, PgbrBackupType type,
				HttpResponse *response)
{
	Job *job = memory_alloc(sizeof(*job));
	PgbrError error = PGBR_ERROR_INIT;
	char id[JOB_ID_SIZE];

	if (job == NULL || !submit(sidecar, request, type, id, job, response, &error))
	{
		http_answer_refusal(response, &error);
		/* the daemon's clients know of failure by 5xx alone */
		if (response->status < 500)
			response->status = 503;
	}
	else if (compat_wait(sidecar, request, job, response))
		http_answer_json(response, 202, json_pack("{s:s}", "backupId", id));
	free(job);
}

void
handle_daemon_diff(Sidecar *sidecar, const HttpRequest *request, HttpResponse *response)
{
	backup_and_wait(sidecar, request, PGBR_BACKUP_DIFF, response);
}

void
handle_daemon_incr(Sidecar *sidecar, const HttpRequest *request, HttpResponse *response)
{
	backup_and_wait(sidecar, request, PGBR_BACKUP_INCR, response);
}

static bool
add_job(const Job *job, void *argument)
{
	vault_list_add_job(argument, job);
	return true;
}

/* All that is known of backups, from the copy of the information: health is asked for often. */
static bool
read_vaults(Sidecar *sidecar, VaultList *vaults, json_t **document, PgbrError *error)
{
	static const PgbrJobKind backup = PGBR_JOB_BACKUP;
	JobFilter filter = {.kind = &backup, .covered_by = "", .limit = MAX_JOBS};
	InfoSnapshot info;
	bool ok;

	*vaults = (VaultList){0};
	*document = NULL;
	/* jobs first: one that ends meanwhile is then there twice, and not never */
	ok = job_queue_list(sidecar->queue, &filter, add_job, vaults, error);
	info_cache_get(sidecar->cache, &info);
	if (info.document)
		*document = info_document_parse(info.document, error);
	info_snapshot_done(&info);
	vault_list_add_backups(vaults, info_find_stanza(*document, sidecar->config->stanza));
	vault_list_sort(vaults);
	return ok;
}

void
handle_daemon_list(Sidecar *sidecar, const HttpRequest *request, HttpResponse *response)
{
	VaultList vaults;
	PgbrError error = PGBR_ERROR_INIT;
	json_t *document;
	json_t *list = json_object();

	(void) request;
	if (read_vaults(sidecar, &vaults, &document, &error))
	{
		for (size_t i = 0; i < vaults.count; i++)
		{
			if (json_object_get(list, vaults.vaults[i].id) == NULL)
				json_object_set_new(list, vaults.vaults[i].id, vault_json(&vaults.vaults[i]));
		}
		answer_json(response, 200, list);
	}
	else
	{
		json_decref(list);
		http_answer_refusal(response, &error);
	}
	vault_list_done(&vaults);
	json_decref(document);
}

void
handle_daemon_status(Sidecar *sidecar, const HttpRequest *request, HttpResponse *response)
{
	VaultList vaults;
	PgbrError error = PGBR_ERROR_INIT;
	json_t *document;
	const Vault *vault;
	char text[JOB_ID_SIZE + 32];

	if (!read_vaults(sidecar, &vaults, &document, &error))
		http_answer_refusal(response, &error);
	else if ((vault = vault_find(&vaults, request->parameter)) != NULL)
		http_answer_text(response, 200,
						 vault->locked	 ? "In Progress \n"
						 : vault->failed ? "Backup Failed \n"
										 : "Backup Done \n");
	else
	{
		snprintf(text, sizeof(text), "Backup %s not found \n",
				 pgbr_is_job_id(request->parameter) ? request->parameter : "ID");
		http_answer_text(response, 404, text);
	}
	vault_list_done(&vaults);
	json_decref(document);
}

/* What is wrong, or "": the stanza, the repository, or the queue. */
static void
find_problem(Sidecar *sidecar, char *problem, size_t size)
{
	PgbrError error = PGBR_ERROR_INIT;
	InfoSnapshot info;

	problem[0] = '\0';
	info_cache_get(sidecar->cache, &info);
	if (info.failed)
		snprintf(problem, size, "%s: %s", info.error, info.message);
	else if (info.document == NULL)
		snprintf(problem, size, "pgbackrest info has not answered yet");
	else if (info.stanza.repo_failed)
		snprintf(problem, size, "%s", info.stanza.repo_message);
	else if (!stanza_keeper_state(sidecar->keeper, problem, size))
		;
	else if (!job_queue_check(sidecar->queue, &error))
		snprintf(problem, size, "%s", error.message);
	else
		problem[0] = '\0';
	info_snapshot_done(&info);
}

void
handle_daemon_live(Sidecar *sidecar, const HttpRequest *request, HttpResponse *response)
{
	char problem[1200];

	(void) request;
	find_problem(sidecar, problem, sizeof(problem));
	http_answer_text(response, problem[0] ? 503 : 200, problem[0] ? problem : "OK");
}

/* Seconds to the next scheduled backup; "none" without a schedule; null when PostgreSQL, which has
 * the schedules, does not answer. */
static json_t *
time_until_next(Sidecar *sidecar)
{
	ArchiverState state;
	double next = 0;

	archiver_get(sidecar->archiver, sidecar->stop_fd, &state);
	for (int i = 0; i < state.schedule_count; i++)
	{
		double at = state.schedules[i].next_run;

		if (at > 0 && (next == 0 || at < next))
			next = at;
	}
	if (next > 0)
		return json_real(next - (double) clock_now_ms() / 1000);
	return state.running ? json_string("none") : json_null();
}

static json_t *
storage_json(Sidecar *sidecar, const VaultList *vaults)
{
	RepoSpace spaces[REPO_SPACE_MAX];
	int count = repo_space_read(sidecar->config, spaces);
	int64_t archive = archive_size_get(sidecar->archive_size);
	int64_t size = 0;
	json_int_t done = 0;
	json_int_t ended = 0;
	const Vault *last = NULL;
	const Vault *last_successful = NULL;

	for (size_t i = 0; i < vaults->count; i++)
	{
		const Vault *vault = &vaults->vaults[i];

		size += vault->size;
		if (vault->locked)
			continue;
		ended++;
		done += !vault->failed;
		last = last ? last : vault;
		last_successful = last_successful || vault->failed ? last_successful : vault;
	}
	return json_pack("{s:I, s:I, s:I, s:o, s:o, s:o, s:s, s:i, s:o, s:o}", "dump_count", ended,
					 "successful_dump_count", done, "size", (json_int_t) size, "archive_size",
					 archive < 0 ? json_null() : json_integer(archive), "free_space",
					 count ? json_integer(spaces[0].free_bytes) : json_null(), "total_space",
					 count ? json_integer(spaces[0].total_bytes) : json_null(), "type",
					 "PgBackRest", "type_id", 2, "lastSuccessful",
					 last_successful ? vault_json(last_successful) : json_null(), "last",
					 last ? vault_json(last) : json_null());
}

static bool
is_encrypted(const json_t *stanza)
{
	InfoStanza read;

	info_stanza_read(stanza, &read);
	return read.cipher && strcmp(read.cipher, "none") != 0;
}

static bool
is_running(Sidecar *sidecar)
{
	JobSummary *jobs = memory_alloc(sizeof(*jobs));
	PgbrError error = PGBR_ERROR_INIT;
	bool running = jobs && job_tally_read(sidecar->tally, sidecar->queue, jobs, &error) &&
				   jobs->running.seq > 0 && jobs->running.request.kind == PGBR_JOB_BACKUP;

	free(jobs);
	return running;
}

void
handle_daemon_health(Sidecar *sidecar, const HttpRequest *request, HttpResponse *response)
{
	VaultList vaults;
	PgbrError error = PGBR_ERROR_INIT;
	json_t *document;
	char problem[1200];
	const Vault *newest = NULL;
	json_t *answer;

	(void) request;
	find_problem(sidecar, problem, sizeof(problem));
	if (!read_vaults(sidecar, &vaults, &document, &error))
		snprintf(problem, sizeof(problem), "%s", error.message);
	for (size_t i = 0; newest == NULL && i < vaults.count; i++)
		newest = vaults.vaults[i].locked ? NULL : &vaults.vaults[i];
	answer =
		json_pack("{s:s, s:o, s:s, s:b, s:{s:i, s:o, s:s}}", "status",
				  problem[0]				 ? "PROBLEM"
				  : newest && newest->failed ? "WARNING"
											 : "UP",
				  "storage", storage_json(sidecar, &vaults), "encryption",
				  is_encrypted(info_find_stanza(document, sidecar->config->stanza)) ? "On" : "Off",
				  "backup_is_in_progress", is_running(sidecar), "backup", "requests_in_queue",
				  count_waiting(sidecar), "time_until_next_backup", time_until_next(sidecar),
				  "eviction_rule", "-");
	if (problem[0])
		json_put_text(answer, "message", problem);
	http_answer_json(response, 200, answer);
	vault_list_done(&vaults);
	json_decref(document);
}
