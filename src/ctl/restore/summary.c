/*
 * summary.c
 *		See summary.h.
 */
#include "ctl/restore/summary.h"

#include "ctl/print/message.h"
#include "program/clock.h"
#include "program/json.h"

#include <stdio.h>
#include <string.h>

/* Seconds between two moments of the journal; -1 when one is unknown, "". */
static double
seconds_between(const char *from, const char *to)
{
	int64_t a;
	int64_t b;

	if (!clock_parse(from, &a) || !clock_parse(to, &b))
		return -1;
	return (double) (b - a) / 1000;
}

static json_t *
describe_reached(const RestoreJournal *journal)
{
	const json_t *recovered = restore_journal_result(journal, RESTORE_RECOVER);
	json_t *reached;

	if (recovered == NULL)
		return json_null();
	reached = json_object();
	json_put_text(reached, "time", json_text(recovered, "last_xact_time"));
	json_put_text(reached, "lsn", json_text(recovered, "fork_lsn"));
	json_put_text(reached, "xid", json_text(recovered, "last_xid"));
	json_put_text(reached, "next_xid", json_text(recovered, "next_xid"));
	json_put_text(reached, "reason", json_text(recovered, "reason"));
	return reached;
}

static json_t *
describe_left_out(const RestoreJournal *journal)
{
	json_t *names = json_array();

	for (int i = 0; i < journal->document.plan.request.without_count; i++)
		json_array_append_new(names, json_string(journal->document.plan.request.without[i]));
	return names;
}

/*
 * The steps with their lengths. *began is the start of the first, *writes the end of the hand-
 * over.
 */
static json_t *
describe_steps(const RestoreJournal *journal, const char **began, const char **ended,
			   const char **writes)
{
	json_t *steps = json_array();

	for (int i = 0; i < journal->document.step_count; i++)
	{
		const JournalStep *entry = &journal->document.steps[i];
		double seconds = seconds_between(entry->started_at, entry->finished_at);
		json_t *step = json_object();

		if (*began[0] == '\0')
			*began = entry->started_at;
		if (entry->finished_at[0])
			*ended = entry->finished_at;
		if (entry->finished_at[0] && entry->step == RESTORE_HAND_OVER)
			*writes = entry->finished_at;
		json_put_text(step, "step", restore_step_info(entry->step)->name);
		json_object_set_new(step, "seconds", seconds < 0 ? json_null() : json_real(seconds));
		json_array_append_new(steps, step);
	}
	return steps;
}

static json_t *
real_or_null(double seconds)
{
	return seconds < 0 ? json_null() : json_real(seconds);
}

/* What undo would start from, and until when that is kept; or why there is no way back. */
static json_t *
describe_way_back(const RestoreJournal *journal)
{
	const WayBack *way = &journal->document.plan.way_back;
	const json_t *kept = restore_journal_result(journal, RESTORE_KEEP_WAY_BACK);
	json_t *json = json_object();

	json_put_text(json, "set", way->set[0] ? way->set : NULL);
	json_put_text(json, "until", json_text(kept, "until"));
	json_put_text(json, "reason", way->reason[0] ? way->reason : NULL);
	return json;
}

json_t *
restore_summary_make(const RestoreJournal *journal, const char *result, json_t *waits)
{
	const RestorePlan *plan = &journal->document.plan;
	const json_t *recovered = restore_journal_result(journal, RESTORE_RECOVER);
	const char *began = "";
	const char *ended = "";
	const char *writes = "";
	json_t *outcome = json_object();
	json_t *steps = describe_steps(journal, &began, &ended, &writes);
	char undo[128];

	json_put_text(outcome, "id", plan->id);
	json_put_text(outcome, "result", result);
	json_put_text(outcome, "cluster", plan->scope);
	json_put_text(outcome, "leader", plan->leader);
	json_put_text(outcome, "set", plan->set);
	json_object_set_new(outcome, "timeline",
						recovered ? json_integer(json_number(recovered, "timeline", 0))
								  : json_null());
	json_object_set_new(outcome, "reached", describe_reached(journal));
	json_object_set_new(outcome, "steps", steps);
	json_object_set(outcome, "waits", waits ? waits : json_null());
	json_object_set_new(outcome, "seconds_to_writes", real_or_null(seconds_between(began, writes)));
	json_object_set_new(outcome, "seconds", real_or_null(seconds_between(began, ended)));
	json_put_text(outcome, "kept",
				  json_text(restore_journal_result(journal, RESTORE_KEEP_OLD), "path"));
	json_put_text(outcome, "kept_member", plan->request.keep[0] ? plan->request.keep : NULL);
	json_object_set_new(outcome, "left_out", describe_left_out(journal));
	json_put_text(outcome, "backup_job",
				  json_text(restore_journal_result(journal, RESTORE_BACKUP), "id"));
	snprintf(undo, sizeof(undo), PROGRAM_NAME " undo %s", plan->id);
	json_put_text(outcome, "undo", recovered && plan->way_back.set[0] ? undo : NULL);
	json_object_set_new(outcome, "way_back", recovered ? describe_way_back(journal) : json_null());
	return outcome;
}
