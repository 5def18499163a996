/*
 * jobs.c
 *		See jobs.h.
 */
#include "ctl/restore/jobs.h"

#include "ctl/client/interrupt.h"
#include "ctl/client/job_request.h"
#include "ctl/client/job_view.h"
#include "ctl/plan/damage.h"
#include "ctl/print/message.h"
#include "ctl/restore/wait.h"
#include "program/json.h"

#include <stdio.h>
#include <string.h>

/*
 * For how many seconds a sidecar holds its answer while a job goes on: how often the progress
 * moves.
 */
#define HOLD_S 1

/* An interrupted job is asked for again this often. */
#define JOB_TRIES 4

/* An earlier run has left at most this many failed jobs. */
#define JOB_EARLIER 50

static RestoreJob *
job_known(RestoreRun *run, RestoreStep step, const char *member)
{
	for (int i = 0; i < run->job_count; i++)
	{
		if (run->jobs[i].step == step && strcmp(run->jobs[i].member, member) == 0)
			return &run->jobs[i];
	}
	return NULL;
}

static int
member_index(const RestorePlan *plan, const char *member)
{
	for (int i = 0; i < plan->member_count; i++)
	{
		if (strcmp(plan->members[i].name, member) == 0)
			return i;
	}
	return plan->member_count;
}

/*
 * Ask for the job, as a numbered try. A job that was asked for earlier by the same name is
 * returned instead.
 */
static bool
job_post(RestoreRun *run, RestoreJob *known, const json_t *body, json_t **job, PgbrError *error)
{
	RestoreJournal *journal = run->journal;
	const JournalStep *entry = journal_document_find(&journal->document, known->step);
	char path[96];
	char key[65];

	snprintf(path, sizeof(path), "/v1/restores/%s/jobs", journal->document.plan.id);
	if (known->anew)
		snprintf(key, sizeof(key), "%s.%d.%d.%d", journal->holder, (int) known->step,
				 member_index(&journal->document.plan, known->member), known->tries);
	else
		snprintf(key, sizeof(key), "%s.%d.%d.%d.%d", journal->document.plan.id, (int) known->step,
				 member_index(&journal->document.plan, known->member), entry ? entry->attempt : 0,
				 known->tries);
	return restore_call(run, known->member, path, body, key, 0, job, error);
}

static json_t *
job_body(const RestoreRun *run, const char *kind, json_t *arguments)
{
	json_t *body = arguments ? arguments : json_object();

	json_put_text(body, "holder", run->journal->holder);
	json_put_text(body, "kind", kind);
	return body;
}

bool
restore_job_start(RestoreRun *run, RestoreStep step, const char *member, const char *kind,
				  json_t *arguments, json_t **job, PgbrError *error)
{
	RestoreJob *known = job_known(run, step, member);
	json_t *body = job_body(run, kind, arguments);
	PgbrError lost;
	JobView view;
	bool ok = false;

	if (known == NULL)
	{
		if (run->job_count == RESTORE_JOBS_MAX)
		{
			json_decref(body);
			return pgbr_error_set(error, PGBR_ERROR_INTERNAL, "the restore has too many jobs");
		}
		known = &run->jobs[run->job_count++];
		memset(known, 0, sizeof(*known));
		known->step = step;
		pgbr_copy_text(known->member, sizeof(known->member), member);
	}
	/* its effect may be gone since: Patroni or another run may have changed it */
	known->anew = strcmp(kind, "node-unfence") == 0 || strcmp(kind, "node-stop") == 0;
	*job = NULL;
	for (int i = 0; i < JOB_EARLIER; i++)
	{
		known->tries++;
		json_decref(*job);
		*job = NULL;
		ok = job_post(run, known, body, job, error) && job_view_read(*job, &view, error);
		/* a job that had failed before is of an earlier run */
		if (!ok || !pgbr_job_state_is_final(view.state) || view.state == PGBR_STATE_SUCCEEDED)
			break;
	}
	if (ok)
		pgbr_copy_text(known->id, sizeof(known->id), view.id);
	/* if the lease was lost while we slept, report that instead of why the job was refused */
	else if (!restore_holds_now(run, &lost) && run->lost)
		*error = lost;
	json_decref(body);
	return ok;
}

bool
restore_job_find(RestoreRun *run, RestoreStep step, const char *member, json_t **job,
				 PgbrError *error)
{
	const RestoreJob *known = job_known(run, step, member);
	char path[128];

	*job = NULL;
	if (known == NULL || known->id[0] == '\0')
		return true;
	snprintf(path, sizeof(path), "/v1/jobs/%s", known->id);
	/* a sidecar that has lost its state folder is asked for another job */
	if (!restore_ask(run, member, path, job, error))
		return error->code == PGBR_ERROR_NOT_FOUND;
	return job_view_check(*job, known->id, error);
}

/*
 * A backup that turns out to be damaged is not tried twice: the journal says so to the next plan.
 * False when the job has failed for another reason.
 */
static bool
note_damage(RestoreRun *run, const JobView *job, PgbrError *error)
{
	JournalDocument *document = &run->journal->document;
	const RestorePlan *plan = &document->plan;
	char label[RECOVERY_SET_SIZE];

	if (strcmp(job->kind, "node-restore") != 0 || job->error == NULL || job->message == NULL ||
		!damage_find(job->error, job->message, plan->set, label))
		return false;
	if (document->damaged == NULL)
		document->damaged = json_object();
	json_put_text(document->damaged, label, job->message);
	if (plan->older_set[0])
		pgbr_error_hint(error,
						"Backup %s is damaged. The same command takes an older one, and --set=%s "
						"names one%s.",
						label, plan->older_set, plan->request.undo ? " to undo, too" : "");
	else
		pgbr_error_hint(error,
						"Backup %s is damaged, and there is no older one that would do. Bring its "
						"files back into the repository, or give another target.",
						label);
	return true;
}

static bool
job_fail(RestoreRun *run, const char *member, const JobView *job, PgbrError *error)
{
	PgbrErrorCode code = job->error ? pgbr_error_code_parse(job->error) : PGBR_ERROR_INTERNAL;

	pgbr_error_set(error, code == PGBR_ERROR_INTERNAL ? PGBR_ERROR_PGBACKREST : code,
				   "%s on member \"%s\" has %s: %s", job->kind, member,
				   pgbr_job_state_name(job->state),
				   job->message ? job->message : "no reason given");
	if (job->exit_code >= 0)
		pgbr_error_detail(error,
						  "Its exit code is %lld. \"" PROGRAM_NAME " jobs --log %s\" on that "
						  "member shows what it printed.",
						  job->exit_code, job->id);
	if (note_damage(run, job, error))
		return false;
	return job->hint ? pgbr_error_hint(error, "%s", job->hint) : false;
}

/* The job when its state changes, or after a second. */
static bool
job_follow(RestoreRun *run, const char *member, json_t **job, PgbrError *error)
{
	const char *id = json_text(*job, "id");
	json_t *next = NULL;
	StrBuf path;
	bool ok;

	strbuf_init(&path);
	job_request_put_path(&path, id, HOLD_S);
	ok = restore_call(run, member, path.data, NULL, NULL, HOLD_S, &next, error);
	strbuf_done(&path);
	return ok && job_request_take(job, next, error);
}

static bool
is_step(const json_t *job)
{
	return strncmp(json_text(job, "kind"), "node-", strlen("node-")) == 0;
}

/* Ask again for an interrupted job, with the same arguments. */
static bool
job_repeat(RestoreRun *run, RestoreJob *known, json_t **job, PgbrError *error)
{
	static const char *const members[] = {"set", "repo", "annotations", "reason"};
	json_t *arguments = json_deep_copy(json_object_get(*job, "arguments"));
	json_t *body;
	json_t *next = NULL;
	JobView view;
	bool ok;

	if (!json_is_object(arguments))
	{
		json_decref(arguments);
		arguments = NULL;
	}
	body = job_body(run, json_text(*job, "kind"), arguments);
	/* what is no step has no arguments, but members of its own */
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
	{
		json_t *value = json_object_get(*job, members[i]);

		if (value && !json_is_null(value) && json_object_get(body, members[i]) == NULL &&
			!is_step(*job))
			json_object_set(body, members[i], value);
	}
	known->tries++;
	ok = job_post(run, known, body, &next, error) && job_view_read(next, &view, error);
	json_decref(body);
	if (!ok)
	{
		json_decref(next);
		return false;
	}
	json_decref(*job);
	*job = next;
	pgbr_copy_text(known->id, sizeof(known->id), view.id);
	return true;
}

bool
restore_job_wait(RestoreRun *run, RestoreStep step, const char *member, json_t **job,
				 bool until_begun, PgbrError *error)
{
	RestoreJob *known = job_known(run, step, member);
	int limit = known->tries + JOB_TRIES;
	RestoreWait wait;

	/* no limit: its progress is shown, and its length is that of the step */
	restore_wait_begin(&wait, run, 0, "%s of member \"%s\"", restore_step_info(step)->name, member);
	for (;;)
	{
		JobView view;

		if (!job_view_read(*job, &view, error))
			return false;
		restore_events_job(run->events, step, member, &view);
		if (view.state == PGBR_STATE_SUCCEEDED || (until_begun && view.bytes_done > 0))
		{
			restore_wait_list(&wait);
			return true;
		}
		if (view.state == PGBR_STATE_INTERRUPTED && known->tries < limit)
		{
			restore_events_note(run->events,
								"member %s: the sidecar was restarted; starting %s again", member,
								view.kind);
			if (!job_repeat(run, known, job, error))
				return false;
			continue;
		}
		if (pgbr_job_state_is_final(view.state))
			return job_fail(run, member, &view, error);
		if (interrupt_is_raised())
			return pgbr_error_set(error, PGBR_ERROR_ABORTED, "interrupted");
		if (!restore_still_holds(run, error))
			return false;
		if (!job_follow(run, member, job, error))
			return false;
	}
}
