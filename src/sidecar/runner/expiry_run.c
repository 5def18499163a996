/*
 * expiry_run.c
 *		See expiry_run.h.
 *
 * The crash case: killed between two of the plan's commands, the job is closed as interrupted, and
 * the next backup or expire makes a plan of what is left. pgbackrest itself, when it ends in the
 * midst of a backup's removal, finishes that at its next expire.
 */
#include "sidecar/runner/expiry_run.h"

#include "program/json.h"
#include "sidecar/queue/job_turn.h"
#include "sidecar/runner/expiry.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* To learn which backups are pinned. Before a backup the copy will do after some seconds: one
 * of two repositories may take minutes to not answer. */
#define BEFORE_BACKUP_S 10
#define BEFORE_EXPIRE_S 300

static void
expiry_fail(ExpiryRun *run, int exit_code, const char *error, const char *message, const char *hint)
{
	run->job->state = PGBR_STATE_FAILED;
	run->job->exit_code = exit_code;
	pgbr_copy_text(run->job->error, sizeof(run->job->error), error);
	pgbr_copy_text(run->job->message, sizeof(run->job->message), message);
	pgbr_copy_text(run->job->hint, sizeof(run->job->hint), hint);
}

static bool
is_to_stop(void *argument)
{
	struct pollfd stop = {job_queue_stop_fd(((ExpiryRun *) argument)->queue), POLLIN, 0};

	return poll(&stop, 1, 0) > 0;
}

/* The job ends while none of its commands runs. */
static void
end_early(ExpiryRun *run)
{
	bool cancelled = job_queue_cancelled(run->queue);

	expiry_fail(run, -1, "",
				cancelled ? "the job was cancelled before backups were expired"
						  : "the sidecar stops before backups were expired",
				cancelled ? "" : "Ask for it again.");
	run->job->state = cancelled ? PGBR_STATE_CANCELLED : PGBR_STATE_INTERRUPTED;
}

/* What is in the repositories as of now. False when it can't be had in time: the copy is older
 * then. The caller ends it with info_snapshot_done. */
static bool
ask_info(ExpiryRun *run, int seconds, InfoSnapshot *info)
{
	uint64_t ticket = info_cache_refresh(run->cache);
	bool in_time = info_cache_wait(run->cache, ticket, seconds, is_to_stop, run);

	info_cache_get(run->cache, info);
	return in_time && !info->failed;
}

/* The document as of now, without which nothing is removed; NULL with the job's failure set. */
static json_t *
ask_document(ExpiryRun *run)
{
	InfoSnapshot info;
	PgbrError error;
	json_t *document = NULL;
	char message[1100];

	if (ask_info(run, BEFORE_EXPIRE_S, &info))
	{
		document = info_document_parse(info.document, &error);
		if (document == NULL)
			expiry_fail(run, -1, pgbr_error_code_name(error.code), error.message, error.hint);
	}
	else if (is_to_stop(run))
		end_early(run);
	else
	{
		snprintf(message, sizeof(message), "could not learn which backups are pinned: %s",
				 info.failed ? info.message : "pgbackrest info has not ended");
		expiry_fail(run, info.failed ? info.exit_code : -1, info.failed ? info.error : "timeout",
					message, info.hint);
	}
	info_snapshot_done(&info);
	return document;
}

static void
log_notes(ExpiryRun *run, char *notes)
{
	char *save;

	for (char *line = strtok_r(notes, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		run->log_line(run->argument, line);
}

/* Each step, also after one that has failed, as pgbackrest goes on with its next repository. The
 * first failure is the job's. */
static void
run_steps(ExpiryRun *run, Expiry *expiry)
{
	Job *job = run->job;
	Job *failed = NULL;
	bool goes_on = true;

	log_notes(run, expiry->notes.data);
	job->state = PGBR_STATE_SUCCEEDED;
	job->exit_code = 0;
	for (int i = 0; goes_on && i < expiry->count; i++)
	{
		Command command;

		pgbackrest_expire_command(run->config, &expiry->steps[i], job->request.dry_run, &command);
		goes_on = run->run_command(run->argument, &command);
		if (job->state != PGBR_STATE_SUCCEEDED && failed == NULL && (failed = malloc(sizeof(*job))))
			*failed = *job;
	}
	if (goes_on && failed)
		*job = *failed;
	else if (goes_on && expiry->unread)
		expiry_fail(run, -1, "repo-invalid", expiry->reason,
					"The other repositories were expired; fix this one.");
	free(failed);
}

static void
expire_by_plan(ExpiryRun *run)
{
	json_t *document = ask_document(run);
	Expiry expiry;
	PgbrError error;

	if (document == NULL)
		return;
	if (expiry_plan(run->config, document, run->job->request.repo, &expiry, &error))
		run_steps(run, &expiry);
	else
		expiry_fail(run, -1, pgbr_error_code_name(error.code), error.message, error.hint);
	expiry_done(&expiry);
	json_decref(document);
}

/* False when a pin keeps the backup that is to be removed by its name. */
static bool
is_free_to_go(ExpiryRun *run)
{
	json_t *document = ask_document(run);
	PgbrError error;
	bool is_free;

	if (document == NULL)
		return false;
	is_free = expiry_check_set(run->config, document, &run->job->request, &error);
	if (!is_free)
		expiry_fail(run, -1, pgbr_error_code_name(error.code), error.message, error.hint);
	json_decref(document);
	return is_free;
}

static bool
has_pins(ExpiryRun *run)
{
	InfoSnapshot info;
	bool pinned;

	info_cache_get(run->cache, &info);
	pinned = info.pinned;
	info_snapshot_done(&info);
	return pinned;
}

/* Whether a backup is pinned, or may be for all that is known. */
static bool
learn_pins(ExpiryRun *run, int seconds, bool copy_will_do)
{
	InfoSnapshot info;
	bool is_fresh = ask_info(run, seconds, &info);
	bool pinned = info.document == NULL || info.pinned || !(is_fresh || copy_will_do);

	info_snapshot_done(&info);
	return pinned;
}

static void
run_backup(ExpiryRun *run)
{
	bool pinned = learn_pins(run, BEFORE_BACKUP_S, true);
	JobProgress progress = {"expiring", 0, -1, -1};
	Command command;

	pgbackrest_job_command(run->config, run->job, &command);
	if (pinned)
		pgbackrest_forbid_expire(&command);
	if (!run->run_command(run->argument, &command) || !pinned ||
		run->job->state != PGBR_STATE_SUCCEEDED || !expiry_is_automatic(run->config))
		return;
	job_queue_progress(run->queue, &progress);
	expire_by_plan(run);
}

static void
run_expire(ExpiryRun *run)
{
	/* a preview removes nothing: the copy tells whether it has pins to show */
	bool pinned =
		run->job->request.dry_run ? has_pins(run) : learn_pins(run, BEFORE_EXPIRE_S, false);
	bool by_name = run->job->request.set[0] != '\0';
	Command command;

	if (pinned && !by_name)
	{
		expire_by_plan(run);
		return;
	}
	if (pinned && !is_free_to_go(run))
		return;
	pgbackrest_job_command(run->config, run->job, &command);
	run->run_command(run->argument, &command);
}

void
expiry_run(ExpiryRun *run)
{
	if (run->job->request.kind == PGBR_JOB_BACKUP)
		run_backup(run);
	else
		run_expire(run);
}
