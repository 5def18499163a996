/*
 * step_folder.h
 *		STATE_DIR/restore/ID: what the steps of a restore remember on this node, and what they save
 *		of the data directory before it is overwritten.
 */
#ifndef PGBR_SIDECAR_RESTORE_STEP_FOLDER_H
#define PGBR_SIDECAR_RESTORE_STEP_FOLDER_H

#include "common/error.h"
#include "common/strbuf.h"
#include "sidecar/restore/step_context.h"

/* Put a file's path into path, of PATH_MAX bytes; the folder is made. name "" is the folder. */
extern bool
step_folder_path(const StepContext *context, const char *name, char *path, PgbrError *error);

/* Write a file whole or not at all; it is on disk at the return. STORAGE. */
extern bool
step_folder_write(const StepContext *context, const char *name, const char *text, PgbrError *error);

/* Read a file; false when it is not there or can't be read. */
extern bool step_folder_read(const StepContext *context, const char *name, StrBuf *text);

extern bool step_folder_forget(const StepContext *context, const char *name, PgbrError *error);

/* Copy the server's options and configuration files out of the data directory. Of what was saved
 * once nothing is replaced: a second call may see what a half-done restore has left. */
extern bool step_folder_save(const StepContext *context, PgbrError *error);

#endif
