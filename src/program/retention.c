/*
 * retention.c
 *		See retention.h. The decisions; retention_words.c puts them into words.
 *
 * Backups are looked at from the newest to the oldest, as labels sort, for that is how pgbackrest
 * counts: it keeps the newest so many, and what depends on a backup goes with it.
 */
#include "program/retention.h"

#include "common/memory.h"
#include "program/clock.h"
#include "program/pgbackrest_info.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define DAY_S 86400

RetentionSettings
retention_settings_of(const RetentionSettings *settings, int count, int repo)
{
	for (int i = 0; i < count; i++)
	{
		if (settings[i].repo == repo)
			return settings[i];
	}
	return (RetentionSettings){.repo = repo, .archive_type = PGBR_BACKUP_FULL};
}

/* What stands before the time in the annotation of a way back. */
#define UNTIL " until "

static int64_t
read_until(const char *way_back)
{
	const char *until = way_back ? strstr(way_back, UNTIL) : NULL;
	int64_t ms;

	return until && clock_parse(until + strlen(UNTIL), &ms) ? ms : 0;
}

bool
retention_way_back_is_of(const char *value, const char *restore)
{
	size_t length = strlen(restore);

	return strncmp(value, restore, length) == 0 &&
		   strncmp(value + length, UNTIL, strlen(UNTIL)) == 0;
}

static int
compare_backups(const void *a, const void *b)
{
	const RetentionBackup *one = a;
	const RetentionBackup *other = b;

	return one->repo != other->repo ? (one->repo > other->repo) - (one->repo < other->repo)
									: strcmp(one->label, other->label);
}

static bool
is_database(long long repo, long long database)
{
	return repo >= 1 && repo <= PGBR_REPO_MAX && database >= 0 && database <= INT_MAX;
}

/* False for what pgbackrest does not write: a repository may hold anything. */
static bool
take_backup(const InfoBackup *info, RetentionBackup *backup)
{
	if (!is_database(info->repo, info->database) || info->stop != info_time(info->stop))
		return false;

	*backup = (RetentionBackup){
		.repo = (int) info->repo,
		.database = (int) info->database,
		.label = info->label,
		.prior = -1,
		.stop = info->stop,
		.wal_start = info->wal_start,
		.wal_stop = info->wal_stop,
		.pin = info_annotation(info, RETENTION_PIN),
		.way_back = info_annotation(info, RETENTION_WAY_BACK),
		.holder = -1,
	};
	backup->way_back_until = read_until(backup->way_back);
	return info->label && pgbr_is_backup_label(info->label) && info->type &&
		   pgbr_backup_type_parse(info->type, &backup->type) &&
		   (!info->wal_start || pgbr_is_wal_segment(info->wal_start));
}

/* A prior that is not in the repository is none. */
static void
find_prior(RetentionHistory *history, RetentionBackup *backup, const char *label)
{
	RetentionBackup key = {.repo = backup->repo, .label = label};
	RetentionBackup *found;

	found = bsearch(&key, history->backups, (size_t) history->count, sizeof(key), compare_backups);
	/* one that did not come before would be a circle */
	backup->prior = found && found < backup ? (int) (found - history->backups) : -1;
}

/* pgbackrest has one backup of a label: of two, the pin of one would not hold for the other. */
static bool
has_label_twice(const RetentionHistory *history)
{
	for (int i = 1; i < history->count; i++)
	{
		if (compare_backups(&history->backups[i - 1], &history->backups[i]) == 0)
			return true;
	}
	return false;
}

static bool
read_backups(const json_t *stanza, RetentionHistory *history)
{
	InfoBackup info;

	for (size_t i = 0; info_backup_at(stanza, i, &info); i++)
	{
		RetentionBackup *backup = &history->backups[history->count++];

		if (!take_backup(&info, backup))
			return false;
		if (backup->pin || backup->way_back)
			history->pinned = true;
	}
	qsort(history->backups, (size_t) history->count, sizeof(RetentionBackup), compare_backups);
	if (has_label_twice(history))
		return false;
	for (size_t i = 0; info_backup_at(stanza, i, &info); i++)
	{
		RetentionBackup key;

		if (info.prior == NULL || !take_backup(&info, &key))
			continue;
		find_prior(
			history,
			bsearch(&key, history->backups, (size_t) history->count, sizeof(key), compare_backups),
			info.prior);
	}
	return true;
}

/* A text within its grammar, or NULL. */
static const char *
text_of(const char *text, bool (*is_valid)(const char *))
{
	return text && is_valid(text) ? text : NULL;
}

static void
read_wals(const json_t *stanza, RetentionHistory *history)
{
	InfoArchive archive;

	for (size_t i = 0; info_archive_at(stanza, i, &archive); i++)
	{
		if (!is_database(archive.repo, archive.database))
			continue;
		history->wals[history->wal_count++] = (RetentionWal){
			.repo = (int) archive.repo,
			.database = (int) archive.database,
			.archive_id = text_of(archive.id, pgbr_is_archive_id),
			.first = text_of(archive.min, pgbr_is_wal_segment),
			.last = text_of(archive.max, pgbr_is_wal_segment),
			.from = -1,
		};
	}
}

bool
retention_read(const json_t *stanza, RetentionHistory *history, PgbrError *error)
{
	*history = (RetentionHistory){
		.backups = memory_zeroed(info_backup_count(stanza) + 1, sizeof(RetentionBackup)),
		.wals = memory_zeroed(info_archive_count(stanza) + 1, sizeof(RetentionWal)),
	};
	if (history->backups == NULL || history->wals == NULL)
	{
		retention_done(history);
		return pgbr_error_set(error, PGBR_ERROR_INTERNAL, "out of memory");
	}
	if (!read_backups(stanza, history))
	{
		retention_done(history);
		return pgbr_error_set(
			error, PGBR_ERROR_PROTOCOL,
			"pgbackrest info shows a backup whose label, type, time or WAL is not "
			"valid, or a label twice");
	}
	read_wals(stanza, history);
	return true;
}

void
retention_done(RetentionHistory *history)
{
	free(history->backups);
	free(history->wals);
	*history = (RetentionHistory){0};
}

/* What the rules have counted in a repository, from its newest backup on. */
typedef struct Counted
{
	int full;
	int full_or_diff;
	int64_t oldest_stop; /* of the full backups seen; 0: none */
	bool covered;		 /* one of them is old enough to restore all the time that is set */
} Counted;

static void
decide_full_by_count(RetentionBackup *backup, int limit, const Counted *counted)
{
	backup->rule = RETENTION_COUNT;
	backup->limit = limit;
	backup->would_go = counted->full >= limit;
	backup->after_full = backup->would_go ? 0 : limit - counted->full;
}

/* A full backup goes when one that is newer is older than the days that are set. */
static void
decide_full_by_time(RetentionBackup *backup, int days, int64_t now, Counted *counted)
{
	bool is_old = backup->stop < now - (int64_t) days * DAY_S;

	backup->limit = days;
	backup->rule = is_old ? RETENTION_COVERS_TIME : RETENTION_TOO_YOUNG;
	backup->would_go = counted->covered;
	if (counted->oldest_stop == 0)
		backup->days_after = days;
	else
		backup->at = counted->oldest_stop + (int64_t) days * DAY_S + 1;
	counted->covered = counted->covered || is_old;
	if (counted->oldest_stop == 0 || backup->stop < counted->oldest_stop)
		counted->oldest_stop = backup->stop;
}

static void
decide_diff(RetentionBackup *backup, int limit, const Counted *counted)
{
	backup->rule = RETENTION_DIFF_COUNT;
	backup->limit = limit;
	backup->would_go = counted->full_or_diff >= limit;
	backup->after_diff = backup->would_go ? 0 : limit - counted->full_or_diff;
}

/* By the rules for its type alone, without what it depends on. */
static void
decide_alone(RetentionBackup *backup, const RetentionSettings *settings, int64_t now,
			 Counted *counted)
{
	if (backup->type == PGBR_BACKUP_FULL)
	{
		if (settings->full > 0 && settings->full_by_time)
			decide_full_by_time(backup, settings->full, now, counted);
		else if (settings->full > 0)
			decide_full_by_count(backup, settings->full, counted);
		counted->full++;
	}
	else if (backup->type == PGBR_BACKUP_DIFF && settings->diff > 0)
		decide_diff(backup, settings->diff, counted);
	else
		backup->rule = RETENTION_DEPENDS;
	if (backup->type != PGBR_BACKUP_INCR)
		counted->full_or_diff++;
}

/* The smaller one of those that are set. */
static int64_t
sooner(int64_t a, int64_t b)
{
	return a == 0 || (b != 0 && b < a) ? b : a;
}

/* It goes with its prior, which was decided before. */
static void
follow_prior(RetentionBackup *backup, const RetentionBackup *prior)
{
	backup->would_go = backup->would_go || prior->would_go;
	backup->after_full = (int) sooner(backup->after_full, prior->after_full);
	backup->after_diff = (int) sooner(backup->after_diff, prior->after_diff);
	backup->days_after = (int) sooner(backup->days_after, prior->days_after);
	backup->at = sooner(backup->at, prior->at);
}

static void
apply_pins(RetentionHistory *history, int64_t now)
{
	for (int i = 0; i < history->count; i++)
	{
		RetentionBackup *backup = &history->backups[i];

		backup->is_way_back = backup->way_back &&
							  (backup->way_back_until == 0 || backup->way_back_until > now * 1000);
		if (backup->pin == NULL && !backup->is_way_back)
			continue;
		for (int on = backup->prior; on >= 0; on = history->backups[on].prior)
			history->backups[on].holder = i;
	}
	for (int i = 0; i < history->count; i++)
	{
		RetentionBackup *backup = &history->backups[i];

		backup->goes =
			backup->would_go && backup->pin == NULL && !backup->is_way_back && backup->holder < 0;
		if (backup->pin)
			backup->rule = RETENTION_PINNED;
		else if (backup->is_way_back)
			backup->rule = RETENTION_WAY_BACK_OF;
		else if (backup->holder >= 0)
			backup->rule = RETENTION_HOLDS_PIN;
		else if (backup->goes)
			backup->rule = RETENTION_GOES;
	}
}

static void
decide_backups(RetentionHistory *history, const RetentionSettings *settings, int count, int64_t now)
{
	RetentionSettings of_repo = {0};
	Counted counted = {0};

	for (int i = history->count - 1; i >= 0; i--)
	{
		RetentionBackup *backup = &history->backups[i];

		backup->limit = backup->after_full = backup->after_diff = backup->days_after = 0;
		backup->at = 0;
		backup->holder = -1;
		backup->would_go = backup->goes = backup->point_in_time = false;
		if (backup->repo != of_repo.repo)
		{
			of_repo = retention_settings_of(settings, count, backup->repo);
			counted = (Counted){0};
		}
		backup->elsewhere = of_repo.elsewhere;
		backup->rule = of_repo.elsewhere ? RETENTION_ELSEWHERE : RETENTION_NOT_SET;
		decide_alone(backup, &of_repo, now, &counted);
	}
	for (int i = 0; i < history->count; i++)
	{
		if (history->backups[i].prior >= 0)
			follow_prior(&history->backups[i], &history->backups[history->backups[i].prior]);
	}
	apply_pins(history, now);
}

/*
 * True when the archive's retention counts this backup: incr counts all, diff also the full ones.
 */
static bool
archive_counts(const RetentionBackup *backup, const RetentionSettings *settings)
{
	return backup->repo == settings->repo && backup->type >= settings->archive_type;
}

/*
 * How many backups the archive's retention counts: as set, or what pgbackrest makes of the others.
 */
static int
archive_limit(const RetentionHistory *history, const RetentionSettings *settings)
{
	int kept = 0;
	bool some_go = false;

	if (settings->archive > 0)
		return settings->archive;
	if (settings->archive_type == PGBR_BACKUP_DIFF)
		return settings->diff;
	if (settings->archive_type == PGBR_BACKUP_INCR || !settings->full_by_time)
		return settings->archive_type == PGBR_BACKUP_INCR ? 0 : settings->full;
	/* by time: all full backups that are left, in an expire that removes some */
	for (int i = 0; i < history->count; i++)
	{
		const RetentionBackup *backup = &history->backups[i];

		if (backup->repo != settings->repo || backup->type != PGBR_BACKUP_FULL)
			continue;
		kept += !backup->would_go;
		some_go = some_go || backup->would_go;
	}
	return some_go ? kept : 0;
}

/* The backup that the archive's retention counts and from which on it has to keep all WAL, so that
 * the oldest way back has its own; INT_MAX: there is none. */
static int
way_back_base(const RetentionHistory *history, const RetentionSettings *settings)
{
	int counted = -1;

	for (int i = 0; i < history->count; i++)
	{
		const RetentionBackup *backup = &history->backups[i];

		if (archive_counts(backup, settings) && !backup->goes)
			counted = i;
		if (backup->repo == settings->repo && backup->is_way_back)
			return counted;
	}
	return INT_MAX;
}

/* The backup from which on all WAL is kept, as if there were no pins but for the ways back, or -1:
 * no WAL goes. */
static int
find_archive_base(const RetentionHistory *history, const RetentionSettings *settings)
{
	int limit = archive_limit(history, settings);
	int way_back = way_back_base(history, settings);

	for (int i = history->count - 1; limit > 0 && i >= 0; i--)
	{
		if (archive_counts(&history->backups[i], settings) && !history->backups[i].would_go &&
			--limit == 0)
			return i < way_back ? i : way_back;
	}
	return -1;
}

int
retention_archive_count(const RetentionHistory *history, const RetentionSettings *settings)
{
	int base = find_archive_base(history, settings);
	int count = 0;

	for (int i = history->count - 1; base >= 0 && i >= base; i--)
		count += archive_counts(&history->backups[i], settings) && !history->backups[i].goes;
	return base >= 0 ? count : RETENTION_MAX;
}

static bool
is_in(const RetentionBackup *backup, const RetentionWal *wal)
{
	return backup->repo == wal->repo && backup->database == wal->database;
}

/*
 * Where the kept WAL of a database begins. Of a database that was upgraded the newest backup stays
 * restorable to its end, though the retention is used up by the backups of its successor.
 */
static void
decide_wal(RetentionHistory *history, RetentionWal *wal, const RetentionSettings *settings)
{
	int base = find_archive_base(history, settings);
	int oldest = -1;
	int newest = -1; /* that the retention counts */
	int from = -1;	 /* the oldest one that it counts and that is not older than base */

	for (int i = history->count - 1; i >= 0; i--)
	{
		const RetentionBackup *backup = &history->backups[i];

		if (!is_in(backup, wal) || backup->goes)
			continue;
		if (backup->wal_start)
			oldest = i;
		if (!archive_counts(backup, settings))
			continue;
		newest = newest < 0 ? i : newest;
		from = i >= base ? i : from;
	}
	if (base >= 0)
		from = from < 0 ? newest : from;
	wal->expires = base >= 0 && from >= 0 && history->backups[from].wal_start;
	wal->from = wal->expires ? from : oldest;
	for (int i = 0; i < history->count; i++)
	{
		RetentionBackup *backup = &history->backups[i];

		if (is_in(backup, wal))
			backup->point_in_time =
				!backup->goes && wal->from >= 0 && i >= wal->from && backup->wal_start;
	}
}

void
retention_decide(RetentionHistory *history, const RetentionSettings *settings, int count,
				 int64_t now)
{
	decide_backups(history, settings, count, now);
	for (int i = 0; i < history->wal_count; i++)
	{
		RetentionSettings of_repo = retention_settings_of(settings, count, history->wals[i].repo);

		decide_wal(history, &history->wals[i], &of_repo);
	}
}
