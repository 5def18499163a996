/*
 * step_tools.h
 *		The steps themselves, for node_step's table, and what they share. A step fails with an error;
 *		where pgbackrest failed, it has set the job's error, exit code and hint itself.
 */
#ifndef PGBR_SIDECAR_RESTORE_STEP_TOOLS_H
#define PGBR_SIDECAR_RESTORE_STEP_TOOLS_H

#include "common/strbuf.h"
#include "sidecar/postgres/control_data.h"
#include "sidecar/restore/step_arguments.h"
#include "sidecar/steps/step.h"
#include "sidecar/pgbackrest/command_line.h"
#include "sidecar/pgbackrest/pgbackrest.h"
#include "sidecar/postgres/postmaster.h"

typedef bool NodeStepFunction(NodeStepContext *context, const NodeArguments *arguments, Job *job,
							  PgbrError *error);

extern NodeStepFunction node_mark;
extern NodeStepFunction node_stop;
extern NodeStepFunction node_archive;
extern NodeStepFunction node_keep;
extern NodeStepFunction node_restore;
extern NodeStepFunction node_recover;
extern NodeStepFunction node_unfence;

/* Write a line into the job's log. */
extern void
node_log(NodeStepContext *context, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The folder of PostgreSQL's programs, into bin of PATH_MAX bytes: the one that is configured, that of
 * the server that ran last, unless others could have put programs there, or "". */
extern void node_postgres_bin(const NodeStepContext *context, char *bin);

/* Read the control data of the data directory. */
extern bool node_control(const NodeStepContext *context, ControlData *control, PgbrError *error);

/* Refuse while a server uses the data directory, and remove what a dead one has left. */
extern bool node_must_be_down(NodeStepContext *context, PgbrError *error);

/* Remove the file by which PostgreSQL would start as a standby. */
extern bool node_forget_standby(const NodeStepContext *context, PgbrError *error);

/* Run pgbackrest to its end and follow its lines; output begins as the caller made it. on_line may be
 * NULL. A failure is set as described above; ABORTED when it was stopped. */
extern bool node_run_pgbackrest(NodeStepContext *context, Command *command, PgbackrestRun *output,
								void (*on_line)(void *argument, const char *line), void *argument,
								Job *job, PgbrError *error);

/* Run SQL commands through psql and take what they print. With a socket folder not the server of
 * --pg-conninfo is asked but the one there. */
extern bool node_psql(NodeStepContext *context, const char *socket_folder,
					  const char *const *commands, int timeout_ms, StrBuf *out, PgbrError *error);

/* True when the job was cancelled or the sidecar is stopping. */
extern bool node_is_stopped(NodeStepContext *context);

/* How many files of pg_wal wait to be archived. */
extern int node_count_ready(const char *data_directory);

/*
 * Have the archiver of a leader, whether or not it runs, know of the history of its timeline. Patroni removes
 * archive_status where it takes a leader for one that has crashed, after it has archived the segments itself
 * (Rewind.cleanup_archive_status). STORAGE.
 */
extern bool node_mark_ready(NodeStepContext *context, PgbrError *error);

#endif
