/*
 * status.c
 *		The verb status: where a restore stands, by the journal of all members.
 */
#include "ctl/verbs/verbs.h"

#include "common/vocabulary.h"
#include "ctl/client/cluster_config.h"
#include "ctl/print/message.h"
#include "ctl/restore/kept_members.h"
#include "ctl/restore/session.h"
#include "ctl/restore/way_back_kept.h"
#include "ctl/report/plan_print.h"
#include "ctl/report/request_print.h"
#include "ctl/report/summary_print.h"
#include "ctl/print/text.h"
#include "program/json.h"

#include <stdio.h>
#include <string.h>

typedef struct StatusArguments
{
	ClusterArguments cluster;
} StatusArguments;

static const OptionSpec options[] = {
	CLUSTER_OPTIONS(StatusArguments, cluster),
	{NULL},
};

/* Member by member: what Patroni says, and which restore holds it. */
static json_t *
describe_members(const RestoreSession *session, const JournalRecord *record)
{
	json_t *members = json_array();

	for (int i = 0; i < session->cluster.count; i++)
	{
		const ClusterMember *member = session->cluster.members[i];
		const json_t *told =
			record ? restore_list_told(&session->list, member->name, record->id) : NULL;
		json_t *json = json_object();

		json_put_text(json, "name", member->name);
		json_put_text(json, "role", member->patroni.role[0] ? member->patroni.role : NULL);
		json_put_text(json, "state", member->patroni.state[0] ? member->patroni.state : NULL);
		json_object_set_new(json, "timeline",
							member->patroni.timeline > 0 ? json_integer(member->patroni.timeline)
														 : json_null());
		json_object_set_new(
			json, "sidecar_answers",
			json_boolean(json_object_get(session->list.answers, member->name) != NULL));
		json_put_text(json, "restore", told ? json_text(told, "state") : NULL);
		json_array_append_new(members, json);
	}
	return members;
}

static json_t *
describe_kept(const KeptMembers *kept)
{
	json_t *array = json_array();

	for (int i = 0; i < kept->count; i++)
		json_array_append_new(array, json_pack("{ss ss}", "member", kept->kept[i].member, "restore",
											   kept->kept[i].restore));
	return array;
}

/* Which members are kept, what for, and how that ends. */
static void
put_kept(const KeptMembers *kept, StrBuf *out)
{
	if (kept->silent[0])
	{
		strbuf_puts(out, "Member ");
		text_put_visible(out, kept->silent);
		strbuf_puts(out,
					" may be kept as the way back of a restore: its sidecar can't be asked.\n");
	}
	for (int i = 0; i < kept->count; i++)
	{
		const char *id = kept->kept[i].restore;

		strbuf_puts(out, "Member ");
		text_put_visible(out, kept->kept[i].member);
		strbuf_printf(out,
					  " is kept stopped, as it was before restore %s. \"" PROGRAM_NAME
					  " undo %s\" makes it the leader within seconds; \"" PROGRAM_NAME
					  " restore --accept %s\" gives that up and makes it a replica again. It is "
					  "kept until then.\n",
					  id, id, id);
	}
}

/* Only of a restore that is done, and that has had one: else the journal says what there is. */
static json_t *
look_back(RestoreSession *session, const JournalRecord *record)
{
	return record && restore_session_is_done(record) &&
				   json_text(record->document->outcome, "undo") &&
				   restore_list_active(&session->list) == NULL
			   ? way_back_look(&session->cluster, record)
			   : NULL;
}

/* The outcome, with what is true of the way back by now. Not one that is gone is offered. */
static json_t *
outcome_now(const JournalRecord *record, json_t *way_back)
{
	json_t *outcome = json_copy(record->document->outcome);

	if (way_back)
		json_object_set(outcome, "way_back", way_back);
	if (json_is_false(json_object_get(way_back, "possible")))
		json_object_set_new(outcome, "undo", json_null());
	return outcome;
}

/* The document, with the pending steps of the plan added. */
static json_t *
status_json(const RestoreSession *session, const JournalRecord *record, const KeptMembers *kept,
			json_t *way_back)
{
	json_t *json = json_object();
	json_t *restore = NULL;

	if (record)
	{
		restore = json_object();
		json_put_text(restore, "id", record->id);
		json_put_text(restore, "state", record->state);
		json_object_set_new(restore, "revision", json_integer(record->revision));
		json_object_set_new(restore, "holder_seconds_left",
							json_integer(record->holder_seconds_left));
		json_put_text(restore, "created_at", record->created_at);
		json_put_text(restore, "updated_at", record->updated_at);
		json_object_set(restore, "way_back", way_back ? way_back : json_null());
		if (record->document->outcome)
			json_object_set_new(restore, "outcome", outcome_now(record, way_back));
		json_object_update_missing(restore, (json_t *) record->json);
	}
	json_put_text(json, "cluster", session->cluster.scope[0] ? session->cluster.scope : NULL);
	json_put_text(json, "patroni_error",
				  session->cluster.patroni_answered ? NULL
													: session->cluster.patroni_error.message);
	json_object_set_new(json, "paused",
						session->cluster.patroni_answered
							? json_boolean(session->cluster.view.paused)
							: json_null());
	json_object_set_new(json, "members", describe_members(session, record));
	json_object_set_new(json, "kept", describe_kept(kept));
	json_object_set_new(json, "restore", restore ? restore : json_null());
	return json;
}

static void
put_steps(const JournalRecord *record, const RestorePlan *plan, StrBuf *out)
{
	Table table;

	table_init(&table);
	table_add_column(&table, "#", true);
	table_add_column(&table, "step", false);
	table_add_column(&table, "state", false);
	table_add_column(&table, "since", false);
	table_add_column(&table, "message", false);
	for (int i = 0; i < plan->step_count; i++)
	{
		const JournalStep *entry = journal_document_find(record->document, plan->steps[i]);
		char number[12];

		snprintf(number, sizeof(number), "%d", i + 1);
		table_add(&table, number);
		table_add(&table, restore_step_info(plan->steps[i])->name);
		table_add(&table, restore_step_state_name(
							  journal_document_state(record->document, plan->steps[i])));
		table_add(&table, entry == NULL			  ? NULL
						  : entry->finished_at[0] ? entry->finished_at
												  : entry->started_at);
		table_add(&table, entry && entry->message[0] ? entry->message : NULL);
	}
	table_put_fitted(&table, output_columns(stdout), out);
	table_done(&table);
}

static void
put_members(const RestoreSession *session, const json_t *members, StrBuf *out)
{
	static const char *const keys[] = {"name", "role", "state", "restore"};
	Table table;
	size_t index;
	json_t *member;

	table_init(&table);
	table_add_column(&table, "member", false);
	table_add_column(&table, "role", false);
	table_add_column(&table, "state", false);
	table_add_column(&table, "restore", false);
	table_add_column(&table, "timeline", true);
	table_add_column(&table, "sidecar", false);
	json_array_foreach(members, index, member)
	{
		long long timeline = json_number(member, "timeline", 0);

		for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
			table_add(&table, json_text(member, keys[i]));
		if (timeline > 0)
			table_addf(&table, "%lld", timeline);
		else
			table_add(&table, NULL);
		table_add(&table, json_flag(member, "sidecar_answers") ? "answers" : "can't be asked");
	}
	if (session->format == OUTPUT_PRETTY)
		table_put_fitted(&table, output_columns(stdout), out);
	else
		table_put_tsv(&table, out);
	table_done(&table);
}

/* Append what a function has put together, within the width. */
static void
put_page(StrBuf *page, StrBuf *out)
{
	text_put_page(out, page->data, output_columns(stdout));
	out->failed |= page->failed;
	strbuf_done(page);
}

/* What to type now; how the cluster is reached is as for this command. */
static void
put_ways(const JournalRecord *record, const RestorePlan *plan, StrBuf *out)
{
	strbuf_puts(out, "To go on with it:  ");
	restore_print_resume(&plan->request, out);
	strbuf_puts(out, "\nTo take it back:   ");
	restore_print_undo(&plan->request, record->id, out);
	strbuf_puts(out, "\n");
}

/* Whether a control binary is at work is not known before its lease has ended: one that was killed
 * has it still. */
static void
put_driver(const JournalRecord *record, StrBuf *out)
{
	int left = record->holder_seconds_left;

	if (left <= 0)
		strbuf_puts(out, ", and no control binary is working on it.\n");
	else
		strbuf_printf(
			out,
			". The control binary that runs it was last heard of %d s ago; if it is gone, "
			"another one can go on in %d s.\n",
			left < RESTORE_LEASE_S ? RESTORE_LEASE_S - left : 0, left);
}

static void
put_restore(const JournalRecord *record, json_t *way_back, StrBuf *out)
{
	PgbrError ignored;
	const RestorePlan *plan = journal_record_plan(record, &ignored);
	StrBuf page;

	strbuf_init(&page);
	if (record->document->outcome)
	{
		json_t *outcome = outcome_now(record, way_back);

		restore_summary_put(outcome, &page);
		json_decref(outcome);
	}
	put_page(&page, out);
	if (record->document->outcome || plan == NULL)
		return;
	strbuf_init(&page);
	strbuf_printf(&page, "restore %s is %s", record->id, record->state);
	put_driver(record, &page);
	strbuf_puts(&page, "Target: ");
	restore_print_target(&plan->request.target, &page);
	strbuf_printf(&page, "; leader: %s\n\n", plan->leader);
	put_page(&page, out);
	put_steps(record, plan, out);
	if (record->holder_seconds_left <= 0 && strcmp(record->state, "active") == 0)
		put_ways(record, plan, out);
}

static bool
print(RestoreSession *session, const JournalRecord *record, PgbrError *error)
{
	OutputFormat format = session->format;
	KeptMembers kept;
	json_t *way_back;
	json_t *document;
	bool ok;
	StrBuf out;
	StrBuf page;

	if (!restore_kept_members(&session->list, &session->cluster, &kept, error))
		return false;
	way_back = look_back(session, record);
	document = status_json(session, record, &kept, way_back);
	strbuf_init(&out);
	if (output_is_document(format))
		output_put_document(document, format, &out);
	else
	{
		put_members(session, json_object_get(document, "members"), &out);
		if (format == OUTPUT_PRETTY)
			strbuf_putc(&out, '\n');
		if (format == OUTPUT_PRETTY && session->cluster.view.paused)
			strbuf_puts(&out, "Patroni is paused.\n");
		strbuf_init(&page);
		put_kept(&kept, &page);
		if (format == OUTPUT_PRETTY)
			text_put_page(&out, page.data, output_columns(stdout));
		strbuf_done(&page);
		if (format == OUTPUT_PRETTY && record)
			put_restore(record, way_back, &out);
		else if (format == OUTPUT_PRETTY)
			strbuf_puts(&out, "No restore is known.\n");
	}
	ok = output_print(stdout, &out, error);
	strbuf_done(&out);
	json_decref(document);
	json_decref(way_back);
	return ok;
}

/* The table has no column for reasons. */
static void
warn_unasked(const Cluster *cluster, const RestoreList *list)
{
	const PgbrError *patroni = &cluster->patroni_error;

	if (!cluster->patroni_answered)
		message_warning("the roles of the members are not known: %s%s%s", patroni->message,
						patroni->hint[0] ? "; hint: " : "", patroni->hint);
	for (int i = 0; i < list->unasked_count; i++)
	{
		const PgbrError *error = &list->unasked[i].error;

		message_warning("the sidecar of member \"%s\" can't be asked: %s%s%s",
						list->unasked[i].member, error->message, error->hint[0] ? "; hint: " : "",
						error->hint);
	}
}

static ExitCode
run_status(Context *context, const void *argument, const char *operand, PgbrError *error)
{
	const StatusArguments *arguments = argument;
	const JournalRecord *record;
	RestoreSession *session;
	ExitCode code = EXIT_OK;

	if (operand && !pgbr_is_job_id(operand))
	{
		pgbr_error_set(error, PGBR_ERROR_CONFIG, "\"%s\" is not the id of a restore", operand);
		return EXIT_USAGE;
	}
	session = restore_session_open(context->format, &arguments->cluster, &context->config->cluster,
								   context->client.settings, true, &code, error);
	if (session == NULL)
		return code;
	record =
		operand ? restore_list_find(&session->list, operand) : restore_list_active(&session->list);
	if (record == NULL && operand == NULL && session->list.count > 0)
		record = &session->list.records[0];
	if (record == NULL && operand)
	{
		pgbr_error_set(error, PGBR_ERROR_NOT_FOUND, "no restore \"%s\" is known", operand);
		code = EXIT_NOT_FOUND;
	}
	else
		code = print(session, record, error) ? EXIT_OK : exit_code_of(error);
	warn_unasked(&session->cluster, &session->list);
	restore_session_close(session);
	return code;
}

const Verb verb_status = {
	.name = "status",
	.operand = "[ID]",
	.summary = "show the members, and where a restore stands",
	.description = "Without an ID it is the active restore, or the newest one.\n",
	.options = options,
	.arguments_size = sizeof(StatusArguments),
	.run = run_status,
};
