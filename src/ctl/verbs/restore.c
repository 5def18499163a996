/*
 * restore.c
 *		The verb restore.
 */
#include "ctl/verbs/verbs.h"

#include "common/vocabulary.h"
#include "ctl/client/cluster_config.h"
#include "ctl/print/message.h"
#include "ctl/restore/kept_members.h"
#include "ctl/restore/session.h"
#include "ctl/restore/way_back_kept.h"
#include "ctl/verbs/restore_options.h"
#include "program/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct CmdArguments
{
	RestoreArguments restore;
	bool dry_run;
	bool force;
	bool again;
	bool accept;
	bool accept_invalid;
} CmdArguments;

static const OptionSpec options[] = {
	RESTORE_OPTIONS(CmdArguments, restore),
	{"dry-run", 0, OPTION_FLAG, ARGUMENT(CmdArguments, dry_run), NULL, NULL, 0, 0,
	 "show the plan and end, as the verb plan does", false},
	{"force", 0, OPTION_FLAG, ARGUMENT(CmdArguments, force), NULL, NULL, 0, 0,
	 "do not ask for the cluster's name", false},
	{"again", 0, OPTION_FLAG, ARGUMENT(CmdArguments, again), NULL, NULL, 0, 0,
	 "restore again although the same restore was just done", false},
	RESTORE_FLAG(CmdArguments, accept, "accept", NULL,
				 "give up the undo of a restore: what is kept for it is let go"),
	RESTORE_FLAG(CmdArguments, accept_invalid, "accept-invalid-databases", NULL,
				 "go on with databases of which DROP DATABASE had removed the files"),
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

	if (active && goes_on(session, active, request) &&
		(request->target.set[0] || !restore_session_needs_other_set(active)))
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

/* What was asked for besides --accept; where the cluster is and who is gone may be told. */
static bool
is_plain(const RestoreRequest *request)
{
	RestoreRequest plain = {.target.type = RECOVERY_DEFAULT};

	restore_request_leave_out(&plain, request);
	return restore_request_equal(request, &plain);
}

/* The members that are kept, or those for one restore. False with NOT_FOUND or UNREACHABLE. */
static bool
choose_kept(RestoreSession *session, const char *id, RestoreRequest *request, PgbrError *error)
{
	KeptMembers kept;

	if (!restore_kept_members(&session->list, &session->cluster, &kept, error))
		return false;
	for (int i = 0; i < kept.count; i++)
	{
		const KeptMember *member = &kept.kept[i];

		if (id && strcmp(member->restore, id) != 0)
			continue;
		id = strcpy(request->accept, member->restore);
		strcpy(request->only[request->only_count++], member->member);
	}
	if (request->only_count > 0)
		return true;
	if (kept.silent[0])
	{
		pgbr_error_set(error, kept.reason.code,
					   "the sidecar of member \"%s\", which may be kept, can't be asked: %s",
					   kept.silent, kept.reason.message);
		return pgbr_error_hint(error, "Start it there, or give its address with --sidecar=%s=URL.",
							   kept.silent);
	}
	pgbr_error_set(error, PGBR_ERROR_NOT_FOUND, "no member is kept%s%s", id ? " for restore " : "",
				   id ? id : "");
	return pgbr_error_hint(error, "\"" PROGRAM_NAME " status\" shows which member is kept.");
}

/* True for a restore that gives up the way back of the one with this ID, or of any. */
static bool
accepts(const JournalRecord *record, const char *id)
{
	const char *accepted = record->document->plan.request.accept;

	return accepted[0] && (id == NULL || strcmp(accepted, id) == 0);
}

/* Let what is kept in the repository for the undo of a restore expire. */
static ExitCode
let_expire(RestoreSession *session, const char *restore, PgbrError *error)
{
	if (!way_back_give_up(&session->cluster, restore, error))
		return exit_code_of(error);
	restore_events_note(&session->events, "nothing is kept for the undo of restore %s any more",
						restore);
	return EXIT_OK;
}

/* The restore of the id, or the newest that was done. */
static const JournalRecord *
choose_done(const RestoreSession *session, const char *id, PgbrError *error)
{
	if (id && restore_list_find(&session->list, id))
		return restore_list_find(&session->list, id);
	for (int i = 0; id == NULL && i < session->list.count; i++)
	{
		const RestorePlan *plan = journal_record_plan(&session->list.records[i], error);

		if (plan && !plan->request.replicas_only &&
			restore_session_is_done(&session->list.records[i]))
			return &session->list.records[i];
	}
	if (id)
		pgbr_error_set(error, PGBR_ERROR_NOT_FOUND, "no restore \"%s\" is known", id);
	else
		pgbr_error_set(error, PGBR_ERROR_NOT_FOUND, "no restore is known that was done");
	return NULL;
}

/* No member is kept: there is only what the repository keeps. */
static ExitCode
accept_alone(RestoreSession *session, const char *id, PgbrError *error)
{
	const JournalRecord *record = choose_done(session, id, error);
	char what[96];

	if (record == NULL ||
		!restore_journal_read(&session->journal, &session->cluster, record, error))
		return exit_code_of(error);
	snprintf(what, sizeof(what), "give up the undo of restore %s", record->id);
	return restore_session_confirm(session, what, error) ? let_expire(session, record->id, error)
														 : exit_code_of(error);
}

/* Give up the way back. A member that was kept is restored as a replica. */
static ExitCode
accept_restore(RestoreSession *session, const char *id, const RestoreRequest *asked,
			   PgbrError *error)
{
	const JournalRecord *active = restore_list_active(&session->list);
	const JournalRecord *newest = restore_session_just_done(session);
	RestoreRequest request = *asked;
	ExitCode code;

	request.replicas_only = true;
	if (active && accepts(active, id))
		return restore_session_resume(session, active, asked, error);
	if (active)
	{
		pgbr_error_set(error, PGBR_ERROR_RESTORE_IN_PROGRESS,
					   "restore %s is not finished, and comes first", active->id);
		return EXIT_NOT_NOW;
	}
	if (choose_kept(session, id, &request, error))
	{
		code = restore_session_begin(session, &request, RESTORE_VERIFY_NO, NULL, NULL, error);
		return code == EXIT_OK ? let_expire(session, request.accept, error) : code;
	}
	if (error->code != PGBR_ERROR_NOT_FOUND)
		return exit_code_of(error);
	*error = (PgbrError) PGBR_ERROR_INIT;
	if (newest && accepts(newest, id))
		return restore_session_tell(session, newest);
	return accept_alone(session, id, error);
}

static bool
check_accept(const CmdArguments *arguments, const char *operand, const RestoreRequest *request,
			 PgbrError *error)
{
	if (operand && !arguments->accept)
		return pgbr_error_set(error, PGBR_ERROR_CONFIG, "only --accept takes the ID of a restore");
	if (operand && !pgbr_is_job_id(operand))
		return pgbr_error_set(error, PGBR_ERROR_CONFIG, "\"%s\" is not the id of a restore",
							  operand);
	return !arguments->accept || is_plain(request) ||
		   pgbr_error_set(error, PGBR_ERROR_CONFIG, "--accept takes no target and no members");
}

static ExitCode
run_restore(Context *context, const void *argument, const char *operand, PgbrError *error)
{
	const CmdArguments *arguments = argument;
	RestoreSession *session;
	RestoreRequest request;
	ExitCode code;

	if (arguments->dry_run)
		return verb_plan.run(context, &arguments->restore, NULL, error);
	if (context->format != OUTPUT_PRETTY && context->format != OUTPUT_JSON)
	{
		pgbr_error_set(error, PGBR_ERROR_CONFIG, "restore has only the formats pretty and json");
		return EXIT_USAGE;
	}
	if (!restore_request_read(&arguments->restore, &request, error) ||
		!check_accept(arguments, operand, &request, error))
		return exit_code_of(error);
	session = restore_session_open(context->format, &arguments->restore.cluster,
								   &context->config->cluster, context->client.settings,
								   arguments->force, &code, error);
	if (session == NULL)
		return code;
	session->accept_invalid = arguments->accept_invalid;
	session->no_way_back = arguments->restore.way_back.none;
	code = arguments->accept ? accept_restore(session, operand, &request, error)
							 : resume_or_begin(session, arguments, &request, error);
	if (code != EXIT_OK)
		restore_events_stopped(&session->events, error, code);
	restore_session_close(session);
	return code;
}

const Verb verb_restore = {
	.name = "restore",
	.operand = "[ID]",
	.summary = "restore the whole cluster, to its latest state or to a point in time",
	.description = "Plans first (see \"help plan\"), asks for the cluster's name, and goes through "
				   "the steps of\n"
				   "the plan. The same command continues an interrupted restore. \"undo\" takes it "
				   "back. With\n"
				   "--format=json each event is a line. --keep-member keeps a replica as the way "
				   "back;\n"
				   "\"restore --accept\", with the ID of that restore or without, gives it up.\n",
	.options = options,
	.arguments_size = sizeof(CmdArguments),
	.run = run_restore,
};
