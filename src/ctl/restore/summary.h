/*
 * summary.h
 *		How a restore ended, as a document that stays in the journal. Pure.
 */
#ifndef PGBR_CTL_RESTORE_SUMMARY_H
#define PGBR_CTL_RESTORE_SUMMARY_H

#include "ctl/restore/journal.h"

#include <jansson.h>

/*
 * {"id", "result", "cluster", "leader", "set", "timeline", "reached": {"time", "lsn", "xid",
 * "reason"}, "steps": [{"step", "seconds"}], "waits": [{"for", "seconds"}], "seconds_to_writes",
 * "seconds", "kept", "kept_member", "left_out": [], "backup_job", "undo"}. waits is borrowed. The
 * caller owns it.
 */
extern json_t *
restore_summary_make(const RestoreJournal *journal, const char *result, json_t *waits);

#endif
