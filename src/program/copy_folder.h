/*
 * copy_folder.h
 *		A whole folder copied, with its links followed: shared blocks where the file system can, and
 *		holes kept. What is there already from an earlier copy is made anew.
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

/* Add up what a folder holds, as its files are stored. STORAGE. */
extern bool copy_folder_size(const char *path, int64_t *bytes, PgbrError *error);

/* Copy a folder to a path that does not exist; all is on disk at the return. STORAGE. */
extern bool copy_folder(CopyFolder *copy, const char *source, const char *target, PgbrError *error);

/* Remove a folder with all that is in it; links are not followed. None is fine. */
extern bool remove_folder(const char *path, PgbrError *error);

#endif
