/*
 * summary_print.c
 *		See summary_print.h.
 */
#include "ctl/report/summary_print.h"

#include "ctl/print/message.h"
#include "ctl/print/text.h"
#include "program/json.h"

/* A quicker step is not shown to people. */
#define STEP_TOLD_S 0.1

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

static void
put_kept_member(StrBuf *out, const json_t *outcome)
{
	const char *id = json_text(outcome, "id");
	const char *member = json_text(outcome, "kept_member");

	if (member == NULL)
		return;
	strbuf_puts(out, "  kept         ");
	text_put_visible(out, member);
	strbuf_puts(out,
				" is stopped: the way back. Give it up with \"" PROGRAM_NAME " restore --accept ");
	text_put_visible(out, id ? id : "");
	strbuf_puts(out, "\"\n");
}

/* A journal of an older version says nothing of it. */
static void
put_way_back(const json_t *outcome, StrBuf *out)
{
	const json_t *way = json_object_get(outcome, "way_back");
	const char *reason = json_text(way, "reason");

	put_text(out, "kept until", way, "until");
	if (reason == NULL)
		return;
	strbuf_printf(out, "  %-12s ", "no way back");
	if (json_is_null(json_object_get(way, "possible")))
		strbuf_puts(out, "that is known of: ");
	text_put_visible(out, reason);
	strbuf_putc(out, '\n');
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
	put_kept_member(out, outcome);
	put_text(out, "take back", outcome, "undo");
	put_way_back(outcome, out);
}
