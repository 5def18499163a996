/*
 * recovery_log.h
 *		The log of a PostgreSQL in recovery, and history files: pure.
 *
 * Expects lines with lc_messages = 'C' and an empty log_line_prefix; the recovery server runs with
 * both.
 */
#ifndef PGBR_SIDECAR_POSTGRES_RECOVERY_LOG_H
#define PGBR_SIDECAR_POSTGRES_RECOVERY_LOG_H

#include "common/strbuf.h"

#include <stdbool.h>
#include <stdint.h>

#define RECOVERY_LOG_TAIL 12

typedef struct RecoveryLog
{
	bool ready;				 /* connections are accepted: recovery is over */
	bool begun;				 /* it leads to a target: its signal file was read */
	bool standby;			 /* it is no recovery but a standby, which has no end */
	uint32_t timeline;		 /* of the segment restored last, or 0 */
	uint64_t first_segment;	 /* number of the first one restored ... */
	uint64_t last_segment;	 /* ... and of the last */
	int64_t segments;		 /* how many were restored */
	char fatal[512];		 /* the last FATAL or PANIC, or the end of a process by a signal */
	char detail[512];		 /* its DETAIL or HINT, or "" */
	char archive[512];		 /* why WAL could not be fetched, in archive_get's words, or "" */
	char stop[256];			 /* why it stopped: "recovery stopping ...", or "" */
	char last_xact_time[64]; /* as printed, or "" */
	int prepared;			 /* transactions that the server has taken over as prepared */
	char last_xid[24];		 /* of "recovery stopping after commit of transaction N", or "" */
	bool in_fatal;
	int tail_count; /* lines so far */
	char tail[RECOVERY_LOG_TAIL][256];
} RecoveryLog;

extern void recovery_log_init(RecoveryLog *log);

/* Read one line, without its newline. wal_segment_size in bytes, for the numbers of segments. */
extern void recovery_log_line(RecoveryLog *log, const char *line, int64_t wal_segment_size);

/* What a user can do about a FATAL: a constant; "" when there is nothing to say. */
extern const char *recovery_log_hint(const RecoveryLog *log);

typedef struct RecoveryHistory
{
	uint32_t timeline; /* of the last entry: the one before the newest */
	char lsn[20];	   /* where it was left */
	char reason[256];
} RecoveryHistory;

/* Read the next entry, and step behind it. False, with an undefined entry, when there is none. */
extern bool recovery_history_next(const char **text, RecoveryHistory *entry);

/* Read the last entry of a timeline's history file. False when it has none. */
extern bool recovery_history_read(const char *text, RecoveryHistory *history);

/*
 * A history that PostgreSQL has written as if the target had been past all switches of the way that
 * it was to follow. When it is before some of them, the new timeline is said to leave one which had
 * not begun yet, and an ancestor goes on past the place where it was left. Patroni, pg_rewind and a
 * replica that streams then take WAL of the ancestor for their own that is not in the new timeline.
 * Append the true history: up to the timeline on which the target lies. False, and nothing is
 * appended, when it is true already.
 */
extern bool recovery_history_mend(const char *text, StrBuf *mended);

#endif
