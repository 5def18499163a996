/*
 * wal_proof.c
 *		The proof that all WAL from a backup to the target is there: a segment that is missing in
 *		the middle looks to PostgreSQL like the end of WAL.
 */
#include "ctl/plan/wal_proof.h"

#include "common/moment.h"
#include "common/wal.h"
#include "ctl/plan/backup_set.h"
#include "ctl/print/units.h"

#include <inttypes.h>
#include <string.h>

/* Segments from first to last that recovery reads on its way to the LSN bound. */
typedef struct WalNeed
{
	uint64_t first;
	uint64_t last;
	uint64_t bound;
} WalNeed;

/* How far recovery reads at most: a time or a transaction may be as late as the path's end. */
static bool
find_need(const RestoreWork *work, WalNeed *need)
{
	const RecoveryTarget *target = &work->request->target;
	uint64_t size = work->facts->archive.segment_size;
	uint32_t timeline;

	if (!wal_segment_parse(work->set->wal_start, size, &timeline, &need->first))
		return false;
	need->bound = work->end_lsn;
	if (target->type == RECOVERY_LSN)
		need->bound = target->lsn + 1;
	else if (target->type == RECOVERY_NAME)
		need->bound = work->point->lsn;
	else if (target->type == RECOVERY_IMMEDIATE || need->bound < work->set->lsn_stop)
		need->bound = work->set->lsn_stop;
	/* the byte before the bound is the last that is read */
	need->last = (need->bound - 1) / size;
	return need->last >= need->first;
}

/*
 * True for the last segments that the server has not archived yet. The undo point switches WAL and
 * waits for them, or they are saved from a leader that is down. There are at most as many as wait
 * for the archiver, plus the current one.
 */
static bool
will_be_archived(RestoreWork *work, const WalNeed *need, uint64_t missing)
{
	const FactMember *leader = work->leader;
	uint64_t later;
	uint32_t timeline = work->path.parts[work->path.count - 1].timeline;
	uint64_t last;
	int64_t time;

	if (!work->on_current ||
		timeline != timeline_path_reads(&work->path, work->facts->archive.segment_size, missing,
										need->bound))
		return false;
	if (wal_archive_last(&work->facts->archive, timeline, &last, &time) && last > missing)
		return false;
	later = need->last - missing + 1;
	if (leader->unarchived < 0)
	{
		restore_unproven(work,
						 "That the last %" PRIu64
						 " segments of WAL will be archived: how many wait "
						 "for it is not known.",
						 later);
		return true;
	}
	return later <= (uint64_t) leader->unarchived + 1;
}

/* True when a target time or transaction ID is certainly, or very likely, before that LSN. */
static bool
is_before(RestoreWork *work, uint64_t lsn)
{
	const RecoveryTarget *target = &work->request->target;
	const RestoreFacts *facts = work->facts;

	for (size_t i = 0; i < facts->point_count; i++)
	{
		const FactPoint *point = &facts->points[i];

		if (point->lsn <= lsn && point->lsn > work->set->lsn_stop &&
			timeline_path_has(&work->path, point->timeline, point->lsn) &&
			(target->type == RECOVERY_TIME ? point->time_us > target->time_us
										   : point->xid > work->xid))
			return true;
	}
	for (size_t i = 0; i < facts->backup_count; i++)
	{
		const FactBackup *backup = &facts->backups[i];

		if (backup->lsn_stop <= lsn && backup->lsn_start > work->set->lsn_stop &&
			restore_set_on_path(work, backup) &&
			(target->type == RECOVERY_TIME ? backup->start * SECOND_US > target->time_us
										   : backup->snapshot_xmin > work->xid))
			return true;
	}
	return false;
}

/* What can be reached on this side of the gap and on the other. */
static void
offer_around(RestoreWork *work, uint64_t missing)
{
	const RestoreFacts *facts = work->facts;
	uint64_t size = facts->archive.segment_size;
	const FactBackup *after = NULL;
	char text[RECOVERY_TEXT_SIZE];

	if ((missing - 1) * size >= work->set->lsn_stop)
	{
		recovery_lsn_format((missing - 1) * size, text);
		restore_nearest(work, RECOVERY_LSN, text, work->set->label, work->request->target.timeline,
						"in the last segment before the gap");
	}
	else if ((missing * size) >= work->set->lsn_stop)
		restore_nearest(work, RECOVERY_IMMEDIATE, NULL, work->set->label,
						work->request->target.timeline, "backup %s by itself", work->set->label);
	for (size_t i = 0; i < facts->backup_count; i++)
	{
		const FactBackup *backup = &facts->backups[i];

		if (restore_set_usable(work, backup) && restore_set_on_path(work, backup) &&
			backup->lsn_start / size > missing &&
			(after == NULL || backup->lsn_stop < after->lsn_stop))
			after = backup;
	}
	if (after == NULL)
		return;
	restore_nearest(work, RECOVERY_IMMEDIATE, NULL, after->label, work->request->target.timeline,
					"backup %s by itself, the first after the gap", after->label);
	moment_format((after->stop + 1) * SECOND_US, text);
	restore_nearest(work, RECOVERY_TIME, text, after->label, work->request->target.timeline,
					"the end of that backup");
}

static bool
refuse_missing(RestoreWork *work, const WalNeed *need, uint64_t missing)
{
	const WalArchive *archive = &work->facts->archive;
	char name[WAL_NAME_SIZE];

	wal_segment_name(name,
					 timeline_path_reads(&work->path, archive->segment_size, missing, need->bound),
					 missing, archive->segment_size);
	restore_refuse(work, "WAL segment %s is not in the repository", name);
	pgbr_error_detail(&work->refusal->error,
					  "It is needed on the way from backup %s to the target; recovery would end "
					  "before it.",
					  work->set->label);
	pgbr_error_hint(
		&work->refusal->error,
		"If a member still has it in pg_wal, \"pgbackrest archive-push\" brings it into "
		"the repository.");
	offer_around(work, missing);
	return false;
}

/* Recovery must have reached at least this LSN when it ends, whatever reason it reports. */
static uint64_t
least_lsn(const RestoreWork *work, const WalNeed *need)
{
	uint64_t least = work->set->lsn_stop;
	uint64_t size = work->facts->archive.segment_size;

	if (work->request->target.type == RECOVERY_NAME)
		least = work->point->lsn;
	else if (work->request->target.type == RECOVERY_DEFAULT && need->last * size > least)
		least = need->last * size;
	return least;
}

bool
restore_prove_wal(RestoreWork *work)
{
	const WalArchive *archive = &work->facts->archive;
	const RecoveryTarget *target = &work->request->target;
	RestorePlan *plan = work->plan;
	WalNeed need;
	uint64_t missing;

	if (!find_need(work, &need))
		return restore_refuse(work, "the WAL of backup %s can't be told: it begins with \"%s\"",
							  work->set->label, work->set->wal_start);
	if (timeline_path_missing(&work->path, archive, need.first, need.last, need.bound, &missing) &&
		!will_be_archived(work, &need, missing))
	{
		bool is_open = target->type == RECOVERY_TIME || target->type == RECOVERY_XID;

		if (!is_open || missing == need.first || !is_before(work, missing * archive->segment_size))
			return refuse_missing(work, &need, missing);
		restore_unproven(
			work,
			"That the target is before the WAL that is missing %" PRIu64
			" segments after the start of the backup. If it is not, recovery fails, and "
			"nothing is lost.",
			missing - need.first);
		need.last = missing - 1;
	}
	wal_segment_name(
		plan->first_segment,
		timeline_path_reads(&work->path, archive->segment_size, need.first, need.bound), need.first,
		archive->segment_size);
	wal_segment_name(plan->last_segment,
					 timeline_path_reads(&work->path, archive->segment_size, need.last, need.bound),
					 need.last, archive->segment_size);
	plan->wal_segments = (long long) need.last - (long long) need.first + 1;
	plan->wal_segment_size = (long long) archive->segment_size;
	if (target->type == RECOVERY_LSN || target->type == RECOVERY_NAME)
		plan->target_lsn = target->type == RECOVERY_LSN ? target->lsn : work->point->lsn;
	plan->least_lsn = least_lsn(work, &need);
	plan->wal_bound = need.bound;
	return true;
}
