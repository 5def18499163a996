/*
 * retention_words.c
 *		See retention_words.h.
 */
#include "program/retention_words.h"

#include "common/visible.h"
#include "program/clock.h"
#include "program/json.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *
plural(int count)
{
	return count == 1 ? "" : "s";
}

/* Append to text, of RETENTION_WORDS_SIZE bytes; what does not fit is cut. */
static void words_put(char *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void
words_put(char *text, const char *format, ...)
{
	size_t length = strlen(text);
	char part[RETENTION_WORDS_SIZE];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(part, sizeof(part), format, arguments);
	va_end(arguments);
	pgbr_copy_text(text + length, RETENTION_WORDS_SIZE - length, part);
}

/* Append what somebody has written, as one line. */
static void
put_foreign(char *text, const char *foreign)
{
	char *begin = text + strlen(text);

	pgbr_copy_visible(begin, RETENTION_WORDS_SIZE - (size_t) (begin - text), foreign);
	while ((begin = strpbrk(begin, "\n\t")) != NULL)
		*begin = ' ';
}

/* Whatever comes first ends it, so all that can are told; a full backup counts among the full and
 * diff ones, so of these two the larger number may be needless. */
static void
put_ends(const RetentionBackup *backup, char *text)
{
	char moment[CLOCK_TEXT_SIZE];
	const char * or = "";

	if (backup->after_full && (!backup->after_diff || backup->after_full < backup->after_diff))
	{
		words_put(text, "after %d more full backup%s", backup->after_full,
				  plural(backup->after_full));
		or = ", or ";
	}
	if (backup->after_diff)
	{
		words_put(text, "%safter %d more full or diff backup%s", or, backup->after_diff,
				  plural(backup->after_diff));
		or = ", or ";
	}
	if (backup->at)
	{
		/* pgbackrest wants it to be older than the days, so the second before is told */
		clock_format_seconds(backup->at - 1, moment);
		words_put(text, "%sat the first expire after %.19sZ", or, moment);
	}
	else if (backup->days_after)
		words_put(text, "%s%d day%s after the next full backup", or, backup->days_after,
				  plural(backup->days_after));
}

static void
put_way_back_ends(const RetentionBackup *backup, char *text)
{
	char moment[CLOCK_TEXT_SIZE];

	if (backup->way_back_until == 0)
	{
		words_put(text, "never while it is a way back");
		return;
	}
	clock_format_seconds(backup->way_back_until / 1000, moment);
	words_put(text, "at the first expire after %.19sZ, if no rule keeps it then", moment);
}

static void
put_holder_ends(const RetentionBackup *holder, char *text)
{
	if (holder->pin)
		words_put(text, "never while %s is pinned", holder->label);
	else
		put_way_back_ends(holder, text);
}

void
retention_expires_words(const RetentionHistory *history, int index, char *text)
{
	const RetentionBackup *backup = &history->backups[index];

	text[0] = '\0';
	if (backup->rule == RETENTION_PINNED)
		words_put(text, "never while it is pinned");
	else if (backup->rule == RETENTION_HOLDS_PIN)
		put_holder_ends(&history->backups[backup->holder], text);
	else if (backup->rule == RETENTION_WAY_BACK_OF)
		put_way_back_ends(backup, text);
	else if (backup->elsewhere)
		words_put(text, "not known here");
	else if (backup->goes)
		words_put(text, "at the next expire");
	else
		put_ends(backup, text);
	if (text[0] == '\0')
		words_put(text, "never");
}

static void
put_newest(char *text, int limit, const char *which)
{
	if (limit == 1)
		words_put(text, "the newest %s backup", which);
	else
		words_put(text, "one of the %d newest %s backups", limit, which);
}

void
retention_kept_words(const RetentionHistory *history, int index, char *text)
{
	const RetentionBackup *backup = &history->backups[index];

	text[0] = '\0';
	switch (backup->rule)
	{
		case RETENTION_GOES:
			break;
		case RETENTION_PINNED:
			words_put(text, "pinned%s", backup->pin[0] ? ": " : "");
			put_foreign(text, backup->pin);
			break;
		case RETENTION_HOLDS_PIN:
			words_put(text, "%s depends on it and is %s", history->backups[backup->holder].label,
					  history->backups[backup->holder].pin ? "pinned" : "a way back");
			break;
		case RETENTION_WAY_BACK_OF:
			words_put(text, "the way back of restore ");
			put_foreign(text, backup->way_back);
			break;
		case RETENTION_NOT_SET:
			words_put(text, "no retention of full backups is set");
			break;
		case RETENTION_ELSEWHERE:
			words_put(text, "the repository's host has the retention");
			break;
		case RETENTION_COUNT:
			put_newest(text, backup->limit, "full");
			break;
		case RETENTION_TOO_YOUNG:
			words_put(text, "not yet %d day%s old", backup->limit, plural(backup->limit));
			break;
		case RETENTION_COVERS_TIME:
			words_put(
				text,
				"the newest full backup that is %d day%s old: the time since is restored from it",
				backup->limit, plural(backup->limit));
			break;
		case RETENTION_DIFF_COUNT:
			put_newest(text, backup->limit, "full or diff");
			break;
		case RETENTION_DEPENDS:
			words_put(text, "kept as long as %s, on which it depends",
					  backup->prior >= 0 ? history->backups[backup->prior].label
										 : "a backup that is missing");
			break;
	}
}

static json_t *
backup_json(const RetentionHistory *history, int index)
{
	const RetentionBackup *backup = &history->backups[index];
	json_t *object = json_object();
	char text[RETENTION_WORDS_SIZE];

	retention_expires_words(history, index, text);
	json_put_text(object, "expires", text);
	retention_kept_words(history, index, text);
	json_put_text(object, "kept_because", text[0] ? text : NULL);
	json_object_set_new(object, "pinned", json_boolean(backup->pin != NULL));
	json_object_set_new(object, "point_in_time", json_boolean(backup->point_in_time));
	return object;
}

static json_t *
wal_json(const RetentionHistory *history, const RetentionWal *wal)
{
	const RetentionBackup *from = wal->from >= 0 ? &history->backups[wal->from] : NULL;
	json_t *object = json_object();
	char moment[CLOCK_TEXT_SIZE];

	if (from)
		clock_format_seconds(from->stop, moment);
	json_put_text(object, "point_in_time_from", from ? moment : NULL);
	json_put_text(object, "point_in_time_label", from ? from->label : NULL);
	json_put_text(object, "point_in_time_wal", from ? from->wal_start : NULL);
	return object;
}

static json_t *
limit_json(int limit)
{
	return limit > 0 ? json_integer(limit) : json_null();
}

static json_t *
repository_json(const RetentionSettings *settings)
{
	json_t *object = json_object();

	json_object_set_new(object, "full", limit_json(settings->full));
	json_put_text(object, "full_type", settings->full_by_time ? "time" : "count");
	json_object_set_new(object, "diff", limit_json(settings->diff));
	json_object_set_new(object, "archive", limit_json(settings->archive));
	json_put_text(object, "archive_type", pgbr_backup_type_name(settings->archive_type));
	json_object_set_new(object, "elsewhere", json_boolean(settings->elsewhere));
	json_object_set_new(object, "backups", json_object());
	json_object_set_new(object, "archives", json_object());
	return object;
}

/* The member of a repository, which is made when it is not there yet; lent. */
static json_t *
find_repository(json_t *repositories, int repo, const RetentionSettings *settings, int count)
{
	RetentionSettings of_repo = retention_settings_of(settings, count, repo);
	char key[16];
	json_t *object;

	snprintf(key, sizeof(key), "%d", repo);
	object = json_object_get(repositories, key);
	if (object)
		return object;
	json_object_set_new(repositories, key, repository_json(&of_repo));
	return json_object_get(repositories, key);
}

json_t *
retention_json(const RetentionHistory *history, const RetentionSettings *settings, int count)
{
	json_t *object = json_object();
	json_t *repositories = json_object();
	json_t *repository;

	for (int i = 0; i < count; i++)
		find_repository(repositories, settings[i].repo, settings, count);
	for (int i = 0; i < history->count; i++)
	{
		repository = find_repository(repositories, history->backups[i].repo, settings, count);
		json_object_set_new(json_object_get(repository, "backups"), history->backups[i].label,
							backup_json(history, i));
	}
	for (int i = 0; i < history->wal_count; i++)
	{
		if (history->wals[i].archive_id == NULL)
			continue;
		repository = find_repository(repositories, history->wals[i].repo, settings, count);
		json_object_set_new(json_object_get(repository, "archives"), history->wals[i].archive_id,
							wal_json(history, &history->wals[i]));
	}
	if (json_object_set_new(object, "error", json_null()) == 0 &&
		json_object_set_new(object, "repositories", repositories) == 0)
		return object;
	json_decref(object);
	return NULL;
}
