/*
 * gather.h
 *		Ask Patroni and the sidecars what a restore must know. Decides nothing.
 *
 * One thread uses a cluster at a time.
 */
#ifndef PGBR_CTL_FACTS_GATHER_H
#define PGBR_CTL_FACTS_GATHER_H

#include "ctl/client/cluster.h"
#include "ctl/facts/facts.h"

#include <stdbool.h>

/*
 * Ask Patroni and every sidecar; facts must be initialised. A member that can't be reached is
 * recorded as a fact. False when Patroni or all sidecars are unreachable, or a response is invalid.
 */
extern bool restore_facts_gather(Cluster *cluster, RestoreFacts *facts, PgbrError *error);

#endif
