/*
 * backup_set.c
 *		Which backup a restore starts from: the latest on the way to the target that had ended
 *		before it. For a name or a transaction id pgbackrest would take the latest of all.
 */
#include "ctl/plan/backup_set.h"

#include "common/moment.h"
#include "common/wal.h"
#include "ctl/facts/damaged.h"
#include "ctl/print/units.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const RecoveryTarget *
target_of(const RestoreWork *work)
{
	return &work->request->target;
}

static const FactBackup *
find_backup(const RestoreWork *work, const char *label)
{
	for (size_t i = 0; i < work->facts->backup_count; i++)
	{
		const FactBackup *backup = &work->facts->backups[i];

		if (strcmp(backup->label, label) == 0 &&
			(work->request->repo == 0 || backup->repo == work->request->repo))
			return backup;
	}
	return NULL;
}

static bool
is_of_cluster(const RestoreWork *work, const FactBackup *backup)
{
	const RestoreFacts *facts = work->facts;
	const char *identifier =
		facts->system_identifier[0] ? facts->system_identifier : work->leader->system_identifier;

	for (size_t i = 0; i < facts->database_count; i++)
	{
		const FactDatabase *database = &facts->databases[i];

		if (database->repo == backup->repo && database->id == backup->database)
			return identifier[0] == '\0' || strcmp(database->system_identifier, identifier) == 0;
	}
	return false;
}

/* The damage of the backup, or of one that it depends on, that an earlier restore has met; NULL. */
static const FactDamage *
damage_of(const RestoreWork *work, const FactBackup *backup)
{
	const FactDamage *damage = restore_facts_damage(work->facts, backup->label);

	/* at most one step per backup, so a cycle ends, too */
	for (size_t i = 0; damage == NULL && backup->prior[0] && i < work->facts->backup_count; i++)
	{
		const FactBackup *other = find_backup(work, backup->prior);

		if (other == NULL)
			break;
		backup = other;
		damage = restore_facts_damage(work->facts, backup->label);
	}
	return damage;
}

/* A backup that depends on a damaged one is damaged, too. */
static bool
is_damaged(const RestoreWork *work, const FactBackup *backup)
{
	const char *prior = backup->prior;

	if (backup->error || backup->broken)
		return true;
	/* at most one step per backup, so a cycle ends, too */
	for (size_t i = 0; prior[0] && i < work->facts->backup_count; i++)
	{
		const FactBackup *other = find_backup(work, prior);

		if (other == NULL)
			return false;
		if (other->broken)
			return true;
		prior = other->prior;
	}
	return false;
}

/* As restore_set_usable, but what an earlier restore has met does not count. */
static bool
may_be_named(const RestoreWork *work, const FactBackup *backup)
{
	return backup->lsn_stop != 0 && backup->wal_start[0] && is_of_cluster(work, backup) &&
		   !is_damaged(work, backup) &&
		   (work->request->repo == 0 || backup->repo == work->request->repo);
}

bool
restore_set_usable(const RestoreWork *work, const FactBackup *backup)
{
	return may_be_named(work, backup) && damage_of(work, backup) == NULL;
}

bool
restore_set_on_path(const RestoreWork *work, const FactBackup *backup)
{
	uint32_t timeline;
	uint64_t segment;

	return wal_segment_parse(backup->wal_start, work->facts->archive.segment_size, &timeline,
							 &segment) &&
		   timeline_path_has(&work->path, timeline, backup->lsn_stop);
}

/* pgbackrest gives whole seconds: the backup ended at some moment within that second. */
static int64_t
end_of(const FactBackup *backup)
{
	return (backup->stop + 1) * SECOND_US;
}

/* Recovery would end at another restore point of the same name between the backup and the intended
 * one. */
static bool
is_first_of_name(const RestoreWork *work, const FactBackup *backup)
{
	for (size_t i = 0; i < work->facts->point_count; i++)
	{
		const FactPoint *other = &work->facts->points[i];

		if (other != work->point && strcmp(other->name, work->point->name) == 0 &&
			timeline_path_has(&work->path, other->timeline, other->lsn) &&
			other->lsn < work->point->lsn && other->lsn >= backup->lsn_stop)
			return false;
	}
	return true;
}

/*
 * No transaction from this ID on had begun when the backup ended. It was recorded with the backup,
 * or with a later backup or restore point, since IDs only grow. 0: unknown.
 */
static uint64_t
xmax_of(const RestoreWork *work, const FactBackup *backup)
{
	uint64_t least = 0;

	for (size_t i = 0; i < work->facts->backup_count; i++)
	{
		const FactBackup *other = &work->facts->backups[i];

		if (other->snapshot_xmax != 0 && other->lsn_stop >= backup->lsn_stop &&
			restore_set_on_path(work, other) && (least == 0 || other->snapshot_xmax < least))
			least = other->snapshot_xmax;
	}
	for (size_t i = 0; i < work->facts->point_count; i++)
	{
		const FactPoint *point = &work->facts->points[i];

		if (point->xid != 0 && point->lsn >= backup->lsn_stop &&
			timeline_path_has(&work->path, point->timeline, point->lsn) &&
			(least == 0 || point->xid < least))
			least = point->xid;
	}
	return least;
}

/*
 * A transaction that had begun before a backup ended may still have ended after it. Recovery fails
 * if it had not.
 */
static bool
may_be_early(const RestoreWork *work, const FactBackup *backup)
{
	return target_of(work)->type == RECOVERY_XID && backup->snapshot_xmin != 0 &&
		   backup->snapshot_xmin <= work->xid;
}

/* True when the backup had surely ended before the target. */
static bool
is_early_enough(const RestoreWork *work, const FactBackup *backup)
{
	const RecoveryTarget *target = target_of(work);
	uint64_t xmax;

	switch (target->type)
	{
		case RECOVERY_TIME:
			return end_of(backup) <= target->time_us;
		case RECOVERY_LSN:
			return backup->lsn_stop <= target->lsn;
		case RECOVERY_NAME:
			return backup->lsn_stop < work->point->lsn && is_first_of_name(work, backup);
		case RECOVERY_XID:
			xmax = xmax_of(work, backup);
			return xmax != 0 && xmax <= work->xid;
		default:
			return true;
	}
}

/* Of backups with the same end the one in the first repository wins. */
static bool
is_later(const FactBackup *a, const FactBackup *b)
{
	return b == NULL || a->lsn_stop > b->lsn_stop ||
		   (a->lsn_stop == b->lsn_stop && a->repo < b->repo);
}

/* Two backups are based on the same full one. */
static bool
share_files(const FactBackup *a, const FactBackup *b)
{
	size_t length = strcspn(a->label, "_");

	return length == strcspn(b->label, "_") && strncmp(a->label, b->label, length) == 0;
}

/* other: one that shares no file with it; NULL: any. */
static const FactBackup *
find_latest(const RestoreWork *work, const FactBackup *other)
{
	const FactBackup *found = NULL;

	for (size_t i = 0; i < work->facts->backup_count; i++)
	{
		const FactBackup *backup = &work->facts->backups[i];

		if (restore_set_usable(work, backup) && (other == NULL || !share_files(backup, other)) &&
			restore_set_on_path(work, backup) && is_early_enough(work, backup) &&
			is_later(backup, found))
			found = backup;
	}
	return found;
}

/* Of all, or of those that may be early enough. */
static const FactBackup *
find_earliest(const RestoreWork *work, bool may_be)
{
	const FactBackup *found = NULL;

	for (size_t i = 0; i < work->facts->backup_count; i++)
	{
		const FactBackup *backup = &work->facts->backups[i];

		if (restore_set_usable(work, backup) && restore_set_on_path(work, backup) &&
			(!may_be || may_be_early(work, backup)) &&
			(found == NULL || backup->lsn_stop < found->lsn_stop))
			found = backup;
	}
	return found;
}

/* The earliest state that a backup can give, as a target of the requested type. */
static void
offer_start_of(RestoreWork *work, const FactBackup *backup, const char *what)
{
	const RecoveryTarget *target = target_of(work);
	char text[RECOVERY_TEXT_SIZE];

	if (target->type == RECOVERY_TIME)
	{
		moment_format(end_of(backup), text);
		restore_nearest(work, RECOVERY_TIME, text, NULL, target->timeline,
						"the end of backup %s, %s", backup->label, what);
	}
	else if (target->type == RECOVERY_LSN)
	{
		recovery_lsn_format(backup->lsn_stop, text);
		restore_nearest(work, RECOVERY_LSN, text, NULL, target->timeline,
						"the end of backup %s, %s", backup->label, what);
	}
	restore_nearest(work, RECOVERY_IMMEDIATE, NULL, backup->label, target->timeline,
					"backup %s by itself, %s", backup->label, what);
}

static const char *
target_words(const RestoreWork *work, char *text, size_t size)
{
	const RecoveryTarget *target = target_of(work);

	if (target->text[0] == '\0')
		snprintf(text, size, "timeline %" PRIu32, work->plan->target_timeline);
	else
		snprintf(text, size, "%s %s on timeline %" PRIu32,
				 target->type == RECOVERY_NAME ? "restore point" : recovery_type_name(target->type),
				 target->text, work->plan->target_timeline);
	return text;
}

/* If a damaged backup would have been suitable, the user must know. */
static void
tell_damaged(RestoreWork *work)
{
	for (size_t i = 0; i < work->facts->backup_count; i++)
	{
		const FactBackup *backup = &work->facts->backups[i];

		if (!restore_set_on_path(work, backup) || !is_early_enough(work, backup) ||
			(!is_damaged(work, backup) && damage_of(work, backup) == NULL))
			continue;
		pgbr_error_detail(&work->refusal->error,
						  "Backup %s would do, but it, or one that it is based on, is damaged.",
						  backup->label);
		if (!is_damaged(work, backup))
			restore_nearest(work, target_of(work)->type, target_of(work)->text, backup->label,
							target_of(work)->timeline, "restore %s found it damaged; try it again",
							damage_of(work, backup)->restore);
		return;
	}
}

static bool
refuse_no_set(RestoreWork *work)
{
	const FactBackup *earliest = find_earliest(work, false);
	char text[160];
	char time[UNIT_TEXT];

	restore_refuse(work, "there is no backup from which %s can be reached",
				   target_words(work, text, sizeof(text)));
	tell_damaged(work);
	if (earliest == NULL)
		return pgbr_error_hint(&work->refusal->error,
							   "No usable backup is an ancestor of timeline %" PRIu32
							   "; \"pgbackrest_ctl info\" lists the backups.",
							   work->plan->target_timeline);
	if (work->refusal->error.detail[0] == '\0')
		pgbr_error_detail(&work->refusal->error,
						  "The first one on the way to timeline %" PRIu32
						  " is %s, which ended at %s.",
						  work->plan->target_timeline, earliest->label,
						  unit_time(time, sizeof(time), earliest->stop));
	if (target_of(work)->type == RECOVERY_NAME && earliest->lsn_stop < work->point->lsn)
	{
		pgbr_error_detail(&work->refusal->error,
						  "Recovery would end at another restore point of that name, which comes "
						  "first.");
		restore_nearest_point(work, work->point);
	}
	offer_start_of(work, earliest, "the earliest that can be reached");
	if (target_of(work)->type == RECOVERY_XID && xmax_of(work, earliest) == 0)
		pgbr_error_hint(
			&work->refusal->error,
			"With no backup it is recorded which transactions it holds. If you know one "
			"that had ended before that transaction began, name it with --set.");
	return false;
}

static void
take_maybe(RestoreWork *work, const FactBackup *backup)
{
	restore_unproven(work,
					 "That transaction %s ended after backup %s, during which it had begun. If it "
					 "did not, recovery fails, and nothing is lost.",
					 target_of(work)->text, backup->label);
	work->set = backup;
}

/* Check the backup that the user named against the target. */
static bool
check_named_set(RestoreWork *work)
{
	const char *label = target_of(work)->set;
	const FactBackup *backup = find_backup(work, label);
	const FactBackup *other = find_latest(work, NULL);
	PgbrError *error = &work->refusal->error;
	char text[160];

	if (backup == NULL)
		restore_refuse(work, "there is no backup %s", label);
	else if (!is_of_cluster(work, backup))
		restore_refuse(work, "backup %s is of another cluster", label);
	else if (is_damaged(work, backup))
		restore_refuse(work, "backup %s, or one that it is based on, is damaged", label);
	else if (!may_be_named(work, backup))
		restore_refuse(work, "backup %s was made while PostgreSQL was down, and no WAL follows it",
					   label);
	else if (!restore_set_on_path(work, backup))
	{
		restore_refuse(work, "backup %s is not on the way to timeline %" PRIu32, label,
					   work->plan->target_timeline);
		pgbr_error_detail(error,
						  "It begins with WAL %s, and ends past the point at which the "
						  "timelines parted, or on another branch.",
						  backup->wal_start);
	}
	else if (target_of(work)->type == RECOVERY_XID && xmax_of(work, backup) == 0)
	{
		restore_unproven(work, "That backup %s had ended before transaction %s began.", label,
						 target_of(work)->text);
		work->set = backup;
		return true;
	}
	else if (!is_early_enough(work, backup) && may_be_early(work, backup))
	{
		take_maybe(work, backup);
		return true;
	}
	else if (!is_early_enough(work, backup))
	{
		restore_refuse(work, "backup %s is too late for %s", label,
					   target_words(work, text, sizeof(text)));
		offer_start_of(work, backup, "the one that was named");
	}
	else
	{
		work->set = backup;
		return true;
	}
	if (other)
		restore_nearest(work, target_of(work)->type, target_of(work)->text, other->label,
						target_of(work)->timeline, "the backup that the plan would take");
	return false;
}

/* Verification of 2 TB takes hours: it is a job of its own, and its outcome is used. */
static void
tell_verified(RestoreWork *work)
{
	char time[UNIT_TEXT];

	if (work->facts->verify_error[0])
		restore_unproven(work, "That the files of backup %s are whole: %s.", work->set->label,
						 work->facts->verify_error);
	else if (!work->facts->verified)
		restore_unproven(work,
						 "That the files of backup %s are whole: --verify has pgbackrest read "
						 "them first.",
						 work->set->label);
	else if (work->facts->verified_at <= work->set->stop)
		restore_unproven(work,
						 "That the files of backup %s are whole: the last verification, at %s, was "
						 "before it.",
						 work->set->label, unit_time(time, sizeof(time), work->facts->verified_at));
}

/* The backup was passed over, or is taken because it was named. */
static void
tell_damage(RestoreWork *work)
{
	const FactBackup *latest = NULL;
	const FactDamage *damage;

	for (size_t i = 0; i < work->facts->backup_count; i++)
	{
		const FactBackup *backup = &work->facts->backups[i];

		if (may_be_named(work, backup) && restore_set_on_path(work, backup) &&
			is_early_enough(work, backup) && is_later(backup, latest))
			latest = backup;
	}
	damage = damage_of(work, work->set);
	if (damage)
		restore_warn(work, "Backup %s is taken although restore %s found %s damaged: %s.",
					 work->set->label, damage->restore, damage->label, damage->said);
	damage = latest && latest != work->set ? damage_of(work, latest) : NULL;
	if (damage && target_of(work)->set[0] == '\0')
		restore_warn(work,
					 "Backup %s is passed over: restore %s found %s damaged: %s. --set=%s tries it "
					 "again.",
					 latest->label, damage->restore, damage->label, damage->said, latest->label);
}

bool
restore_choose_set(RestoreWork *work)
{
	const FactBackup *older;

	if (target_of(work)->set[0])
	{
		if (!check_named_set(work))
			return false;
	}
	else
	{
		const FactBackup *maybe = find_earliest(work, true);

		work->set = find_latest(work, NULL);
		if (work->set == NULL && maybe == NULL)
			return refuse_no_set(work);
		if (work->set == NULL)
			take_maybe(work, maybe);
	}
	tell_verified(work);
	tell_damage(work);
	older = find_latest(work, work->set);
	pgbr_copy_text(work->plan->older_set, sizeof(work->plan->older_set), older ? older->label : "");
	return true;
}
