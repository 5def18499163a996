/*
 * plan_print.c
 *		See plan_print.h.
 */
#include "ctl/report/plan_print.h"

#include "ctl/plan/plan_json.h"
#include "ctl/print/text.h"
#include "ctl/print/units.h"

#include <inttypes.h>
#include <string.h>

/* Characters that need no quotes in a shell. */
#define PLAIN_WORD "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:/+-"

#define BY_HAND "        by hand: "

static const char *const where_words[] = {
	[RESTORE_ON_ALL] = "all",
	[RESTORE_ON_LEADER] = "leader",
	[RESTORE_ON_REPLICAS] = "replicas",
	[RESTORE_ON_PATRONI] = "Patroni",
};

void
restore_print_target(const RecoveryTarget *target, StrBuf *out)
{
	if (target->type == RECOVERY_DEFAULT)
		strbuf_puts(out, "the end of WAL");
	else if (target->type == RECOVERY_IMMEDIATE)
		strbuf_puts(out, "the end of the backup");
	else
	{
		strbuf_printf(out, "%s ", recovery_type_name(target->type));
		text_put_visible(out, target->text);
	}
	if (target->exclusive)
		strbuf_puts(out, ", exclusive");
}

/* A word of a command line for a shell: only a blank and what a name may hold need quotes. */
static void
put_word(StrBuf *out, const char *option, const char *value)
{
	strbuf_printf(out, " --%s=%s", option,
				  value[strspn(value, "0123456789ABCDEFabcdef/")] ? "'" : "");
	text_put_visible(out, value);
	if (value[strspn(value, "0123456789ABCDEFabcdef/")])
		strbuf_putc(out, '\'');
}

/* A name that Patroni has told may hold anything. */
static void
put_name(StrBuf *out, const char *name)
{
	StrBuf word;

	strbuf_init(&word);
	if (name[0] && name[strspn(name, PLAIN_WORD)] == '\0')
		strbuf_puts(&word, name);
	else
	{
		strbuf_putc(&word, '\'');
		for (; *name; name++)
		{
			if (*name == '\'')
				strbuf_puts(&word, "'\\''");
			else
				strbuf_putc(&word, *name);
		}
		strbuf_putc(&word, '\'');
	}
	strbuf_putc(out, ' ');
	text_put_visible(out, word.data);
	strbuf_done(&word);
}

static void
put_restore(const RestorePlan *plan, bool standby, StrBuf *out)
{
	const RecoveryTarget *target = &plan->request.target;

	strbuf_printf(out, "pgbackrest --stanza=%s --repo=%d --delta --set=%s", plan->stanza,
				  plan->repo, plan->set);
	if (standby)
	{
		strbuf_puts(out, " --type=standby restore");
		return;
	}
	strbuf_printf(out, " --type=%s", recovery_type_name(target->type));
	if (target->text[0])
		put_word(out, "target", target->text);
	if (target->exclusive)
		strbuf_puts(out, " --target-exclusive");
	strbuf_printf(out, " --target-timeline=%" PRIu32, plan->target_timeline);
	/* pgbackrest refuses the action where recovery ends by itself */
	if (target->type != RECOVERY_DEFAULT)
		strbuf_puts(out, " --target-action=promote");
	strbuf_puts(out, " restore");
}

static void
put_command(const RestorePlan *plan, RestoreStep step, StrBuf *out)
{
	switch (step)
	{
		case RESTORE_UNDO_POINT:
			strbuf_printf(out,
						  "SELECT pg_current_xact_id(); CHECKPOINT; SELECT "
						  "pg_create_restore_point('pgbr_undo_%s'), pg_switch_wal();",
						  plan->id);
			break;
		case RESTORE_PAUSE:
			strbuf_puts(out, "patronictl pause --wait");
			put_name(out, plan->scope);
			break;
		case RESTORE_STOP_LEADER:
		case RESTORE_STOP_REPLICAS:
			strbuf_puts(out, "pg_ctl stop -m fast");
			break;
		case RESTORE_START_RESTORE:
			put_restore(plan, false, out);
			break;
		case RESTORE_START_REPLICAS:
			put_restore(plan, true, out);
			break;
		case RESTORE_RESTORE_REPLICAS:
			if (restore_plan_from_kept(plan))
				put_restore(plan, true, out);
			break;
		case RESTORE_HAND_OVER:
			strbuf_puts(out, "patronictl restart");
			put_name(out, plan->scope);
			put_name(out, plan->leader);
			break;
		case RESTORE_RESUME:
			strbuf_puts(out, "patronictl resume");
			put_name(out, plan->scope);
			break;
		case RESTORE_BACKUP:
			strbuf_printf(out, "pgbackrest --stanza=%s backup", plan->stanza);
			break;
		default:
			break;
	}
}

static void
put_notes(const char *title, const char notes[][RESTORE_NOTE_SIZE], int count, StrBuf *out)
{
	if (count == 0)
		return;
	strbuf_printf(out, "\n%s\n", title);
	for (int i = 0; i < count; i++)
	{
		strbuf_puts(out, "  - ");
		text_put_visible(out, notes[i]);
		strbuf_putc(out, '\n');
	}
}

static void
put_members(const RestorePlan *plan, StrBuf *out)
{
	bool first = true;

	strbuf_puts(out, "  members   ");
	for (int i = 0; i < plan->member_count; i++)
	{
		const RestoreMember *member = &plan->members[i];

		strbuf_puts(out, first ? " " : ", ");
		first = false;
		text_put_visible(out, member->name);
		if (member->leader)
			strbuf_puts(out, plan->request.replicas_only ? " (leader, left alone)" : " (leader)");
		else if (member->left_out)
			strbuf_puts(out, " (left out)");
		else if (member->kept)
			strbuf_puts(out, " (stays as it is, as the way back)");
	}
	strbuf_putc(out, '\n');
}

/* By what an undo goes back. */
static void
put_way(const RestorePlan *plan, StrBuf *out)
{
	if (!plan->request.undo)
		return;
	strbuf_puts(out, "  way        ");
	if (restore_plan_from_kept(plan))
	{
		strbuf_puts(out, "by member ");
		text_put_visible(out, plan->leader);
		strbuf_puts(out, ", which was kept; ");
		text_put_visible(out, plan->leading);
		strbuf_puts(out, " leads until then\n");
	}
	else
		strbuf_puts(out, "by the repository\n");
}

/* By whom the files of each member are written: a wrong one is seen here before it is too late. */
static void
put_sidecars(const RestorePlan *plan, StrBuf *out)
{
	const char *title = "  sidecars   ";

	for (int i = 0; i < plan->member_count; i++)
	{
		const RestoreMember *member = &plan->members[i];

		if (member->left_out || member->sidecar_url[0] == '\0')
			continue;
		strbuf_puts(out, title);
		text_put_visible(out, member->name);
		strbuf_puts(out, " at ");
		text_put_visible(out, member->sidecar_url);
		strbuf_putc(out, '\n');
		title = "             ";
	}
}

static void
put_way_back(const RestorePlan *plan, StrBuf *out)
{
	const WayBack *way = &plan->way_back;

	strbuf_printf(out, "  before     timeline %" PRIu32, plan->old_timeline);
	if (plan->request.replicas_only)
		strbuf_putc(out, '\n');
	else if (way->set[0])
		strbuf_printf(out, ", to which undo returns, from backup %s in repository %d\n", way->set,
					  way->repo);
	else
	{
		strbuf_puts(out, "\n  way back   NONE: ");
		text_put_visible(out, way->reason);
		strbuf_puts(out, ". The restore wants --no-way-back\n");
	}
}

static void
put_summary(const RestorePlan *plan, StrBuf *out)
{
	char text[UNIT_TEXT];

	strbuf_puts(out, "Plan for cluster \"");
	text_put_visible(out, plan->scope);
	strbuf_printf(out, "\", stanza %s. Nothing has been changed.\n\n  target     ", plan->stanza);
	restore_print_target(&plan->request.target, out);
	strbuf_printf(out, ", on timeline %" PRIu32 "\n  backup     %s in repository %d, ended %s\n",
				  plan->target_timeline, plan->set, plan->repo,
				  unit_time(text, sizeof(text), plan->set_stop));
	strbuf_printf(out, "  WAL        %s to %s: %lld segments\n", plan->first_segment,
				  plan->last_segment, plan->wal_segments);
	put_way(plan, out);
	put_members(plan, out);
	put_sidecars(plan, out);
	put_way_back(plan, out);
	strbuf_printf(out, "  size       %s at most", unit_size(text, sizeof(text), plan->bytes));
	if (plan->seconds >= 0)
		strbuf_printf(out, ", about %s", unit_duration(text, sizeof(text), plan->seconds));
	strbuf_putc(out, '\n');
}

static void
put_steps(const RestorePlan *plan, StrBuf *out)
{
	bool touched = false;

	strbuf_puts(out, "\nSteps:\n");
	for (int i = 0; i < plan->step_count; i++)
	{
		const RestoreStepInfo *info = restore_step_info(plan->steps[i]);
		StrBuf command;

		if (info->touches_data && !touched)
			strbuf_puts(out, "      -- from here on data directories are written --\n");
		touched = touched || info->touches_data;
		strbuf_printf(out, "  %2d. %s: %s\n", i + 1, where_words[info->where], info->text);
		strbuf_init(&command);
		put_command(plan, plan->steps[i], &command);
		if (command.length > 0)
		{
			strbuf_puts(out, BY_HAND);
			/* SQL goes on in another line as it is */
			if (plan->steps[i] == RESTORE_UNDO_POINT)
				strbuf_printf(out, "%s\n", command.data);
			else
				text_put_command(out, command.data, OUTPUT_COLUMNS, (int) strlen(BY_HAND));
		}
		out->failed |= command.failed;
		strbuf_done(&command);
	}
}

static void
put_table(const RestorePlan *plan, StrBuf *out)
{
	Table table;

	table_init(&table);
	table_add_column(&table, "number", true);
	table_add_column(&table, "step", false);
	table_add_column(&table, "where", false);
	table_add_column(&table, "text", false);
	for (int i = 0; i < plan->step_count; i++)
	{
		const RestoreStepInfo *info = restore_step_info(plan->steps[i]);

		table_addf(&table, "%d", i + 1);
		table_add(&table, info->name);
		table_add(&table, where_words[info->where]);
		table_add(&table, info->text);
	}
	output_put_table(&table, OUTPUT_TSV, 0, out);
	table_done(&table);
}

static void
put_document(json_t *json, OutputFormat format, StrBuf *out)
{
	if (json)
		output_put_document(json, format, out);
	else
		out->failed = true;
	json_decref(json);
}

void
restore_print_plan(const RestorePlan *plan, OutputFormat format, StrBuf *out)
{
	if (output_is_document(format))
		put_document(restore_plan_json(plan), format, out);
	else if (format == OUTPUT_TSV)
		put_table(plan, out);
	else
	{
		StrBuf page;

		strbuf_init(&page);
		put_summary(plan, &page);
		put_steps(plan, &page);
		put_notes("What to know:", plan->warnings, plan->warning_count, &page);
		put_notes("What could not be proven:", plan->unproven, plan->unproven_count, &page);
		text_put_page(out, page.data, OUTPUT_COLUMNS);
		out->failed |= page.failed;
		strbuf_done(&page);
	}
}

void
restore_print_nearest(const RestoreRefusal *refusal, StrBuf *out)
{
	if (refusal->nearest_count == 0)
		return;
	strbuf_puts(out, "Nearest targets that can be reached:\n");
	for (int i = 0; i < refusal->nearest_count; i++)
	{
		const RestoreNearest *nearest = &refusal->nearest[i];

		strbuf_printf(out, "  --type=%s", nearest->type);
		if (nearest->target[0])
			put_word(out, "target", nearest->target);
		if (nearest->exclusive)
			strbuf_puts(out, " --target-exclusive");
		if (nearest->set[0])
			strbuf_printf(out, " --set=%s", nearest->set);
		if (nearest->timeline)
			strbuf_printf(out, " --target-timeline=%" PRIu32, nearest->timeline);
		strbuf_puts(out, "\n      ");
		text_put_visible(out, nearest->note);
		strbuf_putc(out, '\n');
	}
}

void
restore_print_refusal(const RestoreRefusal *refusal, OutputFormat format, StrBuf *out)
{
	put_document(restore_refusal_json(refusal), format, out);
}
