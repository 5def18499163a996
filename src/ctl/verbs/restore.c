/*
 * restore.c
 *		The verb restore.
 */
#include "ctl/verbs/verbs.h"

#include "ctl/client/cluster_config.h"
#include "ctl/print/message.h"
#include "ctl/restore/session.h"
#include "ctl/verbs/restore_options.h"
#include "program/json.h"

#include <stdlib.h>
#include <string.h>

typedef struct CmdArguments
{
	RestoreArguments restore;
	bool dry_run;
	bool force;
	bool again;
} CmdArguments;

static const OptionSpec options[] = {
	RESTORE_OPTIONS(CmdArguments, restore),
	{"dry-run", 0, OPTION_FLAG, ARGUMENT(CmdArguments, dry_run), NULL, NULL, 0, 0,
	 "show the plan and end, as the verb plan does", false},
	{"force", 0, OPTION_FLAG, ARGUMENT(CmdArguments, force), NULL, NULL, 0, 0,
	 "do not ask for the cluster's name", false},
	{"again", 0, OPTION_FLAG, ARGUMENT(CmdArguments, again), NULL, NULL, 0, 0,
	 "restore again although the same restore was just done", false},
	{NULL},
};

static RestoreVerifying
verifying_of(const CmdArguments *arguments)
{
	return arguments->restore.verify	  ? RESTORE_VERIFY_YES
		   : arguments->restore.no_verify ? RESTORE_VERIFY_NO
										  : RESTORE_VERIFY_SMALL;
}

/* True for the same command, also if the restore continued without a member that was gone. */
static bool
is_same(const RestorePlan *plan, const RestoreRequest *request)
{
	return restore_request_equal(&plan->request, request) ||
		   restore_request_extends(request, &plan->request);
}

/* True when the command that began the restore is run again, perhaps without a member that is gone
 * by now. The leader's data is what is restored, so leaving out the leader needs another plan,
 * until Patroni may choose another leader. */
static bool
goes_on(const RestoreSession *session, const JournalRecord *active, const RestoreRequest *request)
{
	PgbrError ignored;
	const RestorePlan *plan = journal_record_plan(active, &ignored);

	if (plan == NULL)
		return false;
	if (is_same(plan, request))
		return true;
	return restore_request_extends(&plan->request, request) &&
		   (!active->document->touched || request->replicas_only ||
			!restore_request_is_without(request, plan->leader) ||
			restore_state_resumed(journal_record_state(active, RESTORE_RESUME),
								  session->cluster.view.paused));
}

/* Find the same restore, done a moment ago: the user repeats a command whose answer was lost. A
 * restore to the end of WAL is never the same, since WAL grows. */
static const JournalRecord *
find_done(const RestoreSession *session, const RestoreRequest *request)
{
	const JournalRecord *newest = restore_session_just_done(session);
	const RestorePlan *plan;
	PgbrError ignored;

	if (newest == NULL || request->replicas_only || request->target.type == RECOVERY_DEFAULT ||
		request->target.type == RECOVERY_IMMEDIATE)
		return NULL;
	plan = journal_record_plan(newest, &ignored);
	return plan && is_same(plan, request) ? newest : NULL;
}

/* Another restore is active. Only one that stopped half-way may be replaced. */
static ExitCode
go_past(RestoreSession *session, const RestoreRequest *request, RestoreVerifying verifying,
		const JournalRecord *active, PgbrError *error)
{
	if (restore_session_is_driven(active, error))
		return EXIT_NOT_NOW;
	if (!request->replicas_only && active->document->touched)
		return restore_session_begin(session, request, verifying, active, NULL, error);
	pgbr_error_set(error, PGBR_ERROR_RESTORE_IN_PROGRESS,
				   "restore %s was begun with another target and is not finished", active->id);
	pgbr_error_hint(error, "\"" PROGRAM_NAME " status\" shows it, \"" PROGRAM_NAME
						   " undo\" takes it back, and the command that began it goes on with it.");
	return EXIT_NOT_NOW;
}

static ExitCode
resume_or_begin(RestoreSession *session, const CmdArguments *arguments,
				const RestoreRequest *request, PgbrError *error)
{
	const JournalRecord *active = restore_list_active(&session->list);
	const JournalRecord *done = find_done(session, request);

	if (active && goes_on(session, active, request))
		return restore_session_resume(session, active, request, error);
	if (active)
		return go_past(session, request, verifying_of(arguments), active, error);
	if (done && !arguments->again)
	{
		restore_events_note(&session->events,
							"this restore was done at %s; --again does it once more",
							done->updated_at);
		return restore_session_tell(session, done);
	}
	return restore_session_begin(session, request, verifying_of(arguments), NULL, NULL, error);
}

static ExitCode
run_restore(Context *context, const void *argument, const char *operand, PgbrError *error)
{
	const CmdArguments *arguments = argument;
	RestoreSession *session;
	RestoreRequest request;
	ExitCode code;

	(void) operand;
	if (arguments->dry_run)
		return verb_plan.run(context, &arguments->restore, NULL, error);
	if (context->format != OUTPUT_PRETTY && context->format != OUTPUT_JSON)
	{
		pgbr_error_set(error, PGBR_ERROR_CONFIG, "restore has only the formats pretty and json");
		return EXIT_USAGE;
	}
	if (!restore_request_read(&arguments->restore, &request, error))
		return exit_code_of(error);
	session = restore_session_open(context->format, &arguments->restore.cluster,
								   &context->config->cluster, context->client.settings,
								   arguments->force, &code, error);
	if (session == NULL)
		return code;
	code = resume_or_begin(session, arguments, &request, error);
	if (code != EXIT_OK)
		restore_events_stopped(&session->events, error, code);
	restore_session_close(session);
	return code;
}

const Verb verb_restore = {
	.name = "restore",
	.summary = "restore the whole cluster, to its latest state or to a point in time",
	.description = "Plans first (see \"help plan\"), asks for the cluster's name, and goes through "
				   "the steps of\n"
				   "the plan. The same command continues an interrupted restore. \"undo\" takes it "
				   "back. With\n"
				   "--format=json each event is a line.\n",
	.options = options,
	.arguments_size = sizeof(CmdArguments),
	.run = run_restore,
};
