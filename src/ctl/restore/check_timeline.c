/*
 * check_timeline.c
 *		See check_timeline.h.
 */
#include "ctl/restore/check_timeline.h"

#include "ctl/restore/patroni.h"
#include "ctl/restore/streaming.h"
#include "ctl/restore/wait.h"

#include <string.h>

/* In Patroni's configuration. */
#define PATRONI_CHECK_TIMELINE "check_timeline"

/*
 * The newest restore that changed check_timeline for the members it left out; NULL when a later
 * one put it back.
 */
static const JournalRecord *
find_changed(const RestoreList *list)
{
	for (int i = 0; i < list->count; i++)
	{
		const JournalDocument *document = list->records[i].document;

		if (document->check_timeline_is_back)
			return NULL;
		if (document->check_timeline)
			return &list->records[i];
	}
	return NULL;
}

/* All members have the same configuration. */
static bool
get_config(RestoreRun *run, json_t **config, PgbrError *error)
{
	pgbr_error_set(error, PGBR_ERROR_UNREACHABLE,
				   "no URL of Patroni's REST API is known for any member");
	for (int i = 0; i < run->journal->document.plan.member_count; i++)
	{
		const ClusterMember *member = restore_patroni_member(run, i);

		if (member && patroni_get_config(&run->cluster->patroni, member->api_url, config, error))
			return true;
	}
	return false;
}

bool
restore_add_check_timeline(RestoreRun *run, json_t *patch, PgbrError *error)
{
	JournalDocument *document = &run->journal->document;
	json_t *config = NULL;

	if (!run->journal->document.plan.check_timeline)
		return true;
	if (document->check_timeline == NULL)
	{
		const JournalRecord *record;
		const json_t *before = NULL;
		RestoreList list;

		if (!restore_list_get(&list, run->cluster, error) || !get_config(run, &config, error))
		{
			restore_list_done(&list);
			return false;
		}
		record = find_changed(&list);
		before = record ? record->document->check_timeline
						: json_object_get(config, PATRONI_CHECK_TIMELINE);
		document->check_timeline = before ? json_deep_copy(before) : json_null();
		json_decref(config);
		restore_list_done(&list);
		/* before it is changed */
		if (!restore_write(run, error))
			return false;
	}
	json_object_set_new(patch, PATRONI_CHECK_TIMELINE, json_true());
	return true;
}

/* It takes part in this restore, or streams from the leader: its data is not the old data. */
static bool
is_back(const RestorePlan *plan, const PatroniNode *leader, const char *name)
{
	if (restore_streams_from(leader, name))
		return true;
	for (int i = 0; i < plan->member_count; i++)
	{
		if (strcmp(plan->members[i].name, name) == 0)
			return !plan->members[i].left_out;
	}
	return false;
}

/*
 * True when every member that was left out or kept since check_timeline was changed takes part
 * again.
 */
static bool
are_back(const RestoreRun *run, const RestoreList *list)
{
	const ClusterMember *leading = cluster_find_leading(run->cluster);
	PatroniNode leader = {.streaming_count = 0};
	PgbrError ignored;

	if (leading)
		(void) patroni_get_node(&run->cluster->patroni, leading->api_url, &leader, &ignored);
	for (int i = 0; i < list->count && !list->records[i].document->check_timeline_is_back; i++)
	{
		const RestorePlan *left;

		if (list->records[i].document->check_timeline == NULL)
			continue;
		left = journal_record_plan(&list->records[i], &ignored);
		if (left == NULL)
			return false;
		for (int j = 0; j < left->request.without_count; j++)
		{
			if (!is_back(&run->journal->document.plan, &leader, left->request.without[j]))
				return false;
		}
		if (left->request.keep[0] &&
			!is_back(&run->journal->document.plan, &leader, left->request.keep))
			return false;
	}
	return true;
}

bool
restore_put_back_check_timeline(RestoreRun *run, PgbrError *error)
{
	const JournalRecord *record;
	json_t *patch = NULL;
	RestoreList list;
	bool ok = restore_list_get(&list, run->cluster, error);

	record = ok ? find_changed(&list) : NULL;
	if (record && are_back(run, &list))
	{
		patch = json_object();
		json_object_set_new(patch, PATRONI_CHECK_TIMELINE,
							json_deep_copy(record->document->check_timeline));
		ok = restore_patch_all(run, patch, error);
		if (ok)
			run->journal->document.check_timeline_is_back = true;
		if (ok)
			restore_events_note(run->events,
								"check_timeline of Patroni is reset to its value before restore %s",
								record->id);
	}
	json_decref(patch);
	restore_list_done(&list);
	return ok;
}
