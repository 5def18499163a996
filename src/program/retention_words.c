/*
 * retention_words.c
 *		What retention.c has decided, in words and as JSON.
 */
#include "program/retention.h"

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
static void put(char *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void
put(char *text, const char *format, ...)
{
	size_t length = strlen(text);
	char part[RETENTION_WORDS_SIZE];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(part, sizeof(part), format, arguments);
	va_end(arguments);
	pgbr_copy_text(text + length, RETENTION_WORDS_SIZE - length, part);
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
		put(text, "after %d more full backup%s", backup->after_full, plural(backup->after_full));
		or = ", or ";
	}
	if (backup->after_diff)
	{
		put(text, "%safter %d more full or diff backup%s", or, backup->after_diff,
			plural(backup->after_diff));
		or = ", or ";
	}
	if (backup->at)
	{
		/* pgbackrest wants it to be older than the days, so the second before is told */
		clock_format((backup->at - 1) * 1000, moment);
		put(text, "%sat the first expire after %.19sZ", or, moment);
	}
	else if (backup->days_after)
		put(text, "%s%d day%s after the next full backup", or, backup->days_after,
			plural(backup->days_after));
}

void
retention_expires_words(const RetentionHistory *history, int index, char *text)
{
	const RetentionBackup *backup = &history->backups[index];

	text[0] = '\0';
	if (backup->rule == RETENTION_PINNED)
		put(text, "never while it is pinned");
	else if (backup->rule == RETENTION_HOLDS_PIN)
		put(text, "never while %s is pinned", history->backups[backup->holder].label);
	else if (backup->goes)
		put(text, "at the next expire");
	else
		put_ends(backup, text);
	if (text[0] == '\0')
		put(text, "never");
}

static void
put_newest(char *text, int limit, const char *which)
{
	if (limit == 1)
		put(text, "the newest %s backup", which);
	else
		put(text, "one of the %d newest %s backups", limit, which);
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
			put(text, "pinned%s%s", backup->pin[0] ? ": " : "", backup->pin);
			break;
		case RETENTION_HOLDS_PIN:
			put(text, "%s depends on it and is pinned", history->backups[backup->holder].label);
			break;
		case RETENTION_NOT_SET:
			put(text, "no retention of full backups is set");
			break;
		case RETENTION_COUNT:
			put_newest(text, backup->limit, "full");
			break;
		case RETENTION_TOO_YOUNG:
			put(text, "not yet %d day%s old", backup->limit, plural(backup->limit));
			break;
		case RETENTION_COVERS_TIME:
			put(text,
				"the newest full backup that is %d day%s old: the time since is restored from it",
				backup->limit, plural(backup->limit));
			break;
		case RETENTION_DIFF_COUNT:
			put_newest(text, backup->limit, "full or diff");
			break;
		case RETENTION_DEPENDS:
			put(text, "kept as long as %s, on which it depends",
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

	json_object_set_new(object, "repo", json_integer(backup->repo));
	json_put_text(object, "label", backup->label);
	json_object_set_new(object, "pinned", json_boolean(backup->pin != NULL));
	retention_expires_words(history, index, text);
	json_put_text(object, "expires", text);
	retention_kept_words(history, index, text);
	json_put_text(object, "kept_because", text[0] ? text : NULL);
	json_object_set_new(object, "point_in_time", json_boolean(backup->point_in_time));
	return object;
}

static json_t *
wal_json(const RetentionHistory *history, const RetentionWal *wal)
{
	const RetentionBackup *from = wal->from >= 0 ? &history->backups[wal->from] : NULL;
	json_t *object = json_object();
	char moment[CLOCK_TEXT_SIZE];

	json_object_set_new(object, "repo", json_integer(wal->repo));
	json_object_set_new(object, "database", json_integer(wal->database));
	json_put_text(object, "archive", wal->archive_id);
	if (from)
		clock_format(from->stop * 1000, moment);
	json_put_text(object, "point_in_time_from", from ? moment : NULL);
	json_put_text(object, "point_in_time_label", from ? from->label : NULL);
	json_put_text(object, "point_in_time_wal", from ? from->wal_start : NULL);
	return object;
}

json_t *
retention_json(const RetentionHistory *history)
{
	json_t *object = json_object();
	json_t *backups = json_array();
	json_t *wals = json_array();

	for (int i = 0; i < history->count; i++)
		json_array_append_new(backups, backup_json(history, i));
	for (int i = 0; i < history->wal_count; i++)
		json_array_append_new(wals, wal_json(history, &history->wals[i]));
	if (json_object_set_new(object, "backups", backups) != 0 ||
		json_object_set_new(object, "wal", wals) != 0)
	{
		json_decref(object);
		return NULL;
	}
	return object;
}
