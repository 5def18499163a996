/*
 * copy_folder.h
 *		Copies a whole folder and follows its links. Shares blocks if the file system can, and
 *		keeps holes. What an earlier copy left there is replaced.
 */
#ifndef PGBR_PROGRAM_COPY_FOLDER_H
#define PGBR_PROGRAM_COPY_FOLDER_H

#include "common/error.h"

#include <stdint.h>

typedef struct CopyFolder
{
	/* asked between blocks; false ends the copy with ABORTED */
	bool (*go_on)(void *argument, int64_t bytes);
	void *argument;
	int64_t bytes;	/* copied so far */
	bool may_share; /* the file system can share blocks */
} CopyFolder;

/* Add up the sizes of all files in a folder, as stored. STORAGE. */
extern bool copy_folder_size(const char *path, int64_t *bytes, PgbrError *error);

/* Copy a folder to a path that does not exist; everything is on disk when this returns. STORAGE. */
extern bool copy_folder(CopyFolder *copy, const char *source, const char *target, PgbrError *error);

/* Remove a folder and everything in it; links are not followed. Fine if there is none. */
extern bool remove_folder(const char *path, PgbrError *error);

#endif
