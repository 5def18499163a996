/*
 * recovery_signal.h
 *		The files by which PostgreSQL is told how to start: recovery.signal, which leads it to a
 *		target, and standby.signal. One thread at a time uses them.
 *
 * A Patroni that was recovering the leader when it was paused goes on with that. In one iteration
 * of its loop it removes both files (ensure_clean_shutdown), in the next it creates standby.signal
 * (follow). PostgreSQL asks for the files once at its start, before which it may sync all files.
 * At the end of recovery it must be able to remove recovery.signal, or it gives up.
 */
#ifndef PGBR_SIDECAR_RESTORE_RECOVERY_SIGNAL_H
#define PGBR_SIDECAR_RESTORE_RECOVERY_SIGNAL_H

#include "common/error.h"

#include <stdbool.h>

/*
 * Create recovery.signal, or replace it, as a socket. Patroni removes only regular files and
 * symbolic links; PostgreSQL takes and removes the name, whatever it stands for. A file system
 * without sockets gets a regular file. STORAGE.
 */
extern bool recovery_signal_set(const char *data_directory, PgbrError *error);

extern bool recovery_signal_is_set(const char *data_directory);

/* Remove standby.signal, which PostgreSQL prefers. Fine if there is none. STORAGE. */
extern bool recovery_signal_forget_standby(const char *data_directory, PgbrError *error);

#endif
