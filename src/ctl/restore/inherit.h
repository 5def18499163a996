/*
 * inherit.h
 *		What a restore takes over from the unfinished one that it replaces, by that one's journal.
 *
 * Pure, except for restore_is_leader_whole, which may ask a sidecar.
 */
#ifndef PGBR_CTL_RESTORE_INHERIT_H
#define PGBR_CTL_RESTORE_INHERIT_H

#include "ctl/client/cluster.h"
#include "ctl/restore/journal.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * True when the leader's data directory is that of a server of the cluster: that restore has not
 * written to it, or has handed it over. Otherwise it is that of a backup, or of a recovery that was
 * not handed over.
 */
extern bool restore_is_leader_whole(Cluster *cluster, const RestoreJournal *before,
									const RestoreRequest *request);

/* The last timeline on which its leader was a server of the cluster. */
extern uint32_t restore_last_timeline(const RestoreJournal *before, bool whole);

/* True when some data directory may be that of a backup. */
extern bool restore_is_torn(const RestoreJournal *before);

/*
 * Take over into a journal what a restore keeps of the one that it replaces. If that one has not
 * opened the leader, its undo point stays the way back. whole: restore_is_leader_whole.
 */
extern void restore_inherit(RestoreJournal *journal, const RestoreJournal *before, bool whole);

#endif
