/*
 * run.h
 *		Go through the steps of a restore's plan, each journaled before and after, and stop cleanly
 *		where one fails.
 *
 * What a step does is in steps_*.c; each can be done again after it was left at any moment. A
 * run may be given up by Ctrl-C or SIGTERM at any wait: the journal stays, and the same command goes on.
 */
#ifndef PGBR_CTL_RESTORE_RUN_H
#define PGBR_CTL_RESTORE_RUN_H

#include "ctl/client/cluster.h"
#include "ctl/print/exit_code.h"
#include "ctl/report/events.h"
#include "ctl/restore/journal.h"

#include <stdbool.h>

/*
 * Run the plan of the journal from where it stands to its end. The journal was begun or read, not yet
 * written. On success the outcome is in the journal and was told. The exit code otherwise: 9 when
 * the cluster is left paused, with an error that says what can be done.
 */
extern ExitCode
restore_run(Cluster *cluster, RestoreJournal *journal, RestoreEvents *events, PgbrError *error);

/*
 * Give up a restore that has not touched any data: resume Patroni, see the cluster healthy again, and
 * give the locks back.
 */
extern ExitCode restore_run_abandon(Cluster *cluster, RestoreJournal *journal,
									RestoreEvents *events, PgbrError *error);

/* Let SIGINT and SIGTERM end the waits instead of the process, and keep SIGPIPE from ending it. */
extern void restore_run_take_signals(Cluster *cluster);

/* Take the place of a holder that is gone, or fail after its lease with what it still does. */
extern bool restore_run_take_over(RestoreJournal *journal, RestoreEvents *events, PgbrError *error);

#endif
