/*
 * step_tools.h
 *		What the steps of a restore share. Used by one thread at a time.
 */
#ifndef PGBR_SIDECAR_RESTORE_STEP_TOOLS_H
#define PGBR_SIDECAR_RESTORE_STEP_TOOLS_H

#include "common/strbuf.h"
#include "sidecar/postgres/control_data.h"
#include "sidecar/restore/step_context.h"

/* Write a line into the job's log. */
extern void
step_log(StepContext *context, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The folder of PostgreSQL's programs, into bin of PATH_MAX bytes: the one that is configured,
 * that of the server that ran last, unless others could have put programs there, or "". */
extern void step_postgres_bin(const StepContext *context, char *bin);

/* Read the control data of the data directory. */
extern bool step_control(const StepContext *context, ControlData *control, PgbrError *error);

/* Refuse while a server uses the data directory, and remove what a dead one has left. */
extern bool step_must_be_down(StepContext *context, PgbrError *error);

/* Run SQL commands through psql and take what they print. With a socket folder not the server of
 * --pg-conninfo is asked but the one there. */
extern bool step_psql(StepContext *context, const char *socket_folder, const char *const *commands,
					  int timeout_ms, StrBuf *out, PgbrError *error);

/* True when the job was cancelled or the sidecar is stopping. */
extern bool step_is_stopped(StepContext *context);

#endif
