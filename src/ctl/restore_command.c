/*
 * restore_command.c
 *		See restore_command.h.
 */
#include "ctl/restore_command.h"

#include "ctl/message.h"
#include "ctl/restore_show.h"
#include "ctl/restore_steps.h"
#include "program/clock.h"
#include "program/json.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Within this time the same request again is taken for a repetition, not for a second restore. */
#define REPEAT_MS 600000

/* Where the members are is in the journals too; whoever knows one member learns of the others. */
static bool
learn_members(RestoreCommand *command, PgbrError *error)
{
	const RestoreRecord *active = restore_list_active(&command->list);
	size_t index;
	json_t *member;
	int before = command->cluster.count;

	json_array_foreach(json_object_get(active ? active->document : NULL, "members"), index, member)
	{
		const char *name = json_text(member, "name");

		if (name && !cluster_add(&command->cluster, name, json_text(member, "api_url"),
								 json_text(member, "sidecar_url"), error))
			return false;
	}
	if (command->cluster.count == before)
		return true;
	restore_list_done(&command->list);
	return restore_list_get(&command->list, &command->cluster, error);
}

RestoreCommand *
restore_command_open(const Context *context, const ClusterArguments *arguments, bool force,
					 ExitCode *code, PgbrError *error)
{
	RestoreCommand *command = calloc(1, sizeof(*command));
	PgbrError reason = PGBR_ERROR_INIT;

	*code = EXIT_FAILED;
	if (command == NULL)
	{
		pgbr_error_set(error, PGBR_ERROR_INTERNAL, "out of memory");
		return NULL;
	}
	command->context = context;
	command->force = force;
	restore_events_init(&command->events, stdout, context->format == OUTPUT_JSON);
	if (cluster_init(&command->cluster, arguments, context->client.settings, error) &&
		(cluster_refresh(&command->cluster, &reason) || command->cluster.count > 0) &&
		restore_list_get(&command->list, &command->cluster, error) && learn_members(command, error))
	{
		restore_list_settle(&command->list, &command->cluster);
		return command;
	}
	if (reason.code != PGBR_ERROR_NONE && command->cluster.count == 0)
		*error = reason;
	*code = exit_code_of(error);
	restore_command_close(command);
	return NULL;
}

void
restore_command_close(RestoreCommand *command)
{
	restore_journal_done(&command->journal);
	restore_list_done(&command->list);
	free(command);
}

/* What Patroni won't take from us is to be known before anything stops; one that is away may come back. */
static bool
check_access(const RestoreCommand *command, PgbrError *error)
{
	for (int i = 0; i < command->cluster.count; i++)
	{
		const ClusterMember *member = &command->cluster.members[i];

		if (member->patroni.name[0] && member->api_url[0] &&
			!patroni_check_access(&command->cluster.patroni, member->api_url, error) &&
			error->code == PGBR_ERROR_FORBIDDEN)
			return false;
	}
	return true;
}

bool
restore_command_confirm(const RestoreCommand *command, const char *what, PgbrError *error)
{
	const char *name = command->journal.plan.scope;
	char line[256];

	if (!check_access(command, error))
		return false;
	if (command->force)
		return true;
	if (!isatty(STDIN_FILENO))
	{
		pgbr_error_set(error, PGBR_ERROR_CONFIG, "there is no terminal to confirm at");
		return pgbr_error_hint(error, "--force does it without being asked.");
	}
	fprintf(stderr, "This will %s. Type the cluster's name, \"%s\", to go on: ", what, name);
	fflush(stderr);
	if (fgets(line, sizeof(line), stdin) == NULL)
		line[0] = '\0';
	line[strcspn(line, "\r\n")] = '\0';
	if (!restore_run_interrupted() && strcmp(line, name) == 0)
		return true;
	return pgbr_error_set(error, PGBR_ERROR_ABORTED, "not confirmed; nothing was changed");
}

bool
restore_command_is_driven(const RestoreRecord *record, PgbrError *error)
{
	if (record->holder_seconds_left <= 0)
		return false;
	pgbr_error_set(error, PGBR_ERROR_RESTORE_IN_PROGRESS, "restore %s is being done", record->id);
	pgbr_error_detail(error, "Whoever does it has the lock for another %d s.",
					  record->holder_seconds_left);
	pgbr_error_hint(error, "\"" PROGRAM_NAME " status\" shows how far it is.");
	return true;
}

bool
restore_command_is_done(const RestoreRecord *record)
{
	const char *result = json_text(json_object_get(record->document, "outcome"), "result");

	return strcmp(record->state, "done") == 0 && result && strcmp(result, "done") == 0;
}

const RestoreRecord *
restore_command_just_done(const RestoreCommand *command)
{
	const RestoreRecord *newest = command->list.records;
	int64_t ended;

	return command->list.count > 0 && restore_command_is_done(newest) &&
				   clock_parse(newest->updated_at, &ended) && clock_now_ms() - ended <= REPEAT_MS
			   ? newest
			   : NULL;
}

ExitCode
restore_command_tell(RestoreCommand *command, const RestoreRecord *record)
{
	restore_events_summary(&command->events, json_object_get(record->document, "outcome"));
	return EXIT_OK;
}

ExitCode
restore_command_resume(RestoreCommand *command, const RestoreRecord *record,
					   const RestoreRequest *request, PgbrError *error)
{
	if (!restore_journal_read(&command->journal, &command->cluster, record, error) ||
		!restore_journal_leave_out(&command->journal, request, false, error) ||
		!restore_command_confirm(command, "go on with the restore that was begun", error))
		return exit_code_of(error);
	restore_run_take_signals(&command->cluster);
	if (!command->events.json)
		restore_events_note(&command->events, "going on with restore %s", record->id);
	if (!restore_run_take_over(&command->journal, &command->events, error))
		return exit_code_of(error);
	return restore_run(&command->cluster, &command->journal, &command->events, error);
}

/* What a restore keeps of the one whose place it takes: the way back is still that one's. */
static bool
inherit(RestoreCommand *command, const RestoreRecord *active, PgbrError *error)
{
	json_t *document = command->journal.document;
	json_t *mark = json_object_get(active->document, "mark");
	RestoreJournal before;
	bool ok = restore_journal_read(&before, &command->cluster, active, error);
	bool touched;
	bool handed_over;
	bool serves;

	strcpy(command->journal.replaces, active->id);
	json_put_text(document, "replaces", active->id);
	/* its pause, and the fences of its replicas, are to be ended by this one */
	if (ok && (before.states[RESTORE_PAUSE] != RESTORE_STEP_PENDING ||
			   json_flag(before.document, "paused_before")))
		json_object_set_new(document, "paused_before", json_true());
	touched = ok && restore_journal_touched(&before);
	/* Patroni may have opened the leader though nobody has seen it */
	handed_over = ok && (before.states[RESTORE_HAND_OVER] != RESTORE_STEP_PENDING ||
						 (json_flag(before.document, "handed_over_before") &&
						  !restore_state_touched(&before.plan, before.states)));
	serves = ok && (restore_journal_serves(&before) ||
					(handed_over && !command->journal.plan.broken_leader));
	/* the leader's data is good, and that of the replicas is not, or has not been let in */
	if (serves && (touched || json_flag(before.document, "replicas_before")))
		json_object_set_new(document, "replicas_before", json_true());
	if (touched && !serves)
	{
		json_object_set_new(document, "touched_before", json_true());
		json_object_set_new(document, "handed_over_before", json_boolean(handed_over));
		if (mark)
			json_object_set(document, "mark", mark);
		command->journal.plan.old_timeline = before.plan.old_timeline;
		json_object_set_new(document, "plan", restore_plan_json(&command->journal.plan));
	}
	restore_journal_done(&before);
	return ok;
}

static ExitCode
refuse(RestoreCommand *command, const RestoreRefusal *refusal, PgbrError *error)
{
	if (refusal->error.code == PGBR_ERROR_NONE || !command->events.json)
		return restore_show_refusal(command->context, refusal, error);
	*error = refusal->error;
	restore_events_refusal(&command->events, refusal);
	return error->code == PGBR_ERROR_CONFLICT ? EXIT_PLAN_REFUSED : exit_code_of(error);
}

ExitCode
restore_command_begin(RestoreCommand *command, const RestoreRequest *request,
					  RestoreVerifying verifying, const RestoreRecord *active,
					  const RestoreRecord *undone, PgbrError *error)
{
	RestoreDecision how = {
		.verifying = verifying, .retry = active != NULL, .tell = restore_show_progress};
	RestoreRefusal refusal = {.nearest_count = 0};
	RestorePlan before;
	RestorePlan plan;
	json_t *mark;

	if (active && restore_plan_read(json_object_get(active->document, "plan"), &before, NULL))
		how.before = &before;
	if (!restore_decide(&command->cluster, request, &how, &plan, &refusal, error))
		return refuse(command, &refusal, error);
	if (!restore_journal_begin(&command->journal, &command->cluster, &plan, error) ||
		(active && !inherit(command, active, error)))
		return exit_code_of(error);
	if (undone)
	{
		json_put_text(command->journal.document, "undo_of", undone->id);
		mark = json_object_get(undone->document, "mark");
		if (mark)
			json_object_set(command->journal.document, "target_mark", mark);
	}
	if (!command->events.json && !restore_show_plan(command->context, &plan, error))
		return exit_code_of(error);
	if (!restore_command_confirm(command,
								 plan.request.replicas_only
									 ? "replace the data of these replicas"
									 : "replace the data of every member by that of this moment",
								 error))
		return exit_code_of(error);
	restore_run_take_signals(&command->cluster);
	return restore_run(&command->cluster, &command->journal, &command->events, error);
}
