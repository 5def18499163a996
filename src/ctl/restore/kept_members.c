/*
 * kept_members.c
 *		See kept_members.h.
 */
#include "ctl/restore/kept_members.h"

#include "common/vocabulary.h"
#include "program/json.h"

#include <string.h>

static bool
was_kept(const RestoreList *list, const char *member)
{
	PgbrError ignored;

	for (int i = 0; i < list->count; i++)
	{
		const RestorePlan *plan = journal_record_plan(&list->records[i], &ignored);

		if (plan && strcmp(plan->request.keep, member) == 0)
			return true;
	}
	return false;
}

void
restore_kept_members(const RestoreList *list, Cluster *cluster, KeptMembers *kept)
{
	memset(kept, 0, sizeof(*kept));
	for (int i = 0; i < cluster->count; i++)
	{
		const ClusterMember *member = cluster->members[i];
		json_t *node = NULL;
		const char *restore;

		if (!was_kept(list, member->name))
			continue;
		if (member->sidecar.url[0] == '\0')
			pgbr_error_set(&kept->reason, PGBR_ERROR_UNREACHABLE,
						   "the URL of its sidecar is not known");
		if (member->sidecar.url[0] == '\0' ||
			!sidecar_client_call(&member->sidecar, "GET", PGBR_PATH_NODE, NULL, 0, &node,
								 &kept->reason))
		{
			pgbr_copy_text(kept->silent, sizeof(kept->silent), member->name);
			continue;
		}
		restore = json_text(node, "kept_for");
		if (restore && pgbr_is_job_id(restore) && strlen(restore) < RESTORE_ID_SIZE)
		{
			KeptMember *found = &kept->kept[kept->count++];

			pgbr_copy_text(found->member, sizeof(found->member), member->name);
			strcpy(found->restore, restore);
		}
		json_decref(node);
	}
}
