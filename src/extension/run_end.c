/*
 * run_end.c
 *		See run_end.h.
 */
#include "postgres.h"

#include "extension/answer.h"
#include "extension/run_end.h"
#include "extension/sidecar.h"

bool
run_end_is_final(Jsonb *job, PgbrJobState *state)
{
	char *text = answer_text(&job->root, "state");

	return text && pgbr_job_state_parse(text, state) && pgbr_job_state_is_final(*state);
}

void
run_end_describe(Jsonb *job, const PgbrError *error, RunEnd *end)
{
	PgbrJobState state;

	*end = (RunEnd){.exit_code = -1, .outcome = PGBR_OUTCOME_FAILED};
	if (job && run_end_is_final(job, &state))
	{
		if (state == PGBR_STATE_SUCCEEDED)
			end->outcome = PGBR_OUTCOME_SUCCEEDED;
		else if (state == PGBR_STATE_CANCELLED)
			end->outcome = PGBR_OUTCOME_CANCELLED;
		end->label = answer_text(&job->root, "label");
		end->exit_code = answer_int(&job->root, "exit_code", -1);
		end->error = answer_text(&job->root, "error");
		end->message = answer_text(&job->root, "message");
		end->hint = answer_text(&job->root, "hint");
		return;
	}
	end->error = pgbr_error_code_name(error->code);
	end->message = sidecar_error_text(error->message);
	end->hint = error->hint[0] ? sidecar_error_text(error->hint) : NULL;
}

void
run_end_report(PgbrBackupType type, const RunEnd *end, PgbrSequel sequel)
{
	ereport(LOG, (errmsg("pgbackrest_ctl: scheduled %s backup %s%s%s", pgbr_backup_type_name(type),
						 end->outcome == PGBR_OUTCOME_SUCCEEDED		? "succeeded: "
						 : end->outcome == PGBR_OUTCOME_CANCELLED	? "was cancelled"
						 : end->outcome == PGBR_OUTCOME_INTERRUPTED ? "was interrupted"
																	: "failed: ",
						 end->label											   ? end->label
						 : end->outcome == PGBR_OUTCOME_FAILED && end->message ? end->message
																			   : "",
						 sequel == PGBR_SEQUEL_GIVE_UP ? "; it was tried often enough"
						 : sequel == PGBR_SEQUEL_OWED  ? "; it is tried again"
													   : "")));
}
