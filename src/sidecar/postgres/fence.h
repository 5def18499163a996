/*
 * fence.h
 *		A fence around a data directory whose server is down: no server can be started on it,
 *		whoever tries, until it is lifted.
 *
 * Patroni (3.0) may start a member in a pause, out of what it remembers, as a standby. On files
 * that are being restored it would replay WAL past the point to which the cluster is taken back,
 * and then win the leader race.
 *
 * The fence is global/pg_control moved into a folder of its own, FENCE_FOLDER, where pg_controldata
 * reads it: without it PostgreSQL does not start, and Patroni takes the directory for one that it
 * must leave alone. It outlives whoever has raised it. While pg_control must be in its place, since
 * pgbackrest puts it there as the last file or a server of ours runs, fence_guard forbids the start
 * of another one by a mode of the directory that PostgreSQL does not accept.
 *
 * A member that is kept as the way back of a restore has the ID of that restore in its fence. So
 * the note goes when anybody lifts the fence or replaces the files: what has it, is untouched.
 *
 * All may be called again after any crash. STORAGE on failure.
 */
#ifndef PGBR_SIDECAR_POSTGRES_FENCE_H
#define PGBR_SIDECAR_POSTGRES_FENCE_H

#include "common/error.h"

#include <stdbool.h>
#include <stddef.h>

/* In the data directory: global/pg_control is in there. */
#define FENCE_FOLDER "pgbr_fence"

/* Raise the fence; it is on disk when this returns. A directory without pg_control needs none. */
extern bool fence_raise(const char *data_directory, PgbrError *error);

/* Lift the fence and the guard. Fine if there is none. */
extern bool fence_lift(const char *data_directory, PgbrError *error);

/*
 * Let nobody start a server; for pgbackrest from when it has set the directory's mode, for a server
 * of ours from when it has looked at it. Until fence_raise, which takes the guard's place.
 */
extern bool fence_guard(const char *data_directory, PgbrError *error);

/*
 * Put pg_control into its place for programs that read it, with nobody but the guard to keep
 * servers out. Until fence_raise, as above.
 */
extern bool fence_open(const char *data_directory, PgbrError *error);

/* True when no server can be started, by the fence or by the guard. */
extern bool fence_stands(const char *data_directory);

/* True when pg_control is in neither place: pgbackrest has cleaned the directory and restores it
 * last. No server starts then, either. */
extern bool fence_lacks_control(const char *data_directory);

/* True when pg_control is in FENCE_FOLDER. */
extern bool fence_has_control(const char *data_directory);

/* Note for which restore the directory is kept; it is on disk at the return. CONFLICT when
 * pg_control is not in the fence. */
extern bool fence_keep(const char *data_directory, const char *restore, PgbrError *error);

/* Take the note away. Fine if there is none. */
extern bool fence_end_keep(const char *data_directory, PgbrError *error);

/* For which restore it is kept; "" for none. */
extern void fence_kept_for(const char *data_directory, char *restore, size_t size);

#endif
