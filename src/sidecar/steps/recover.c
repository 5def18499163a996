/*
 * recover.c
 *		Step node-recover: the restored data directory is recovered to its target by a temporary
 *		server, and what was reached is read back. Nobody but us sees that server.
 *
 * Promotion happens once. recovery.signal tells whether it is still to come: PostgreSQL removes it
 * when it promotes. recovered.json is what a run that came that far has found; one that finds
 * neither has been killed in between, and takes what is lost with the server's memory from its log.
 */
#include "sidecar/restore/step_folder.h"
#include "sidecar/restore/recovery_result.h"
#include "sidecar/restore/recovery_server.h"
#include "sidecar/restore/recovery_signal.h"
#include "sidecar/restore/step_tools.h"
#include "sidecar/steps/step_table.h"

#include "program/json.h"
#include "sidecar/queue/job_turn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STARTS_MOST 5 /* of a server that was made a standby, or had too low settings */

static bool
read_target(const StepContext *context, const StepArguments *arguments, RecoveryTarget *target,
			PgbrError *error)
{
	StrBuf text;
	json_t *json = NULL;
	char timeline[16] = "";
	bool ok = false;

	/* nothing was restored here: it goes on to the end of the WAL */
	if (arguments->keep)
	{
		*target =
			(RecoveryTarget){.type = RECOVERY_DEFAULT, .timeline = arguments->target_timeline};
		return true;
	}
	strbuf_init(&text);
	if (!step_folder_read(context, "target.json", &text) ||
		(json = json_parse(text.data, text.length, error)) == NULL)
		pgbr_error_set(error, PGBR_ERROR_NOT_FOUND, "nothing was restored here for this restore");
	else
	{
		long long number = json_number(json, "timeline", 0);

		if (arguments->target_timeline)
			number = arguments->target_timeline;
		if (number)
			snprintf(timeline, sizeof(timeline), "%lld", number);
		ok = recovery_target_parse(target, json_text(json, "type"), json_text(json, "text"),
								   json_flag(json, "exclusive"), NULL, timeline, error);
	}
	if (ok && target->type == RECOVERY_STANDBY)
		ok = pgbr_error_set(error, PGBR_ERROR_CONFLICT,
							"this member was restored as a standby, which is not recovered");
	json_decref(json);
	strbuf_done(&text);
	return ok;
}

static bool
keep_result(StepContext *context, const json_t *result, PgbrError *error)
{
	char *text = json_dumps(result, JSON_COMPACT);
	bool ok = text ? step_folder_write(context, "recovered.json", text, error)
				   : pgbr_error_set(error, PGBR_ERROR_INTERNAL, "out of memory");

	free(text);
	return ok;
}

/* The result of an earlier run, or NULL. */
static json_t *
earlier_result(StepContext *context)
{
	json_t *result = NULL;
	StrBuf text;

	strbuf_init(&text);
	if (step_folder_read(context, "recovered.json", &text))
		result = json_parse(text.data, text.length, NULL);
	strbuf_done(&text);
	return result;
}

static bool
has_file(const StepContext *context, const char *name)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", context->data_directory, name);
	return access(path, F_OK) == 0;
}

/* True when nothing is left to do: promoted, read back and shut down in order. */
static bool
is_done(StepContext *context, const json_t *result)
{
	ControlData control;
	PgbrError error;

	return result && !recovery_signal_is_set(context->data_directory) &&
		   step_control(context, &control, &error) && control_data_is_clean(&control) &&
		   control.timeline == json_number(result, "timeline", 0);
}

/*
 * Whether an earlier run has come as far as the promotion. PostgreSQL has then removed
 * recovery.signal; before that it is missing where another process has removed it, or where the
 * data directory is that of a kept replica.
 */
static bool
find_promoted(StepContext *context, bool *promoted, PgbrError *error)
{
	ControlData control;

	*promoted = false;
	if (recovery_signal_is_set(context->data_directory) || has_file(context, "backup_label"))
		return true;
	if (!step_control(context, &control, error))
		return false;
	*promoted = !control_data_is_replica(&control);
	return true;
}

/* Recover, or start again what is promoted, and read back what was reached. */
static bool
recover(StepContext *context, const StepArguments *arguments, const RecoveryTarget *target,
		RecoveryServer *server, json_t **result, PgbrError *error)
{
	bool promoted = *result != NULL;
	json_t *databases = NULL;
	bool ok;

	*server = (RecoveryServer){0};
	if ((!promoted && !find_promoted(context, &promoted, error)) ||
		(!promoted && !recovery_signal_set(context->data_directory, error)) ||
		!recovery_signal_forget_standby(context->data_directory, error))
		return false;
	ok = recovery_server_start(server, context, target, arguments->fence, error);
	server->replay_bytes = arguments->replay_bytes;
	ok = ok && recovery_server_wait(server, error);
	if (ok && *result == NULL)
		databases = recovery_result_ask(context, server->socket_folder);
	if (ok && step_is_stopped(context))
		ok = pgbr_error_set(error, PGBR_ERROR_ABORTED, "recovery was stopped");
	if (!recovery_server_stop(server, ok ? error : NULL))
		ok = false;
	if (ok && *result == NULL)
	{
		ok = recovery_result_gather(context, result, error);
		if (ok)
			json_object_set(*result, "invalid_databases", databases);
		ok = ok && keep_result(context, *result, error);
	}
	json_decref(databases);
	return ok;
}

bool
step_recover(StepContext *context, const StepArguments *arguments, Job *job, PgbrError *error)
{
	RecoveryTarget target;
	RecoveryServer server;
	json_t *result;
	bool ok;

	(void) job;
	if (!read_target(context, arguments, &target, error) || !step_must_be_down(context, error))
		return false;
	result = earlier_result(context);
	if (is_done(context, result))
	{
		step_log(context, "recovery was already complete: nothing to do");
		context->result = result;
		return !arguments->fence || recovery_server_close(context, error);
	}
	job_queue_progress(context->queue, &(JobProgress){"replaying WAL", 0, -1, -1});
	for (int starts = 1;; starts++)
	{
		ok = recover(context, arguments, &target, &server, &result, error);
		/* a standby has replayed nothing past the target: it stops there, too */
		if (ok || starts == STARTS_MOST || error->code == PGBR_ERROR_ABORTED ||
			(!server.log.standby && !recovery_server_had_too_little(&server)))
			break;
		step_log(context, "%s; starting the private recovery server again", error->message);
		if (!step_must_be_down(context, error))
			break;
	}
	if (ok)
		context->result = result;
	else
		json_decref(result);
	return ok;
}
