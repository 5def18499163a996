/*
 * recovery_log.c
 *		See recovery_log.h.
 */
#include "sidecar/postgres/recovery_log.h"

#include "common/error.h"
#include "common/recovery_target.h"
#include "common/vocabulary.h"
#include "common/wal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
recovery_log_init(RecoveryLog *log)
{
	*log = (RecoveryLog){0};
}

/* What follows prefix in text, or NULL. */
static const char *
after(const char *text, const char *prefix)
{
	size_t length = strlen(prefix);

	return strncmp(text, prefix, length) == 0 ? text + length : NULL;
}

/* restored log file "000000010000000000000007" from archive */
static void
read_restored(RecoveryLog *log, const char *text, int64_t wal_segment_size)
{
	uint32_t timeline;
	uint64_t number;

	if (!wal_segment_parse_start(text, (uint64_t) wal_segment_size, &timeline, &number))
		return;
	if (log->segments++ == 0)
		log->first_segment = number;
	log->timeline = timeline;
	log->last_segment = number;
}

static void
read_log(RecoveryLog *log, const char *text, int64_t wal_segment_size)
{
	const char *rest;

	if ((rest = after(text, "restored log file \"")) != NULL)
		read_restored(log, rest, wal_segment_size);
	else if (after(text, "recovery stopping "))
	{
		pgbr_copy_text(log->stop, sizeof(log->stop), text);
		if ((rest = after(text, "recovery stopping after commit of transaction ")) != NULL)
			(void) sscanf(rest, "%23[0-9]", log->last_xid);
	}
	else if ((rest = after(text, "last completed transaction was at log time ")) != NULL)
		pgbr_copy_text(log->last_xact_time, sizeof(log->last_xact_time), rest);
	/* each start tells them again */
	else if (after(text, "starting PostgreSQL "))
		log->prepared = 0;
	else if (after(text, "recovering prepared transaction "))
		log->prepared++;
	else if (after(text, "database system is ready to accept connections"))
		log->ready = true;
	else if (after(text, "starting archive recovery") ||
			 after(text, "starting point-in-time recovery"))
		log->begun = true;
	else if (after(text, "entering standby mode"))
		log->standby = true;
	else if (strstr(text, " was terminated by signal ") && log->fatal[0] == '\0')
		pgbr_copy_text(log->fatal, sizeof(log->fatal), text);
}

void
recovery_log_line(RecoveryLog *log, const char *line, int64_t wal_segment_size)
{
	const char *text;

	pgbr_copy_text(log->tail[log->tail_count++ % RECOVERY_LOG_TAIL], sizeof(log->tail[0]), line);
	if ((text = after(line, "LOG:  ")) != NULL)
		read_log(log, text, wal_segment_size);
	else if ((text = after(line, "pgbackrest_sidecar: could not get ")) != NULL)
	{
		/* the first message has the reason; later ones only say that it persists */
		if (log->archive[0] == '\0')
			pgbr_copy_text(log->archive, sizeof(log->archive), text);
	}
	/* an answer to a client that connected too early; the server goes on */
	else if (after(line, "FATAL:  the database system is "))
	{
		log->in_fatal = false;
		return;
	}
	else if ((text = after(line, "FATAL:  ")) != NULL || (text = after(line, "PANIC:  ")) != NULL)
	{
		pgbr_copy_text(log->fatal, sizeof(log->fatal), text);
		log->detail[0] = '\0';
	}
	else if (log->in_fatal &&
			 ((text = after(line, "DETAIL:  ")) || (text = after(line, "HINT:  "))))
		pgbr_copy_text(log->detail, sizeof(log->detail), text);
	log->in_fatal = log->fatal[0] && (after(line, "FATAL:  ") || after(line, "PANIC:  "));
}

static const struct
{
	const char *part;
	const char *hint;
} hints[] = {
	{"recovery ended before configured recovery target was reached",
	 "The archived WAL ends before the target, or does not hold it: restore to another one."},
	{"requested recovery stop point is before consistent recovery point",
	 "The backup ended after the target: restore an earlier backup."},
	{"could not restore file", "The repository could not be read: fix the cause and ask again."},
	{"No space left on device", "Make room in the data directory's file system and ask again."},
	{"is not a child of this server's history",
	 "The backup is not on the way to the target's timeline: restore another backup."},
	{"pre-existing shared memory block", "Processes of an earlier PostgreSQL are still there."},
	{"data directory", "Check the permissions of the data directory."},
	{" was terminated by signal ", "Ask for the step again."},
};

const char *
recovery_log_hint(const RecoveryLog *log)
{
	/* what was fetched could not be written */
	if (strstr(log->fatal, "could not restore file") && strstr(log->archive, "FileWriteError"))
		return "Make room in the data directory's file system and ask again.";
	for (size_t i = 0; i < sizeof(hints) / sizeof(hints[0]); i++)
	{
		if (strstr(log->fatal, hints[i].part))
			return hints[i].hint;
	}
	return "";
}

/*
 * Read the entry at the beginning of the text, and step to the next line. False when the line is
 * none.
 */
static bool
read_entry(const char **text, RecoveryHistory *entry)
{
	size_t length = strcspn(*text, "\n");
	char line[512];
	int reason = 0;

	memset(entry, 0, sizeof(*entry));
	snprintf(line, sizeof(line), "%.*s", (int) length, *text);
	*text += length + ((*text)[length] == '\n');
	if (sscanf(line, " %u %19[0-9A-Fa-f/] %n", &entry->timeline, entry->lsn, &reason) < 2 ||
		!pgbr_is_lsn(entry->lsn))
		return false;
	pgbr_copy_text(entry->reason, sizeof(entry->reason), reason ? line + reason : "");
	return true;
}

bool
recovery_history_next(const char **text, RecoveryHistory *entry)
{
	while (**text)
	{
		if (read_entry(text, entry))
			return true;
	}
	return false;
}

bool
recovery_history_read(const char *text, RecoveryHistory *history)
{
	RecoveryHistory entry;
	bool found = false;

	while (recovery_history_next(&text, &entry))
	{
		*history = entry;
		found = true;
	}
	return found;
}

/* True when the timeline was left past the end. */
static bool
ends_past(const RecoveryHistory *entry, uint64_t end)
{
	uint64_t lsn;

	return recovery_lsn_parse(entry->lsn, &lsn) && lsn > end;
}

bool
recovery_history_mend(const char *text, StrBuf *mended)
{
	RecoveryHistory last;
	RecoveryHistory entry;
	uint64_t end;

	if (!recovery_history_read(text, &last) || !recovery_lsn_parse(last.lsn, &end))
		return false;
	for (const char *rest = text; *rest;)
	{
		const char *line = rest;

		if (!read_entry(&rest, &entry) || !ends_past(&entry, end))
			continue;
		/*
		 * of the timelines of which more was replayed than is kept the first is the one that was
		 * left
		 */
		strbuf_append(mended, text, (size_t) (line - text));
		strbuf_printf(mended, "%u\t%s\t%s\n", entry.timeline, last.lsn, last.reason);
		return true;
	}
	return false;
}
