/*
 * kept_members.h
 *		The members that are kept as the way back of a restore, by what their sidecars say.
 *
 * One thread uses a cluster at a time.
 */
#ifndef PGBR_CTL_RESTORE_KEPT_MEMBERS_H
#define PGBR_CTL_RESTORE_KEPT_MEMBERS_H

#include "ctl/client/cluster.h"
#include "ctl/restore/journal_list.h"

#include <stdbool.h>

typedef struct KeptMember
{
	char member[RESTORE_NAME_SIZE];
	char restore[RESTORE_ID_SIZE]; /* whose way back it is */
	bool undone;				   /* that one was undone without it */
} KeptMember;

typedef struct KeptMembers
{
	KeptMember kept[CLUSTER_MEMBERS_MAX];
	int count;
	char silent[RESTORE_NAME_SIZE]; /* one that a restore has kept and that can't be asked, or "" */
	PgbrError reason;				/* why it can't */
} KeptMembers;

/* Ask all members at once. INTERNAL when out of memory. */
extern bool restore_kept_members(const RestoreList *list, Cluster *cluster, KeptMembers *kept,
								 PgbrError *error);

#endif
