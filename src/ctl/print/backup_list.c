/*
 * backup_list.c
 *		See backup_list.h.
 */
#include "ctl/print/backup_list.h"

#include "ctl/print/table.h"
#include "ctl/print/text.h"
#include "ctl/print/units.h"
#include "program/json.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define INDENT		   2
#define SEGMENT_LENGTH 24

json_t *
backup_list_retention(const json_t *info, const InfoBackup *backup)
{
	const json_t *repositories =
		json_object_get(json_object_get(info, "retention"), "repositories");
	char repo[24];

	snprintf(repo, sizeof(repo), "%lld", backup->repo);
	return backup->label
			   ? json_object_get(json_object_get(json_object_get(repositories, repo), "backups"),
								 backup->label)
			   : NULL;
}

long long
backup_list_duration(const InfoBackup *backup)
{
	return backup->start > 0 && backup->stop >= backup->start ? backup->stop - backup->start : -1;
}

static bool
is_type(const InfoBackup *backup, const char *type)
{
	return backup->type && strcmp(backup->type, type) == 0;
}

/* The depth of a backup in its chain: below its full backup, or below the diff that it depends on.
 * Incremental backups in a row have the same depth. below holds, for each earlier label, the depth
 * of the backups that depend on it. */
static int
depth_of(json_t *below, const InfoBackup *backup)
{
	int depth = backup->prior ? (int) json_number(below, backup->prior, 1) : 0;

	if (backup->label)
		json_object_set_new(below, backup->label, json_integer(depth + !is_type(backup, "incr")));
	return depth;
}

static void
add_label(Table *table, json_t *below, const InfoBackup *backup)
{
	const char *label = backup->label;
	int depth = depth_of(below, backup);
	const char *rest = label && depth > 0 ? strchr(label, '_') : NULL;
	StrBuf text;

	strbuf_init(&text);
	strbuf_printf(&text, "%*s%s", depth * INDENT, "", rest ? rest : label ? label : "?");
	table_add(table, text.data);
	table->failed |= text.failed;
	strbuf_done(&text);
}

/* "11-02 01:00"; the year is in the label */
static void
add_time(Table *table, long long seconds)
{
	time_t stop = (time_t) seconds;
	char text[UNIT_TEXT];
	struct tm utc;

	if (stop > 0 && gmtime_r(&stop, &utc) && strftime(text, sizeof(text), "%m-%d %H:%M", &utc) > 0)
		table_add(table, text);
	else
		table_add(table, NULL);
}

static void
add_duration(Table *table, long long seconds)
{
	char text[UNIT_TEXT];

	table_add(table, seconds >= 0 ? unit_duration(text, sizeof(text), seconds) : NULL);
}

static void
add_size(Table *table, long long bytes)
{
	char text[UNIT_TEXT];

	table_add(table, bytes > 0 ? unit_size(text, sizeof(text), bytes) : NULL);
}

/* A segment's number as an LSN begins, "A/FE", without its timeline. */
static bool
put_segment(StrBuf *out, const char *segment)
{
	const char *log;
	const char *number;

	if (segment == NULL || strlen(segment) != SEGMENT_LENGTH ||
		strspn(segment, "0123456789ABCDEF") != SEGMENT_LENGTH)
		return false;
	log = segment + 8 + strspn(segment + 8, "0");
	number = segment + 16 + strspn(segment + 16, "0");
	if (log > segment + 15)
		log = segment + 15;
	if (number > segment + 22)
		number = segment + 22;
	strbuf_printf(out, "%.*s/%s", (int) (segment + 16 - log), log, number);
	return true;
}

/* "0/02-0/03", what makes the backup consistent */
static void
add_wal(Table *table, const InfoBackup *backup)
{
	const char *start = backup->wal_start;
	const char *stop = backup->wal_stop;
	StrBuf text;

	strbuf_init(&text);
	if (put_segment(&text, start) && stop && strcmp(start, stop) != 0)
	{
		strbuf_putc(&text, '-');
		put_segment(&text, stop);
	}
	table_add(table, text.length ? text.data : NULL);
	table->failed |= text.failed;
	strbuf_done(&text);
}

static void
add_expires(Table *table, const json_t *info, const InfoBackup *backup)
{
	const char *expires = json_text(backup_list_retention(info, backup), "expires");
	StrBuf text;

	strbuf_init(&text);
	strbuf_puts(&text, expires ? expires : "");
	if (backup->error)
		strbuf_printf(&text, "%sholds damaged pages", text.length ? "; " : "");
	table_add(table, text.data);
	table->failed |= text.failed;
	strbuf_done(&text);
}

static size_t
put_repository(const json_t *info, const json_t *stanza, long long repo, int columns, StrBuf *out)
{
	size_t count = 0;
	json_t *below = json_object();
	InfoBackup backup;
	Table table;

	table_init(&table);
	table.failed = below == NULL;
	table_add_column(&table, "label", false);
	table_add_column(&table, "type", false);
	table_add_column(&table, "ended (UTC)", false);
	table_add_column(&table, "took", true);
	table_add_column(&table, "size", true);
	table_add_column(&table, "in repo", true);
	table_add_column(&table, "WAL", false);
	table_add_column(&table, "expires", false);
	for (size_t i = 0; info_backup_at(stanza, i, &backup); i++)
	{
		if (backup.repo != repo)
			continue;
		add_label(&table, below, &backup);
		table_add(&table, backup.type);
		add_time(&table, backup.stop);
		add_duration(&table, backup_list_duration(&backup));
		add_size(&table, backup.size);
		add_size(&table, backup.repo_size);
		add_wal(&table, &backup);
		add_expires(&table, info, &backup);
		count++;
	}
	if (count > 0)
		table_put_fitted(&table, columns, out);
	table_done(&table);
	json_decref(below);
	return count;
}

/* Its backups, a repository after the other; what it has is named where there are several. */
static size_t
put_stanza(const json_t *info, const json_t *stanza, bool is_one_of_many, int columns, StrBuf *out)
{
	size_t count = 0;
	InfoStanza read;
	InfoRepo second;
	InfoRepo repo;
	bool has_several = info_repo_at(stanza, 1, &second);

	info_stanza_read(stanza, &read);
	for (size_t i = 0; info_repo_at(stanza, i, &repo); i++)
	{
		StrBuf line;

		strbuf_putc(out, '\n');
		if (is_one_of_many || has_several)
		{
			strbuf_init(&line);
			if (is_one_of_many)
				strbuf_printf(&line, "stanza %s, ", read.name ? read.name : "?");
			strbuf_printf(&line, "repository %lld:", repo.key);
			text_put_wrapped(out, line.data, columns, INDENT);
			out->failed |= line.failed;
			strbuf_done(&line);
		}
		count += put_repository(info, stanza, repo.key, columns, out);
	}
	return count;
}

void
backup_list_put(const json_t *info, int columns, StrBuf *out)
{
	const json_t *stanzas = json_object_get(info, "stanzas");
	size_t count = 0;
	size_t index;
	json_t *stanza;

	json_array_foreach((json_t *) stanzas, index, stanza) count +=
		put_stanza(info, stanza, json_array_size(stanzas) > 1, columns, out);
	strbuf_printf(out, "(%zu backup%s)\n", count, count == 1 ? "" : "s");
}
