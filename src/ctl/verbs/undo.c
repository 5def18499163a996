/*
 * undo.c
 *		The verb undo.
 */
#include "ctl/verbs/verbs.h"

#include "common/vocabulary.h"
#include "ctl/client/cluster_config.h"
#include "ctl/print/message.h"
#include "ctl/restore/session.h"
#include "ctl/restore/way_back_kept.h"
#include "ctl/verbs/restore_options.h"
#include "program/json.h"

#include <string.h>

typedef struct UndoArguments
{
	ClusterArguments cluster;
	OptionList without;
	const char *set;
	bool force;
	bool from_repository;
	bool no_verify;
	WayBackArguments way_back;
} UndoArguments;

static const OptionSpec options[] = {
	{"force", 0, OPTION_FLAG, ARGUMENT(UndoArguments, force), NULL, NULL, 0, 0,
	 "do not ask for the cluster's name", false},
	RESTORE_TEXT(UndoArguments, without, "without-member", "NAME", NULL,
				 "undo although this member can't be reached; may be repeated", true),
	RESTORE_FLAG(UndoArguments, from_repository, "from-repository", NULL,
				 "do not use the member that was kept by --keep-member"),
	RESTORE_TEXT(UndoArguments, set, "set", "LABEL", NULL,
				 "the backup to start from (default: the plan's choice)", false),
	RESTORE_FLAG(UndoArguments, no_verify, "no-verify", NULL,
				 "do not have pgbackrest read the repository first, even if it is small"),
	WAY_BACK_OPTIONS(UndoArguments, way_back, "undo"),
	CLUSTER_OPTIONS(UndoArguments, cluster),
	{NULL},
};

/*
 * True for a restore that has changed the cluster's data, and so can be taken back. A replaced
 * restore counts, too, if its leader had served: the one that replaced it may have been given up.
 */
static bool
has_changed_data(const JournalRecord *record)
{
	PgbrError ignored;
	const RestorePlan *plan = journal_record_plan(record, &ignored);

	return plan && !plan->request.replicas_only &&
		   (restore_session_is_done(record) ||
			(strcmp(record->state, "replaced") == 0 &&
			 journal_record_state(record, RESTORE_HAND_OVER) == RESTORE_STEP_DONE));
}

static const JournalRecord *
newest_changed(const RestoreSession *session)
{
	for (int i = 0; i < session->list.count; i++)
	{
		if (has_changed_data(&session->list.records[i]))
			return &session->list.records[i];
	}
	return NULL;
}

/* True when the active restore is the undo of this record: the same command is run again. */
static bool
is_undo_of(const JournalRecord *active, const JournalRecord *record)
{
	return strcmp(active->document->undo_of, record->id) == 0;
}

/*
 * Find the undo that this command has already done. With an ID, that restore is undone already.
 * Without one, the user repeats a command whose answer was lost.
 */
static const JournalRecord *
find_done(const RestoreSession *session, const char *id)
{
	const JournalRecord *newest = id ? newest_changed(session) : restore_session_just_done(session);
	const char *undone = newest ? newest->document->undo_of : "";

	return restore_list_active(&session->list) == NULL && undone[0] &&
				   restore_session_is_done(newest) && (id == NULL || strcmp(undone, id) == 0)
			   ? newest
			   : NULL;
}

static const JournalRecord *
choose_record(const RestoreSession *session, const char *id, PgbrError *error)
{
	const JournalRecord *active = restore_list_active(&session->list);
	const JournalRecord *record = id	   ? restore_list_find(&session->list, id)
								  : active ? active
										   : newest_changed(session);

	if (record == NULL && id)
		pgbr_error_set(error, PGBR_ERROR_NOT_FOUND, "no restore \"%s\" is known", id);
	else if (record == NULL)
		pgbr_error_set(error, PGBR_ERROR_NOT_FOUND, "no restore is known that could be taken back");
	else if (active && record != active && is_undo_of(active, record))
		record = active;
	else if (active && record != active)
	{
		pgbr_error_set(error, PGBR_ERROR_RESTORE_IN_PROGRESS,
					   "restore %s is not finished, and comes first", active->id);
		record = NULL;
	}
	else if (record != active && !has_changed_data(record))
	{
		pgbr_error_set(error, PGBR_ERROR_CONFLICT, "restore %s did not change the cluster's data",
					   record->id);
		record = NULL;
	}
	return record;
}

/* Leave out again the members that the restore left out, if they still can't be reached. */
static void
leave_out(RestoreSession *session, const RestorePlan *plan, RestoreRequest *request)
{
	RestoreRequest before = {.without_count = 0};

	for (int i = 0; i < plan->request.without_count; i++)
	{
		const char *name = plan->request.without[i];

		if (cluster_find(&session->cluster, name) && !restore_list_answered(&session->list, name))
			strcpy(before.without[before.without_count++], name);
	}
	restore_request_leave_out(request, &before);
}

/* Restore to the end of the timeline before the restore. */
static ExitCode
restore_old_timeline(RestoreSession *session, const JournalRecord *record,
					 const RestoreRequest *asked, RestoreVerifying verifying, PgbrError *error)
{
	RestoreRequest request = *asked;
	const RestorePlan *plan = journal_record_plan(record, error);
	bool active = strcmp(record->state, "active") == 0;

	if (plan == NULL)
		return exit_code_of(error);
	request.undo = true;
	request.target.timeline = plan->old_timeline;
	leave_out(session, plan, &request);
	return restore_session_begin(session, &request, verifying, active ? record : NULL, record,
								 error);
}

/* The replaced restore left damaged replicas behind, which must be restored before they may
 * start. */
static ExitCode
restore_replicas(RestoreSession *session, const JournalRecord *record, const RestoreRequest *asked,
				 PgbrError *error)
{
	RestoreRequest request = *asked;
	const RestorePlan *plan = journal_record_plan(record, error);

	if (plan == NULL)
		return exit_code_of(error);
	request.replicas_only = true;
	leave_out(session, plan, &request);
	return restore_session_begin(session, &request, RESTORE_VERIFY_NO, record, NULL, error);
}

static ExitCode
resume_undo(RestoreSession *session, const JournalRecord *record, const RestoreRequest *asked,
			PgbrError *error)
{
	restore_journal_done(&session->journal);
	return restore_session_resume(session, record, asked, error);
}

/*
 * Continue an undo whose leader is gone, or whose kept member is of no use: restore another member
 * to the same target. Or one whose backup is damaged, or is to be another one.
 */
static ExitCode
undo_anew(RestoreSession *session, const JournalRecord *record, const RestoreRequest *asked,
		  PgbrError *error)
{
	const char *undone = record->document->undo_of;
	RestoreJournal *journal = &session->journal;
	RestoreRequest request = journal->document.plan.request;
	uint32_t timeline = journal_document_new_timeline(&journal->document);

	restore_request_leave_out(&request, asked);
	request.from_repository = request.from_repository || asked->from_repository;
	request.way_back_days = asked->way_back_days;
	strcpy(request.target.set, asked->target.set);
	/* it has served since, on its new timeline */
	if (timeline > 0 && journal->states[RESTORE_HISTORY_ARCHIVED] == RESTORE_STEP_DONE)
		request.target.timeline = timeline;
	restore_journal_done(journal);
	if (restore_session_is_driven(record, error))
		return EXIT_NOT_NOW;
	return restore_session_begin(session, &request, RESTORE_VERIFY_NO, record,
								 restore_list_find(&session->list, undone), error);
}

/* A set that was named is tried, also one that is damaged. */
static bool
wants_other_set(const JournalRecord *record, const RestoreRequest *asked)
{
	return asked->target.set[0] ? strcmp(asked->target.set, record->document->plan.set) != 0
								: restore_session_needs_other_set(record);
}

/* named: the user gave its ID. An unfinished undo continues; if it is named, it is taken back. */
static ExitCode
undo_active(RestoreSession *session, const JournalRecord *record, const RestoreRequest *asked,
			bool named, PgbrError *error)
{
	RestoreJournal *journal = &session->journal;
	bool replicas_before = record->document->replicas_before;
	const RestoreRequest *request = &journal->document.plan.request;
	const ClusterMember *leading;
	bool without;
	bool leaderless;
	bool restores;
	bool leaves_kept;

	if (!restore_session_read(session, record, asked, journal, error))
		return exit_code_of(error);
	leading = cluster_find_leading(&session->cluster);
	without = restore_request_is_without(asked, restore_journal_leads(journal));
	leaves_kept = asked->from_repository && restore_plan_from_kept(&journal->document.plan) &&
				  journal->states[RESTORE_HAND_OVER] != RESTORE_STEP_DONE;
	/* until Patroni has another leader, it is up to us to provide one */
	leaderless = without && leading == NULL && !restore_journal_is_resumed(journal);
	/* once the leader's WAL is archived, the archive has more WAL than the replicas, which were
	 * stopped earlier; until then the replicas may have more */
	restores = leaderless ? restore_journal_touched(journal) || replicas_before ||
								journal->states[RESTORE_ARCHIVE] == RESTORE_STEP_DONE
						  : restore_journal_undo_restores(journal);
	if ((request->undo && !named) || (request->replicas_only && replicas_before && !without))
		return leaderless || leaves_kept || wants_other_set(record, asked)
				   ? undo_anew(session, record, asked, error)
				   : resume_undo(session, record, asked, error);
	if (restore_session_is_driven(record, error))
		return EXIT_NOT_NOW;
	/* another member leads, and the replicas must follow it */
	if (request->replicas_only && restores && without && !leaderless)
	{
		replicas_before = true;
		restores = false;
	}
	if (restores && request->replicas_only && !without)
	{
		pgbr_error_set(error, PGBR_ERROR_CONFLICT,
					   "restore %s of the replicas only can't be taken back: their files are not "
					   "whole",
					   record->id);
		pgbr_error_hint(error, "The command that began it goes on with it.");
		return EXIT_NOT_NOW;
	}
	if (restores || replicas_before)
	{
		restore_journal_done(journal);
		return restores ? restore_old_timeline(session, record, asked, RESTORE_VERIFY_NO, error)
						: restore_replicas(session, record, asked, error);
	}
	/* without the leader Patroni chooses a new one */
	if (!restore_journal_leave_out(journal, asked, true, error) ||
		!restore_session_confirm(session, "give up the restore and resume Patroni", error))
		return exit_code_of(error);
	restore_run_take_signals(&session->cluster);
	if (!restore_run_take_over(journal, &session->events, error))
		return exit_code_of(error);
	return restore_run_abandon(&session->cluster, journal, &session->events, error);
}

/* The undo has its own way back. That of the restore which it has undone may expire; if that
 * can't be said now, it lapses by itself. */
static void
let_undone_expire(RestoreSession *session)
{
	const char *undone = session->journal.document.undo_of;
	PgbrError error;

	if (undone[0] && !way_back_give_up(&session->cluster, undone, &error))
		restore_events_note(&session->events,
							"what undo of restore %s needed is kept until its time is over: %s",
							undone, error.message);
}

static ExitCode
run_undo(Context *context, const void *argument, const char *operand, PgbrError *error)
{
	const UndoArguments *arguments = argument;
	const JournalRecord *record;
	const JournalRecord *done;
	RestoreRequest asked = {.target.type = RECOVERY_DEFAULT};
	RestoreSession *session;
	ExitCode code;

	if (operand && !pgbr_is_job_id(operand))
	{
		pgbr_error_set(error, PGBR_ERROR_CONFIG, "\"%s\" is not the id of a restore", operand);
		return EXIT_USAGE;
	}
	if (context->format != OUTPUT_PRETTY && context->format != OUTPUT_JSON)
	{
		pgbr_error_set(error, PGBR_ERROR_CONFIG, "undo has only the formats pretty and json");
		return EXIT_USAGE;
	}
	if (arguments->set && !pgbr_is_backup_label(arguments->set))
	{
		pgbr_error_set(error, PGBR_ERROR_CONFIG, "\"%s\" is not the label of a backup",
					   arguments->set);
		pgbr_error_hint(error, "\"" PROGRAM_NAME " info\" shows the labels.");
		return EXIT_USAGE;
	}
	pgbr_copy_text(asked.target.set, sizeof(asked.target.set),
				   arguments->set ? arguments->set : "");
	if (!restore_names_read(&arguments->without, "--without-member", asked.without,
							&asked.without_count, error))
		return exit_code_of(error);
	asked.from_repository = arguments->from_repository;
	asked.way_back_days = way_back_days_read(&arguments->way_back);
	session = restore_session_open(context->format, &arguments->cluster, &context->config->cluster,
								   context->client.settings, arguments->force, &code, error);
	if (session == NULL)
		return code;
	session->no_way_back = arguments->way_back.none;
	done = find_done(session, operand);
	record = done ? NULL : choose_record(session, operand, error);
	if (done)
	{
		restore_events_note(&session->events,
							"this undo was done at %s; \"" PROGRAM_NAME " undo %s\" takes it back",
							done->updated_at, done->id);
		code = restore_session_tell(session, done);
	}
	else if (record == NULL)
		code = exit_code_of(error);
	else if (strcmp(record->state, "active") == 0)
		code = undo_active(session, record, &asked, operand && strcmp(operand, record->id) == 0,
						   error);
	else
		code = restore_old_timeline(session, record, &asked,
									arguments->no_verify ? RESTORE_VERIFY_NO : RESTORE_VERIFY_SMALL,
									error);
	if (code == EXIT_OK && !done)
		let_undone_expire(session);
	if (code != EXIT_OK)
		restore_events_stopped(&session->events, error, code);
	restore_session_close(session);
	return code;
}

const Verb verb_undo = {
	.name = "undo",
	.operand = "[ID]",
	.summary = "take a restore back, whether it is done or has stopped half-way",
	.description =
		"Without an ID it takes back the active restore, or else the newest one that was done. An\n"
		"active undo continues, unless its own ID is given. Before any data was touched, undo "
		"only\n"
		"resumes Patroni. Otherwise it restores the cluster to the end of the timeline that it "
		"was\n"
		"on before. That is a restore like any other, and its ID can be undone, too. A member "
		"that\n"
		"was kept (\"restore --keep-member\") becomes the leader within seconds. Leave out a\n"
		"member that is gone for good with --without-member; \"restore --replicas-only\" brings "
		"it\n"
		"back.\n",
	.options = options,
	.arguments_size = sizeof(UndoArguments),
	.run = run_undo,
};
