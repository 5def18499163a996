/*
 * cmd_undo.c
 *		The verb undo.
 */
#include "ctl/commands.h"

#include "common/vocabulary.h"
#include "ctl/message.h"
#include "ctl/restore_command.h"
#include "program/json.h"

#include <string.h>

typedef struct UndoArguments
{
	ClusterArguments cluster;
	bool force;
} UndoArguments;

static const OptionSpec options[] = {
	{"force", 0, OPTION_FLAG, ARGUMENT(UndoArguments, force), NULL, NULL, 0, 0,
	 "don't ask for the cluster's name", false},
	CLUSTER_OPTIONS(UndoArguments, cluster),
	{NULL},
};

/* A restore that has changed the cluster's data, which is what can be taken back. */
static bool
has_changed_data(const RestoreRecord *record)
{
	const char *result = json_text(json_object_get(record->document, "outcome"), "result");
	RestorePlan plan;
	PgbrError ignored;

	return strcmp(record->state, "done") == 0 && result && strcmp(result, "done") == 0 &&
		   restore_plan_read(json_object_get(record->document, "plan"), &plan, &ignored) &&
		   !plan.request.replicas_only;
}

static const RestoreRecord *
choose(const RestoreCommand *command, const char *id, PgbrError *error)
{
	const RestoreRecord *active = restore_list_active(&command->list);
	const RestoreRecord *record = id ? restore_list_find(&command->list, id) : active;

	for (int i = 0; id == NULL && record == NULL && i < command->list.count; i++)
	{
		if (has_changed_data(&command->list.records[i]))
			record = &command->list.records[i];
	}
	if (record == NULL && id)
		pgbr_error_set(error, PGBR_ERROR_NOT_FOUND, "no restore \"%s\" is known", id);
	else if (record == NULL)
		pgbr_error_set(error, PGBR_ERROR_NOT_FOUND, "no restore is known that could be taken back");
	else if (active && record != active)
	{
		pgbr_error_set(error, PGBR_ERROR_RESTORE_IN_PROGRESS,
					   "restore %s is not finished, and comes first", active->id);
		record = NULL;
	}
	else if (record != active && !has_changed_data(record))
	{
		pgbr_error_set(error, PGBR_ERROR_CONFLICT, "restore %s has changed no data of the cluster",
					   record->id);
		record = NULL;
	}
	return record;
}

/* Back to the timeline that was left, to its end. */
static ExitCode
restore_old_timeline(RestoreCommand *command, const RestoreRecord *record, PgbrError *error)
{
	RestoreRequest request = {.undo = true};
	RestorePlan plan;
	bool active = strcmp(record->state, "active") == 0;

	if (!restore_plan_read(json_object_get(record->document, "plan"), &plan, error))
		return exit_code_of(error);
	request.target.type = RECOVERY_DEFAULT;
	request.target.timeline = plan.old_timeline;
	request.without_count = plan.request.without_count;
	memcpy(request.without, plan.request.without, sizeof(request.without));
	return restore_command_begin(command, &request, RESTORE_VERIFY_SMALL, active ? record : NULL,
								 record, error);
}

static ExitCode
undo_active(RestoreCommand *command, const RestoreRecord *record, PgbrError *error)
{
	RestoreJournal *journal = &command->journal;
	bool touched;

	if (restore_command_is_driven(record, error))
		return EXIT_NOT_NOW;
	if (!restore_journal_read(journal, &command->cluster, record, error))
		return exit_code_of(error);
	touched = restore_state_touched(&journal->plan, journal->states) ||
			  json_flag(journal->document, "touched_before");
	if (touched && journal->plan.request.replicas_only)
	{
		pgbr_error_set(error, PGBR_ERROR_CONFLICT,
					   "restore %s of the replicas only can't be taken back: their files are not "
					   "whole",
					   record->id);
		pgbr_error_hint(error, "The command that began it goes on with it.");
		return EXIT_NOT_NOW;
	}
	if (touched && journal->plan.request.undo)
		return restore_command_resume(command, record, error);
	if (touched)
	{
		restore_journal_done(journal);
		return restore_old_timeline(command, record, error);
	}
	if (!restore_command_confirm(command, "give up the restore and resume Patroni", error))
		return exit_code_of(error);
	restore_run_take_signals(&command->cluster);
	if (!restore_run_take_over(journal, &command->events, error))
		return exit_code_of(error);
	return restore_run_abandon(&command->cluster, journal, &command->events, error);
}

static ExitCode
run(Context *context, const void *argument, const char *operand, PgbrError *error)
{
	const UndoArguments *arguments = argument;
	const RestoreRecord *record;
	RestoreCommand *command;
	ExitCode code;

	if (operand && !pgbr_is_job_id(operand))
	{
		pgbr_error_set(error, PGBR_ERROR_CONFIG, "\"%s\" is not the id of a restore", operand);
		return EXIT_USAGE;
	}
	if (context->format != OUTPUT_PRETTY && context->format != OUTPUT_JSON)
	{
		pgbr_error_set(error, PGBR_ERROR_CONFIG, "undo tells its progress in pretty or json");
		return EXIT_USAGE;
	}
	command = restore_command_open(context, &arguments->cluster, arguments->force, &code, error);
	if (command == NULL)
		return code;
	record = choose(command, operand, error);
	if (record == NULL)
		code = exit_code_of(error);
	else if (strcmp(record->state, "active") == 0)
		code = undo_active(command, record, error);
	else
		code = restore_old_timeline(command, record, error);
	if (code != EXIT_OK)
		restore_events_stopped(&command->events, error, code);
	restore_command_close(command);
	return code;
}

const Command cmd_undo = {
	.name = "undo",
	.operand = "[ID]",
	.summary = "take a restore back, whether it is done or has stopped half-way",
	.description =
		"Without an ID it is the active restore, or the newest one that was done. As long as no "
		"data "
		"was\n"
		"touched, Patroni is resumed and that is all. Else the cluster is restored to the end of "
		"the "
		"timeline\n"
		"that it was on before. That is a restore like any other, and can be taken back itself.\n",
	.options = options,
	.arguments_size = sizeof(UndoArguments),
	.run = run,
};
