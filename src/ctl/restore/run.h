/*
 * run.h
 *		Does the steps of a restore's plan. Each is journaled before and after; the run stops
 *		cleanly at a step that fails.
 *
 * What a step does is in steps_*.c; each step can be repeated after it was interrupted at any
 * moment. Ctrl-C and SIGTERM end a run at any wait: the journal stays, and the same command
 * continues.
 */
#ifndef PGBR_CTL_RESTORE_RUN_H
#define PGBR_CTL_RESTORE_RUN_H

#include "ctl/client/cluster.h"
#include "ctl/print/exit_code.h"
#include "ctl/report/events.h"
#include "ctl/restore/journal.h"

#include <stdbool.h>

/*
 * Do the plan of the journal, from where it stands to its end. The journal was begun or read, and
 * is not written yet. On success the outcome is in the journal and was shown. Otherwise it returns
 * the exit code, and the error says what can be done; 9: the cluster is left paused.
 */
extern ExitCode
restore_run(Cluster *cluster, RestoreJournal *journal, RestoreEvents *events, PgbrError *error);

/*
 * Give up a restore that has not touched any data: resume Patroni, wait until the cluster is
 * healthy, and give the locks back.
 */
extern ExitCode restore_run_abandon(Cluster *cluster, RestoreJournal *journal,
									RestoreEvents *events, PgbrError *error);

/* Have SIGINT and SIGTERM end the waits instead of the process, and keep SIGPIPE from ending it. */
extern void restore_run_take_signals(Cluster *cluster);

/* Take over from a control binary that is gone. If it still runs after its lease, fail. */
extern bool restore_run_take_over(RestoreJournal *journal, RestoreEvents *events, PgbrError *error);

#endif
