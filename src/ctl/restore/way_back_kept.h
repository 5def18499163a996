/*
 * way_back_kept.h
 *		The way back of a restore that is done: whether undo is still possible, and giving it up.
 *
 * Both ask Patroni, the sidecars and the repository. One thread uses a cluster at a time.
 */
#ifndef PGBR_CTL_RESTORE_WAY_BACK_KEPT_H
#define PGBR_CTL_RESTORE_WAY_BACK_KEPT_H

#include "ctl/client/cluster.h"
#include "ctl/restore/journal_list.h"

#include <jansson.h>
#include <stdbool.h>

/*
 * Look whether undo of a restore is possible now: an object with "possible", null when that can't
 * be learned; "set", from which backup; "until", when what it needs may expire, null when nothing
 * is kept for it; "reason", why it is not possible or not known. The caller owns it.
 */
extern json_t *way_back_look(Cluster *cluster, const JournalRecord *record);

/*
 * Let what is kept for the undo of a restore expire. True also when nothing is kept for it. A job
 * of the leader's sidecar does it, so no restore may be active there.
 */
extern bool way_back_give_up(Cluster *cluster, const char *restore, PgbrError *error);

#endif
