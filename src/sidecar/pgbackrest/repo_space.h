/*
 * repo_space.h
 *		How much room there is in the repositories that lie in a folder of this host.
 *
 * pgbackrest does not tell; the folder is found where pgbackrest finds it, in its configuration and
 * environment. Of a store such as S3, and of a repository on another host, nothing is known.
 */
#ifndef PGBR_SIDECAR_PGBACKREST_REPO_SPACE_H
#define PGBR_SIDECAR_PGBACKREST_REPO_SPACE_H

#include "program/pgbackrest_file.h"
#include "sidecar/config/config.h"

#include <stdint.h>

#define REPO_SPACE_MAX 8

typedef struct RepoSpace
{
	int repo;
	int64_t free_bytes;
	int64_t total_bytes;
} RepoSpace;

/* The folder of a repository on this host, lent by the file; NULL where it is not in one. */
extern const char *repo_folder(const PgbackrestFile *file, const char *stanza, int repo);

/* Fill spaces, of REPO_SPACE_MAX, and give their number. Thread-safe. */
extern int repo_space_read(const SidecarConfig *config, RepoSpace *spaces);

typedef struct ArchiveSize ArchiveSize;

extern ArchiveSize *archive_size_new(const SidecarConfig *config); /* NULL: out of memory */
extern void archive_size_free(ArchiveSize *size);				   /* NULL is fine */

/* How many bytes the stanza's WAL takes in the first repository that lies in a folder here, at most
 * five minutes ago; -1: not known. Thread-safe. */
extern int64_t archive_size_get(ArchiveSize *size);

#endif
