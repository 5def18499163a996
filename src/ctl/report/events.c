/*
 * events.c
 *		See events.h. What the summary says to people is in summary_print.c.
 */
#include "ctl/report/events.h"

#include "ctl/plan/plan_json.h"
#include "ctl/print/output.h"
#include "ctl/print/text.h"
#include "ctl/report/summary_print.h"
#include "program/clock.h"
#include "program/json.h"

#include <stdarg.h>
#include <string.h>

/* A shorter wait is not shown to people. */
#define WAIT_TOLD_S 1.0

void
restore_events_init(RestoreEvents *events, FILE *out, bool json)
{
	memset(events, 0, sizeof(*events));
	events->out = out;
	events->json = json;
	events->on_terminal = !json && output_terminal_columns(out) > 0;
}

static void
erase_line(RestoreEvents *events)
{
	if (events->drawn > 0)
		fprintf(events->out, "\r%*s\r", events->drawn, "");
	events->drawn = 0;
}

static void
events_put_line(RestoreEvents *events, const char *text)
{
	StrBuf line;

	strbuf_init(&line);
	text_put_visible(&line, text);
	erase_line(events);
	fprintf(events->out, "%s\n", line.data);
	fflush(events->out);
	strbuf_done(&line);
}

static json_t *
new_event(const char *event)
{
	json_t *json = json_object();
	char now[CLOCK_TEXT_SIZE];

	clock_format(clock_now_ms(), now);
	json_put_text(json, "time", now);
	json_put_text(json, "event", event);
	return json;
}

static void
put_event(RestoreEvents *events, json_t *json)
{
	StrBuf line;

	strbuf_init(&line);
	if (json_write(json, &line))
		fprintf(events->out, "%s\n", line.data);
	fflush(events->out);
	strbuf_done(&line);
	json_decref(json);
}

void
restore_events_plan(RestoreEvents *events, const RestorePlan *plan, bool resumed)
{
	json_t *json;

	if (!events->json)
		return;
	json = new_event("plan");
	json_object_set_new(json, "resumed", json_boolean(resumed));
	json_object_set_new(json, "plan", restore_plan_json(plan));
	put_event(events, json);
}

void
restore_events_step(RestoreEvents *events, RestoreStep step, RestoreStepState state, double seconds,
					const char *message)
{
	const RestoreStepInfo *info = restore_step_info(step);
	const char *word = restore_step_state_name(state);
	char text[1400];

	if (events->json)
	{
		json_t *json = new_event("step");

		json_put_text(json, "step", info->name);
		json_put_text(json, "state", word);
		if (state != RESTORE_STEP_STARTED)
			json_object_set_new(json, "seconds", json_real(seconds));
		if (message)
			json_put_text(json, "message", message);
		put_event(events, json);
		return;
	}
	if (state == RESTORE_STEP_STARTED)
		snprintf(text, sizeof(text), "%s: %s", info->name, info->text);
	else if (state == RESTORE_STEP_DONE)
		snprintf(text, sizeof(text), "%s: done in %.1f s", info->name, seconds);
	else
		snprintf(text, sizeof(text), "%s: %s%s%s", info->name, word, message ? ": " : "",
				 message ? message : "");
	events_put_line(events, text);
}

static void
put_job_event(RestoreEvents *events, RestoreStep step, const char *member, const JobView *job)
{
	json_t *json = new_event("progress");
	double left = progress_seconds_left(&events->progress);

	json_put_text(json, "step", restore_step_info(step)->name);
	json_put_text(json, "member", member);
	json_put_text(json, "job", job->id);
	json_put_text(json, "state", pgbr_job_state_name(job->state));
	json_put_text(json, "phase", job->phase);
	json_object_set_new(json, "percent", job->percent < 0 ? json_null() : json_real(job->percent));
	json_object_set_new(json, "bytes_done",
						job->bytes_done < 0 ? json_null() : json_integer(job->bytes_done));
	json_object_set_new(json, "bytes_total",
						job->bytes_total < 0 ? json_null() : json_integer(job->bytes_total));
	json_object_set_new(json, "seconds_left", left < 0 ? json_null() : json_real(left));
	put_event(events, json);
}

static void
draw_bar(RestoreEvents *events, const char *member)
{
	/* a terminal wraps when its last column is written */
	int columns = output_terminal_columns(events->out) - 1;
	int width;
	StrBuf line;

	strbuf_init(&line);
	strbuf_printf(&line, "  %s: ", member);
	progress_put_bar(&events->progress, columns - text_width(line.data), &line);
	width = text_width(line.data);
	if (events->drawn > columns)
		events->drawn = columns;
	fprintf(events->out, "\r%s%*s", line.data, events->drawn > width ? events->drawn - width : 0,
			"");
	fflush(events->out);
	events->drawn = width;
	strbuf_done(&line);
}

void
restore_events_job(RestoreEvents *events, RestoreStep step, const char *member, const JobView *job)
{
	char of[160];
	bool changed;
	StrBuf words;

	snprintf(of, sizeof(of), "%d %s", (int) step, member);
	if (strcmp(of, events->progress_of) != 0)
	{
		memset(&events->progress, 0, sizeof(events->progress));
		strcpy(events->progress_of, of);
	}
	changed = progress_note(&events->progress, job, (double) clock_monotonic_ms() / 1000);
	if (events->json)
	{
		if (changed)
			put_job_event(events, step, member, job);
		return;
	}
	if (pgbr_job_state_is_final(job->state))
		return;
	if (events->on_terminal)
	{
		draw_bar(events, member);
		return;
	}
	if (!changed || job->state == PGBR_STATE_QUEUED)
		return;
	strbuf_init(&words);
	strbuf_printf(&words, "  %s: ", member);
	progress_put_words(&events->progress, &words);
	events_put_line(events, words.data);
	strbuf_done(&words);
}

void
restore_events_wait(RestoreEvents *events, const char *what, double seconds)
{
	char text[400];

	if (events->json)
	{
		json_t *json = new_event("wait");

		json_put_text(json, "for", what);
		json_object_set_new(json, "seconds", json_real(seconds));
		put_event(events, json);
	}
	else if (seconds >= WAIT_TOLD_S)
	{
		snprintf(text, sizeof(text), "  waited %.1f s for %s", seconds, what);
		events_put_line(events, text);
	}
}

void
restore_events_note(RestoreEvents *events, const char *format, ...)
{
	char text[1400];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	if (events->json)
	{
		json_t *json = new_event("note");

		json_put_text(json, "message", text);
		put_event(events, json);
	}
	else
		events_put_line(events, text);
}

void
restore_events_refusal(RestoreEvents *events, const RestoreRefusal *refusal)
{
	json_t *json = new_event("refused");

	events->ended = true;
	json_object_set_new(json, "refusal", restore_refusal_json(refusal));
	put_event(events, json);
}

void
restore_events_stopped(RestoreEvents *events, const PgbrError *error, int exit_code)
{
	json_t *json;

	if (!events->json || events->ended)
		return;
	json = new_event("stopped");
	json_object_set_new(json, "exit_code", json_integer(exit_code));
	json_put_text(json, "error", pgbr_error_code_name(error->code));
	json_put_text(json, "message", error->message);
	json_put_text(json, "detail", error->detail[0] ? error->detail : NULL);
	json_put_text(json, "hint", error->hint[0] ? error->hint : NULL);
	put_event(events, json);
}

void
restore_events_summary(RestoreEvents *events, const json_t *outcome)
{
	StrBuf text;

	events->ended = true;
	if (events->json)
	{
		json_t *json = new_event("summary");

		json_object_update_missing(json, (json_t *) outcome);
		put_event(events, json);
		return;
	}
	strbuf_init(&text);
	restore_summary_put(outcome, &text);
	erase_line(events);
	fprintf(events->out, "%s", text.data);
	fflush(events->out);
	strbuf_done(&text);
}
