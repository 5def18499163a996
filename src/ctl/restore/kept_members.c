/*
 * kept_members.c
 *		See kept_members.h.
 */
#include "ctl/restore/kept_members.h"

#include "common/vocabulary.h"
#include "ctl/client/at_once.h"
#include "ctl/restore/session.h"
#include "program/json.h"

#include <stdlib.h>
#include <string.h>

/* A restore that is still known has kept it. */
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

/* A finished undo of the restore is known. */
static bool
is_undone(const RestoreList *list, const char *restore)
{
	for (int i = 0; i < list->count; i++)
	{
		const JournalRecord *record = &list->records[i];

		if (strcmp(record->document->undo_of, restore) == 0 && restore_session_is_done(record))
			return true;
	}
	return false;
}

typedef struct Question
{
	const RestoreList *list;
	const Cluster *cluster;
	json_t *nodes[CLUSTER_MEMBERS_MAX]; /* by the cluster's order of members; NULL: no answer */
	PgbrError errors[CLUSTER_MEMBERS_MAX];
} Question;

/* Why its sidecar has just not told its restores; NULL when it has. */
static const PgbrError *
why_unasked(const RestoreList *list, const char *member)
{
	for (int i = 0; i < list->unasked_count; i++)
	{
		if (strcmp(list->unasked[i].member, member) == 0)
			return &list->unasked[i].error;
	}
	return NULL;
}

static void
ask_member(void *argument, int index)
{
	Question *question = argument;
	const ClusterMember *member = question->cluster->members[index];
	const PgbrError *silent = why_unasked(question->list, member->name);

	/* the time that a sidecar may be silent is waited for once */
	if (silent)
		question->errors[index] = *silent;
	else
		(void) sidecar_client_call(&member->sidecar, "GET", PGBR_PATH_NODE, NULL, 0,
								   &question->nodes[index], &question->errors[index]);
}

static void
take_node(KeptMembers *kept, const RestoreList *list, const char *member, const json_t *node)
{
	const char *restore = json_text(node, "kept_for");
	KeptMember *found = &kept->kept[kept->count];

	if (restore == NULL || !pgbr_is_job_id(restore) || strlen(restore) >= sizeof(found->restore))
		return;
	kept->count++;
	pgbr_copy_text(found->member, sizeof(found->member), member);
	strcpy(found->restore, restore);
	found->undone = is_undone(list, restore);
}

bool
restore_kept_members(const RestoreList *list, Cluster *cluster, KeptMembers *kept, PgbrError *error)
{
	Question *question = calloc(1, sizeof(*question));

	memset(kept, 0, sizeof(*kept));
	if (question == NULL)
		return pgbr_error_set(error, PGBR_ERROR_INTERNAL, "out of memory");
	question->list = list;
	question->cluster = cluster;
	at_once(cluster->count, ask_member, question);
	for (int i = 0; i < cluster->count; i++)
	{
		const char *member = cluster->members[i]->name;

		if (question->nodes[i])
			take_node(kept, list, member, question->nodes[i]);
		else if (was_kept(list, member))
		{
			pgbr_copy_text(kept->silent, sizeof(kept->silent), member);
			kept->reason = question->errors[i];
		}
		json_decref(question->nodes[i]);
	}
	free(question);
	return true;
}
