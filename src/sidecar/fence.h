/*
 * fence.h
 *		A fence around a data directory whose server is down: no server can be started on it, whoever tries,
 *		until it is lifted.
 *
 * Patroni (3.0) may start a replica in a pause, out of what it remembers. On files that are being restored it
 * would replay WAL past the point to which the cluster is taken back, and then win the leader race.
 *
 * The fence is global/pg_control under another name: without it PostgreSQL does not start, and Patroni takes
 * the directory for one that it must leave alone. It outlives whoever has raised it. pgbackrest puts
 * pg_control into its place itself, as the last file: meanwhile fence_guard forbids the start by a mode of
 * the directory that PostgreSQL does not accept.
 *
 * All may be called again after any crash. STORAGE on failure.
 */
#ifndef PGBR_SIDECAR_FENCE_H
#define PGBR_SIDECAR_FENCE_H

#include "common/error.h"

#include <stdbool.h>

/* What global/pg_control is called behind the fence. */
#define FENCE_FILE "pg_control.fenced"

/* Raise it; it is on disk at the return. A directory without pg_control needs none. */
extern bool fence_raise(const char *data_directory, PgbrError *error);

/* Lift it, the guard too. One that does not stand is fine. */
extern bool fence_lift(const char *data_directory, PgbrError *error);

/* Let nobody start a server as long as pgbackrest writes: from when it has set the directory's mode until
 * fence_raise, which takes the guard's place. */
extern bool fence_guard(const char *data_directory, PgbrError *error);

extern bool fence_stands(const char *data_directory);

#endif
