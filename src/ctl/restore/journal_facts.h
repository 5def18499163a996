/*
 * journal_facts.h
 *		What the journals of earlier restores tell the planner: which timeline each has left and
 *		begun, where, and when.
 */
#ifndef PGBR_CTL_RESTORE_JOURNAL_FACTS_H
#define PGBR_CTL_RESTORE_JOURNAL_FACTS_H

#include "ctl/client/cluster.h"
#include "ctl/facts/facts.h"
#include "ctl/restore/journal_list.h"

#include <stdbool.h>

/*
 * Add what a list of restores tells. A journal that can't be understood becomes restores_error, and
 * refuses nothing. False only when out of memory. Pure.
 */
extern bool
restore_facts_read_journals(RestoreFacts *facts, const RestoreList *list, PgbrError *error);

/* Ask all sidecars for the journals that they have, and add what these tell. As above. */
extern bool restore_facts_ask_journals(RestoreFacts *facts, Cluster *cluster, PgbrError *error);

#endif
