/*
 * archive_list.c
 *		See archive_list.h.
 */
#include "sidecar/pgbackrest/archive_list.h"

#include "common/memory.h"
#include "common/visible.h"
#include "common/vocabulary.h"
#include "common/wal.h"
#include "program/clock.h"
#include "program/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
archive_list_init(ArchiveList *list, uint64_t segment_size)
{
	*list = (ArchiveList){.segment_size = segment_size};
}

void
archive_list_done(ArchiveList *list)
{
	free(list->segments);
	free(list->histories);
	archive_list_init(list, list->segment_size);
}

static bool
add_segment(ArchiveList *list, const ArchiveSegment *segment)
{
	if (list->count == list->capacity)
	{
		size_t capacity = list->capacity ? list->capacity * 2 : 256;
		ArchiveSegment *grown = memory_resize(list->segments, capacity * sizeof(*grown));

		if (grown == NULL)
			return false;
		list->segments = grown;
		list->capacity = capacity;
	}
	list->segments[list->count++] = *segment;
	return true;
}

static bool
add_history(ArchiveList *list, uint32_t timeline)
{
	uint32_t *grown = memory_resize(list->histories, (list->history_count + 1) * sizeof(*grown));

	if (grown == NULL)
		return false;
	list->histories = grown;
	list->histories[list->history_count++] = timeline;
	return true;
}

/* "000000010000000000000002-<40 hexadecimal digits>.gz" or, of a partial one,
 * "000000010000000000000003.partial-<...>". False when it is no WAL of this segment size. */
static bool
read_segment(const ArchiveList *list, const char *name, ArchiveSegment *segment)
{
	if (!wal_segment_parse_start(name, list->segment_size, &segment->timeline, &segment->number))
		return false;
	name += WAL_NAME_SIZE - 1;
	segment->partial = strncmp(name, ".partial", 8) == 0;
	name += segment->partial ? 8 : 0;
	/* "....backup" is not WAL, and "...pgbackrest.tmp" is not there yet */
	return name[0] == '-' && strspn(name + 1, "0123456789abcdef") == 40 &&
		   (name[41] == '\0' || (name[41] == '.' && !strchr(name + 42, '.')));
}

static bool
add_file(ArchiveList *list, const char *path, int64_t time)
{
	const char *slash = strrchr(path, '/');
	ArchiveSegment segment = {.time = time};
	uint32_t timeline;

	if (slash == NULL)
		return !wal_history_parse(path, &timeline) || add_history(list, timeline);
	return !read_segment(list, slash + 1, &segment) || add_segment(list, &segment);
}

/* The value at the beginning of the text; *used is its length, with the blanks before it. */
static json_t *
next_value(const char *text, size_t length, size_t *used)
{
	json_error_t problem;
	json_t *value = json_loadb(text, length, JSON_DECODE_ANY | JSON_DISABLE_EOF_CHECK, &problem);

	*used = value ? (size_t) problem.position : 0;
	return value;
}

/* One character of JSON's own, after blanks. */
static bool
take_mark(const char **text, const char *end, char mark)
{
	while (*text < end && strchr(" \t\r\n", **text))
		(*text)++;
	if (*text == end || **text != mark)
		return false;
	(*text)++;
	return true;
}

/* "NAME": {...} */
static bool
read_member(ArchiveList *list, const char **text, const char *end, bool *room)
{
	size_t used;
	json_t *name = next_value(*text, (size_t) (end - *text), &used);
	json_t *file = NULL;
	bool ok;

	*text += used;
	if (json_is_string(name) && take_mark(text, end, ':'))
	{
		file = next_value(*text, (size_t) (end - *text), &used);
		*text += used;
	}
	ok = json_is_object(file);
	if (ok && strcmp(json_text(file, "type") ? json_text(file, "type") : "", "file") == 0)
		*room = add_file(list, json_string_value(name), json_number(file, "time", 0));
	json_decref(name);
	json_decref(file);
	return ok && *room;
}

bool
archive_list_read(ArchiveList *list, const char *text, size_t length, PgbrError *error)
{
	const char *end = text + length;
	bool room = true;
	bool ok = take_mark(&text, end, '{');

	if (ok && take_mark(&text, end, '}'))
		return true;
	while (ok)
	{
		ok = read_member(list, &text, end, &room);
		if (ok && !take_mark(&text, end, ','))
		{
			ok = take_mark(&text, end, '}');
			break;
		}
	}
	if (ok)
		return true;
	if (!room)
		return pgbr_error_set(error, PGBR_ERROR_INTERNAL, "out of memory");
	return pgbr_error_set(error, PGBR_ERROR_PROTOCOL,
						  "could not read pgbackrest's listing of the archive: unexpected format");
}

static int
compare_segments(const void *a, const void *b)
{
	const ArchiveSegment *left = a;
	const ArchiveSegment *right = b;

	if (left->timeline != right->timeline)
		return left->timeline < right->timeline ? -1 : 1;
	if (left->number != right->number)
		return left->number < right->number ? -1 : 1;
	return (int) left->partial - (int) right->partial;
}

static int
compare_histories(const void *a, const void *b)
{
	uint32_t left = *(const uint32_t *) a;
	uint32_t right = *(const uint32_t *) b;

	return left == right ? 0 : left > right ? -1 : 1;
}

void
archive_list_sort(ArchiveList *list)
{
	if (list->count)
		qsort(list->segments, list->count, sizeof(*list->segments), compare_segments);
	if (list->history_count)
		qsort(list->histories, list->history_count, sizeof(*list->histories), compare_histories);
}

static json_t *
name_json(const ArchiveList *list, const ArchiveSegment *segment)
{
	char name[WAL_NAME_SIZE];

	wal_segment_name(name, segment->timeline, segment->number, list->segment_size);
	return json_string(name);
}

static json_t *
range_json(const ArchiveList *list, const ArchiveSegment *first, const ArchiveSegment *last)
{
	char time[CLOCK_TEXT_SIZE];

	clock_format_seconds(last->time, time);
	return json_pack("{sI so so sI ss}", "timeline", (json_int_t) first->timeline, "first",
					 name_json(list, first), "last", name_json(list, last), "segments",
					 (json_int_t) last->number - (json_int_t) first->number + 1, "last_time", time);
}

void
archive_list_json(const ArchiveList *list, json_t *object)
{
	json_t *ranges = json_array();
	json_t *duplicates = json_array();
	json_t *partial = json_array();
	const ArchiveSegment *first = NULL;
	const ArchiveSegment *last = NULL;

	for (size_t i = 0; i < list->count; i++)
	{
		const ArchiveSegment *segment = &list->segments[i];

		if (segment->partial)
			json_array_append_new(partial, name_json(list, segment));
		else if (last && last->timeline == segment->timeline && last->number == segment->number)
			json_array_append_new(duplicates, name_json(list, segment));
		else
		{
			if (last &&
				(last->timeline != segment->timeline || last->number + 1 != segment->number))
			{
				json_array_append_new(ranges, range_json(list, first, last));
				first = NULL;
			}
			first = first ? first : segment;
			last = segment;
		}
	}
	if (first)
		json_array_append_new(ranges, range_json(list, first, last));
	json_object_set_new(object, "ranges", ranges);
	json_object_set_new(object, "duplicates", duplicates);
	json_object_set_new(object, "partial", partial);
}

/* "1<tab>0/5000000<tab>no recovery target specified"; the reason may be anything. */
static json_t *
entry_json(char *line)
{
	char visible[1024];
	char *lsn = line + strspn(line, "0123456789");
	char *reason;
	unsigned long timeline = strtoul(line, NULL, 10);

	if (lsn == line || lsn - line > 10 || timeline == 0 || timeline > UINT32_MAX ||
		strchr(" \t", *lsn) == NULL || *lsn == '\0')
		return NULL;
	lsn += strspn(lsn, " \t");
	reason = lsn + strcspn(lsn, " \t");
	if (*reason)
		*reason++ = '\0';
	reason += strspn(reason, " \t");
	if (!pgbr_is_lsn(lsn))
		return NULL;
	pgbr_copy_visible(visible, sizeof(visible), reason);
	return json_pack("{sI ss ss}", "timeline", (json_int_t) timeline, "lsn", lsn, "reason",
					 visible);
}

json_t *
archive_history_json(const char *text)
{
	json_t *entries = json_array();
	char line[1024];

	while (entries && *text)
	{
		size_t length = strcspn(text, "\n");
		size_t blank = strspn(text, " \t\r");
		json_t *entry;

		snprintf(line, sizeof(line), "%.*s", (int) (length < 1000 ? length : 1000), text);
		line[strcspn(line, "\r")] = '\0';
		text += length + (text[length] == '\n');
		/* as PostgreSQL reads it: empty lines and comments are passed over */
		if (blank >= length || line[blank] == '#')
			continue;
		entry = entry_json(line + blank);
		if (entry == NULL)
		{
			json_decref(entries);
			return NULL;
		}
		json_array_append_new(entries, entry);
	}
	return entries;
}
