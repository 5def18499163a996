/*
 * kept.c
 *		See kept.h.
 */
#include "ctl/plan/kept.h"

#include "ctl/print/units.h"

#include <inttypes.h>
#include <string.h>

/* What a kept member still has to replay at an undo, which takes seconds: 16 default segments. */
#define LAG_MAX (INT64_C(256) << 20)

static bool
refuse_keep(RestoreWork *work, const char *name, const char *reason)
{
	restore_refuse(work, "member \"%s\" can't be kept: %s", name, reason);
	return pgbr_error_hint(&work->refusal->error,
						   "Keep another replica, or restore without --keep-member: \"undo\" then "
						   "goes by the repository.");
}

/* Members that serve while one is kept. */
static int
count_serving(const RestoreWork *work)
{
	int count = 0;

	for (int i = 0; i < work->facts->member_count; i++)
		count += !restore_request_is_without(work->request, work->facts->members[i].name);
	return count - 1;
}

static void
warn_of_keep(RestoreWork *work, const char *name)
{
	int serving = count_serving(work);

	restore_warn(work,
				 "Member \"%s\" stays as it is, stopped, as the way back. Until \"undo\" or "
				 "\"restore --accept\" the cluster has %d member%s%s, and the leader keeps WAL for "
				 "it unless max_slot_wal_keep_size limits that.",
				 name, serving, serving == 1 ? "" : "s",
				 serving == 1 ? ": it has no replica, so a failover is not possible" : "");
}

/* The restore that is replaced has stopped all members; one that it keeps is as it was before. */
static bool
is_still_kept(const RestoreWork *work, const FactMember *member)
{
	return work->facts->replaces_full && member->kept_for[0] &&
		   member->timeline == work->leader->timeline;
}

static bool
check_keep(RestoreWork *work)
{
	const char *name = work->request->keep;
	const FactMember *member = restore_facts_member(work->facts, name);
	const FactMember *leader = work->leader;
	char lag[UNIT_TEXT];

	if (member == NULL)
	{
		restore_refuse(work, "there is no member \"%s\" in cluster \"%s\"", name,
					   work->facts->scope);
		return pgbr_error_hint(&work->refusal->error, "\"patronictl list\" shows the members.");
	}
	if (member == leader)
		return refuse_keep(work, name, "it is the leader");
	if (restore_request_is_without(work->request, name))
		return refuse_keep(work, name, "it is left out");
	if (!is_still_kept(work, member))
	{
		if (!member->running)
			return refuse_keep(work, name, "its PostgreSQL does not run");
		if (!member->replica)
			return refuse_keep(work, name, "it is not known to be a replica");
		if (member->timeline != leader->timeline)
			return refuse_keep(work, name, "it is not on the leader's timeline");
		if (member->lsn == 0)
			return refuse_keep(work, name, "how far it has replayed is not known");
		if (member->lsn + LAG_MAX < leader->lsn)
		{
			restore_refuse(work, "member \"%s\" can't be kept: it is %s behind the leader", name,
						   unit_size(lag, sizeof(lag), (long long) (leader->lsn - member->lsn)));
			return pgbr_error_hint(&work->refusal->error,
								   "An undo by it would have to replay that first. Wait until it "
								   "has caught up, or keep another replica.");
		}
	}
	warn_of_keep(work, name);
	return true;
}

/* Why an undo can't go by a member that was kept for it; NULL when it can. */
static const char *
find_flaw(const RestoreWork *work, const FactMember *member)
{
	if (member->running)
		return "its PostgreSQL runs";
	if (!member->replica)
		return "its control data is not that of a replica that was shut down";
	if (member->timeline != work->request->target.timeline)
		return "it is on another timeline";
	if (member->postgres_bin[0] == '\0')
		return "the folder of PostgreSQL's programs is not known there";
	return NULL;
}

/* The undo of the restore for which the member is kept. */
static void
choose_way(RestoreWork *work, const FactMember *member)
{
	const char *flaw = find_flaw(work, member);

	if (flaw)
		restore_warn(work,
					 "Member \"%s\" was kept for this undo and is of no use: %s. The undo goes by "
					 "the repository.",
					 member->name, flaw);
	else if (work->request->from_repository)
		restore_warn(work,
					 "Member \"%s\" was kept for this undo; it is restored from the repository "
					 "with the others.",
					 member->name);
	else
		work->kept = member;
}

static bool
refuse_kept(RestoreWork *work, const FactMember *member)
{
	restore_refuse(work, "member \"%s\" is kept as the way back of restore %s", member->name,
				   member->kept_for);
	return pgbr_error_hint(&work->refusal->error,
						   "\"pgbackrest_ctl undo %s\" goes back by it; \"pgbackrest_ctl restore "
						   "--accept %s\" gives the way back up and makes it a replica again.",
						   member->kept_for, member->kept_for);
}

/* A member that is kept is written over only by what was asked to do so. */
static bool
check_kept_member(RestoreWork *work, const FactMember *member)
{
	const RestoreRequest *request = work->request;

	if (restore_request_is_without(request, member->name))
		return true;
	if (request->replicas_only)
		return request->accept[0] ||
			   (request->only_count > 0 && !restore_request_is_of(request, member->name)) ||
			   refuse_kept(work, member);
	if (request->undo && strcmp(member->name, work->facts->undone_keep) == 0)
	{
		choose_way(work, member);
		return true;
	}
	/* the way back of the restore that is replaced ends with it */
	return work->facts->replaces_full || refuse_kept(work, member);
}

bool
restore_check_kept(RestoreWork *work)
{
	if (work->request->keep[0] && !check_keep(work))
		return false;
	for (int i = 0; i < work->facts->member_count; i++)
	{
		const FactMember *member = &work->facts->members[i];

		if (member->kept_for[0] && !member->kept_undone && !check_kept_member(work, member))
			return false;
	}
	return true;
}
