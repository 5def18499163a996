/*
 * summary.c
 *		See summary.h.
 */
#include "ctl/restore/summary.h"

#include "ctl/print/message.h"
#include "ctl/print/text.h"
#include "program/clock.h"
#include "program/json.h"

#include <stdio.h>
#include <string.h>

/* A step that was quicker is not told to people. */
#define STEP_TOLD_S 0.1

/* Seconds from one moment of the journal to another; -1 when either is unknown. */
static double
seconds_between(const char *from, const char *to)
{
	int64_t a;
	int64_t b;

	if (from == NULL || to == NULL || !clock_parse(from, &a) || !clock_parse(to, &b))
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

	for (int i = 0; i < journal->plan.request.without_count; i++)
		json_array_append_new(names, json_string(journal->plan.request.without[i]));
	return names;
}

/* The steps with their lengths; *began is the first one's start, *writes the end of the hand-over. */
static json_t *
describe_steps(const RestoreJournal *journal, const char **began, const char **ended,
			   const char **writes)
{
	json_t *steps = json_array();
	size_t index;
	json_t *entry;

	json_array_foreach(json_object_get(journal->document, "steps"), index, entry)
	{
		const char *name = json_text(entry, "step");
		const char *from = json_text(entry, "started_at");
		const char *to = json_text(entry, "finished_at");
		double seconds = seconds_between(from, to);
		json_t *step = json_object();

		if (*began == NULL)
			*began = from;
		if (to)
			*ended = to;
		if (name && to && strcmp(name, restore_step_info(RESTORE_HAND_OVER)->name) == 0)
			*writes = to;
		json_put_text(step, "step", name);
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

json_t *
restore_summary_make(const RestoreJournal *journal, const char *result, json_t *waits)
{
	const RestorePlan *plan = &journal->plan;
	const json_t *recovered = restore_journal_result(journal, RESTORE_RECOVER);
	const char *began = NULL;
	const char *ended = NULL;
	const char *writes = NULL;
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
	json_object_set_new(outcome, "left_out", describe_left_out(journal));
	json_put_text(outcome, "backup_job",
				  json_text(restore_journal_result(journal, RESTORE_BACKUP), "id"));
	snprintf(undo, sizeof(undo), PROGRAM_NAME " undo %s", plan->id);
	json_put_text(outcome, "undo", recovered ? undo : NULL);
	return outcome;
}

static void
put_text(StrBuf *out, const char *label, const json_t *object, const char *key)
{
	const char *text = json_text(object, key);

	if (text == NULL || text[0] == '\0')
		return;
	strbuf_printf(out, "  %-12s ", label);
	text_put_visible(out, text);
	strbuf_putc(out, '\n');
}

static void
put_steps(const json_t *outcome, StrBuf *out)
{
	size_t index;
	json_t *step;

	strbuf_puts(out, "  steps       ");
	json_array_foreach(json_object_get(outcome, "steps"), index, step)
	{
		double seconds = json_number_value(json_object_get(step, "seconds"));
		const char *name = json_text(step, "step");

		if (name && seconds >= STEP_TOLD_S)
			strbuf_printf(out, " %s %.1f s;", name, seconds);
	}
	if (json_is_real(json_object_get(outcome, "seconds")))
		strbuf_printf(out, " in all %.1f s", json_real_value(json_object_get(outcome, "seconds")));
	strbuf_putc(out, '\n');
	if (json_is_real(json_object_get(outcome, "seconds_to_writes")))
		strbuf_printf(out, "  %-12s after %.1f s\n", "writes",
					  json_real_value(json_object_get(outcome, "seconds_to_writes")));
}

void
restore_summary_put(const json_t *outcome, StrBuf *out)
{
	const json_t *reached = json_object_get(outcome, "reached");
	const char *result = json_text(outcome, "result");
	const char *id = json_text(outcome, "id");
	size_t index;
	json_t *name;

	strbuf_puts(out, "restore ");
	text_put_visible(out, id ? id : "?");
	strbuf_puts(out, ": ");
	text_put_visible(out, result ? result : "?");
	strbuf_putc(out, '\n');
	put_text(out, "leader", outcome, "leader");
	put_text(out, "backup set", outcome, "set");
	if (json_is_object(reached))
	{
		strbuf_printf(out, "  %-12s %lld\n", "timeline", json_number(outcome, "timeline", 0));
		put_text(out, "reached LSN", reached, "lsn");
		put_text(out, "last commit", reached, "time");
		put_text(out, "next xid", reached, "next_xid");
		put_text(out, "ended", reached, "reason");
	}
	put_steps(outcome, out);
	put_text(out, "kept", outcome, "kept");
	put_text(out, "backup job", outcome, "backup_job");
	json_array_foreach(json_object_get(outcome, "left_out"), index, name)
	{
		strbuf_puts(out, "  left out     ");
		text_put_visible(out, json_string_value(name) ? json_string_value(name) : "?");
		strbuf_puts(out, ": bring it back with \"" PROGRAM_NAME " restore --replicas-only "
						 "--member=");
		text_put_visible(out, json_string_value(name) ? json_string_value(name) : "?");
		strbuf_puts(out, "\"\n");
	}
	put_text(out, "take back", outcome, "undo");
}
