/*
 * run.c
 *		See run.h. Knows the order and the journal; what a step does is in steps_*.c.
 */
#include "ctl/restore/run.h"

#include "ctl/client/interrupt.h"
#include "ctl/print/message.h"
#include "ctl/restore/give_back.h"
#include "ctl/restore/members.h"
#include "ctl/restore/steps.h"
#include "ctl/restore/summary.h"
#include "ctl/restore/wait.h"
#include "program/clock.h"
#include "program/json.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

/* After a restart of a sidecar its lease is at least this long. */
#define TAKE_OVER_LIMIT_S (RESTORE_LEASE_S + 15)

static const RestoreStepFunction functions[RESTORE_STEP_COUNT] = {
#define X(id, function, name, where, touches, part, text) [RESTORE_##id] = restore_do_##function,
	RESTORE_STEPS(X)
#undef X
};

/* The write of the journal before and after a step takes the lock and gives it back. */
bool
restore_do_lock(RestoreRun *run, PgbrError *error)
{
	(void) run;
	(void) error;
	return true;
}

bool
restore_do_unlock(RestoreRun *run, PgbrError *error)
{
	(void) run;
	(void) error;
	return true;
}

void
restore_run_take_signals(Cluster *cluster)
{
	struct sigaction ignore = {.sa_handler = SIG_IGN};

	interrupt_catch(SIGINT);
	interrupt_catch(SIGTERM);
	/* the reader of our output may be gone */
	sigaction(SIGPIPE, &ignore, NULL);
	cluster_set_abort(cluster, interrupt_should_abort, NULL);
}

bool
restore_run_take_over(RestoreJournal *journal, RestoreEvents *events, PgbrError *error)
{
	json_t *waits = json_array();
	RestoreRun run = {
		.cluster = journal->cluster, .journal = journal, .events = events, .waits = waits};
	bool told = false;
	RestoreWait wait;
	bool ok;

	restore_wait_begin(&wait, &run, TAKE_OVER_LIMIT_S, "the lock of restore %s",
					   journal->document.plan.id);
	/* renew at once; a failure is retried below, not by the wait */
	for (;;)
	{
		journal->renewed_ms = 0;
		ok = restore_journal_renew(journal, &wait.reason);
		if (ok || wait.reason.code != PGBR_ERROR_RESTORE_IN_PROGRESS)
			break;
		if (!told)
			restore_events_note(events, "waiting for up to %d s: %s", TAKE_OVER_LIMIT_S,
								wait.reason.message);
		told = true;
		journal->renewed_ms = clock_monotonic_ms();
		if (!restore_wait_more(&wait, error))
		{
			json_decref(waits);
			if (error->code != PGBR_ERROR_ABORTED)
			{
				*error = wait.reason;
				pgbr_error_hint(error,
								"Another control binary is running restore %s; "
								"\"" PROGRAM_NAME " status\" shows its progress.",
								journal->document.plan.id);
			}
			return false;
		}
	}
	if (!ok)
		*error = wait.reason;
	if (!ok && error->code == PGBR_ERROR_CONFLICT)
		pgbr_error_hint(error,
						"Another control binary has continued the restore in the meantime. Run "
						"the same command again.");
	if (ok && told)
		restore_wait_end(&wait);
	json_decref(waits);
	return ok;
}

/* Add the state of the cluster and what can be done now to a failure. */
static void
stop_advise(const RestoreRun *run, RestoreStep step, PgbrError *error)
{
	const RestorePlan *plan = &run->journal->document.plan;
	PgbrError reason = *error;
	bool touched = restore_journal_touched(run->journal);
	bool serves = restore_journal_serves(run->journal);
	bool short_of = step == RESTORE_RECOVER || step == RESTORE_VERIFY ||
					(step == RESTORE_HAND_OVER && restore_plan_from_kept(plan));
	char undo[128] = "";

	pgbr_error_set(error, reason.code, "restore %s has stopped at step %s: %s", plan->id,
				   restore_step_info(step)->name, reason.message);
	pgbr_error_detail(error, "%s%sPatroni %s. %s. %s.", reason.detail, reason.detail[0] ? " " : "",
					  restore_journal_is_resumed(run->journal)					 ? "is not paused"
					  : run->journal->states[RESTORE_PAUSE] == RESTORE_STEP_DONE ? "is paused"
																				 : "may be paused",
					  serves ? "The leader serves" : "No member serves",
					  !touched ? "No data directory was written to"
					  : plan->request.replicas_only
						  ? "The data directories of the replicas are incomplete"
					  : serves ? "The restore is done up to this step"
							   : "The state before the restore is in the repository");
	if (!touched || !plan->request.replicas_only)
		snprintf(undo, sizeof(undo), " \"" PROGRAM_NAME " undo%s%s\" %s.",
				 plan->request.undo ? " " : "", plan->request.undo ? plan->id : "",
				 restore_journal_undo_restores(run->journal) ? "takes it back"
															 : "gives the cluster back as it is");
	pgbr_error_hint(error,
					"%s%sRun the same command again to continue%s.%s \"" PROGRAM_NAME
					" status\" shows the journal.",
					reason.hint, reason.hint[0] ? " " : "",
					!short_of ? ""
					: restore_plan_from_kept(plan)
						? ", or with --from-repository to go by the repository instead"
						: ", or with another --target to restore to another point",
					undo);
}

/*
 * Whether a failed step leaves nothing to go on with: data is as it was, and the reason does not
 * pass by itself. A member that does not answer may come back, and then the same command goes on.
 */
static bool
is_to_give_up(const RestoreRun *run, RestoreStep step, const PgbrError *error)
{
	const RestoreJournal *journal = run->journal;

	return step != RESTORE_LOCK && !restore_journal_undo_restores(journal) &&
		   !journal->document.paused_before && !journal->document.replicas_before &&
		   error->code != PGBR_ERROR_ABORTED && error->code != PGBR_ERROR_UNREACHABLE &&
		   error->code != PGBR_ERROR_TIMEOUT;
}

static void
explain_given_up(const RestoreRun *run, RestoreStep step, PgbrError *error)
{
	PgbrError reason = *error;

	pgbr_error_set(error, reason.code, "restore %s was given up at step %s: %s",
				   run->journal->document.plan.id, restore_step_info(step)->name, reason.message);
	pgbr_error_detail(error,
					  "%s%sNothing was changed: the members run as before, and Patroni is "
					  "not paused.",
					  reason.detail, reason.detail[0] ? " " : "");
	pgbr_error_hint(error, "%s", reason.hint);
}

static ExitCode
end_given_up(RestoreRun *run)
{
	journal_document_put(&run->journal->document.outcome,
						 restore_summary_make(run->journal, "given up, nothing was changed", NULL));
	restore_journal_end(run->journal);
	return EXIT_PLAN_REFUSED;
}

static ExitCode
stop_at(RestoreRun *run, RestoreStep step, PgbrError *error)
{
	RestoreJournal *journal = run->journal;
	bool aborted = error->code == PGBR_ERROR_ABORTED;
	/* before the pause the cluster is as it was */
	bool harmless = restore_journal_harmless(journal);
	PgbrError ignored;

	if (aborted && interrupt_is_raised())
		pgbr_error_set(error, PGBR_ERROR_ABORTED, "interrupted");
	/* what follows must not be interrupted */
	cluster_set_abort(run->cluster, NULL, NULL);
	if (run->lost)
		return exit_code_of(error);
	if (!aborted)
		restore_journal_set(journal, step, RESTORE_STEP_FAILED, error->message);
	if (harmless)
	{
		(void) end_given_up(run);
		return aborted ? EXIT_INTERRUPTED : exit_code_of(error);
	}
	if (!aborted && is_to_give_up(run, step, error) && restore_let_go(run, &ignored))
	{
		explain_given_up(run, step, error);
		return end_given_up(run);
	}
	/*
	 * if the lease was lost while we were cut off, another control binary may have continued the
	 * restore, and even ended it
	 */
	if (restore_holds_now(run, &ignored) || !run->lost)
		(void) restore_journal_write_once(journal, &ignored);
	restore_journal_release(journal);
	stop_advise(run, step, error);
	return aborted ? EXIT_INTERRUPTED : EXIT_STOPPED;
}

/* The options of this run are wrong: nothing is written, and another run may go on at once. */
static ExitCode
stop_unasked(RestoreRun *run, const PgbrError *error)
{
	restore_journal_release(run->journal);
	return exit_code_of(error);
}

static double
seconds_since(int64_t begin)
{
	return (double) (clock_monotonic_ms() - begin) / 1000;
}

/* Do one step, and journal it. */
static bool
restore_run_step(RestoreRun *run, RestoreStep step, PgbrError *error)
{
	RestoreJournal *journal = run->journal;
	int64_t begin = clock_monotonic_ms();
	RestoreStepState state;

	run->skipped[0] = '\0';
	restore_journal_set(journal, step, RESTORE_STEP_STARTED, NULL);
	restore_events_step(run->events, step, RESTORE_STEP_STARTED, 0, NULL);
	/* this also journals that the step before is done: nothing happens in between */
	if (!restore_write(run, error) || !functions[step](run, error))
	{
		if (error->code != PGBR_ERROR_ABORTED)
			restore_events_step(run->events, step, RESTORE_STEP_FAILED, seconds_since(begin),
								error->message);
		return false;
	}
	state = run->skipped[0] ? RESTORE_STEP_SKIPPED : RESTORE_STEP_DONE;
	restore_journal_set(journal, step, state, run->skipped[0] ? run->skipped : NULL);
	/* the write that follows ends the journal */
	if (step != RESTORE_UNLOCK)
		restore_events_step(run->events, step, state, seconds_since(begin),
							run->skipped[0] ? run->skipped : NULL);
	return true;
}

/* End the journal with its outcome. */
static ExitCode
end_well(RestoreRun *run, const char *result, PgbrError *error)
{
	json_t *outcome = restore_summary_make(run->journal, result, run->waits);
	int64_t begin = clock_monotonic_ms();

	journal_document_put(&run->journal->document.outcome, json_incref(outcome));
	if (!restore_journal_finish(run->journal, error))
	{
		run->lost = restore_is_lost(error);
		json_decref(outcome);
		return stop_at(run, RESTORE_UNLOCK, error);
	}
	if (error->code != PGBR_ERROR_NONE)
		restore_events_note(run->events, "%s; the next restore, undo or status tells that member",
							error->message);
	*error = (PgbrError) PGBR_ERROR_INIT;
	restore_events_step(run->events, RESTORE_UNLOCK, RESTORE_STEP_DONE, seconds_since(begin), NULL);
	restore_events_summary(run->events, outcome);
	json_decref(outcome);
	return EXIT_OK;
}

ExitCode
restore_run(Cluster *cluster, RestoreJournal *journal, RestoreEvents *events, PgbrError *error)
{
	RestoreRun run = {.cluster = cluster, .journal = journal, .events = events};
	bool resumed = journal->revision > 0;
	RestoreStep step = RESTORE_LOCK;
	RestoreSeen seen;
	ExitCode code = EXIT_OK;

	run.waits = json_array();
	restore_events_plan(events, &journal->document.plan, resumed);
	if (resumed)
	{
		if (!restore_check_sidecars(&run, error) || !restore_look(&run, &seen, error))
			code = error->code == PGBR_ERROR_CONFLICT ? stop_unasked(&run, error)
													  : stop_at(&run, step, error);
		else if (restore_state_revise(&journal->document.plan, journal->states, &seen))
			restore_events_note(events, "repeating some steps: PostgreSQL was started or "
										"Patroni resumed since they were done");
	}
	while (code == EXIT_OK && restore_state_next(&journal->document.plan, journal->states, &step))
	{
		if (!restore_run_step(&run, step, error))
			code = stop_at(&run, step, error);
	}
	if (code == EXIT_OK)
		code = end_well(&run, "done", error);
	json_decref(run.waits);
	return code;
}

ExitCode
restore_run_abandon(Cluster *cluster, RestoreJournal *journal, RestoreEvents *events,
					PgbrError *error)
{
	RestoreRun run = {.cluster = cluster, .journal = journal, .events = events};
	ExitCode code;

	run.waits = json_array();
	if (!restore_journal_harmless(journal) && !restore_give_back(&run, error))
	{
		cluster_set_abort(cluster, NULL, NULL);
		if (!run.lost)
			restore_journal_release(journal);
		code = error->code == PGBR_ERROR_ABORTED ? EXIT_INTERRUPTED : EXIT_STOPPED;
	}
	else
		code = end_well(&run, "taken back before any data was touched", error);
	json_decref(run.waits);
	return code;
}
