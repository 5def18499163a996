/*
 * restore_check_timeline.c
 *		Patroni's check_timeline, which keeps a member that was left out from the leader race. See
 *		restore_steps.h.
 */
#include "ctl/restore_steps.h"

#include "ctl/restore_wait.h"
#include "program/json.h"

#include <string.h>

bool
restore_add_check_timeline(RestoreRun *run, json_t *patch, PgbrError *error)
{
	json_t *document = run->journal->document;
	json_t *config = NULL;

	if (!run->journal->plan.check_timeline)
		return true;
	if (json_object_get(document, "check_timeline") == NULL)
	{
		json_t *before;

		if (!patroni_get_config(&run->cluster->patroni,
								cluster_find(run->cluster, run->journal->plan.leader)->api_url,
								&config, error))
			return false;
		before = json_object_get(config, "check_timeline");
		json_object_set_new(document, "check_timeline", json_object());
		json_object_set(json_object_get(document, "check_timeline"), "before",
						before ? before : json_null());
		json_decref(config);
		/* before it is changed */
		if (!restore_write(run, error))
			return false;
	}
	json_object_set_new(patch, "check_timeline", json_true());
	return true;
}

static bool
is_back(const RestorePlan *plan, const char *name)
{
	for (int i = 0; i < plan->member_count; i++)
	{
		if (strcmp(plan->members[i].name, name) == 0)
			return !plan->members[i].left_out;
	}
	return false;
}

/* The restore that has left out members which are back by now, and has changed check_timeline for them. */
static const RestoreRecord *
find_changed(const RestoreRun *run, const RestoreList *list)
{
	for (int i = 0; i < list->count; i++)
	{
		const json_t *document = list->records[i].document;
		RestorePlan left;
		PgbrError ignored;

		if (!json_is_object(json_object_get(document, "check_timeline")))
			continue;
		if (!restore_plan_read(json_object_get(document, "plan"), &left, &ignored))
			return NULL;
		for (int j = 0; j < left.request.without_count; j++)
		{
			if (!is_back(&run->journal->plan, left.request.without[j]))
				return NULL;
		}
		return &list->records[i];
	}
	return NULL;
}

bool
restore_put_back_check_timeline(RestoreRun *run, PgbrError *error)
{
	const RestoreRecord *record;
	json_t *patch = NULL;
	RestoreList list;
	bool ok = restore_list_get(&list, run->cluster, error);

	record = ok ? find_changed(run, &list) : NULL;
	if (record)
	{
		patch = json_object();
		json_object_set(
			patch, "check_timeline",
			json_object_get(json_object_get(record->document, "check_timeline"), "before"));
		ok = restore_patch_all(run, patch, error);
		if (ok)
			restore_events_note(run->events,
								"check_timeline is what it was before restore %s left members out",
								record->id);
	}
	json_decref(patch);
	restore_list_done(&list);
	return ok;
}
