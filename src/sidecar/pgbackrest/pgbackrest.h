/*
 * pgbackrest.h
 *		Reads what pgbackrest prints while it runs, what its exit code means, and what its info
 *		document says about a stanza as a whole: pure. command_line.h has its command lines,
 *		pgbackrest_info.h the keys of that document.
 *
 * Written for pgbackrest 2.45 and later; the names of the exit codes are those of pgBackRest's own
 * list (its build/error.yaml).
 */
#ifndef PGBR_SIDECAR_PGBACKREST_PGBACKREST_H
#define PGBR_SIDECAR_PGBACKREST_PGBACKREST_H

#include "common/error.h"
#include "common/strbuf.h"
#include "program/pgbackrest_info.h"
#include "sidecar/config/config.h"
#include "sidecar/queue/job.h"
#include "sidecar/pgbackrest/pgbackrest_error.h"

#include <jansson.h>

/* What is known of a run from what it has printed so far. */
typedef struct PgbackrestRun
{
	JobProgress progress;
	char label[JOB_LABEL_SIZE];
	bool made;			/* the backup with this label is complete */
	char message[1024]; /* of the first error, with the lines that belong to it */
	char hint[512];		/* and its hints, separated by "; " */
	char warning[512]; /* the first about a repository: "repo1: [FileMissingError] unable to ..." */
	bool in_error;	   /* the next indented line belongs to one of them */
	ErrorPart part;	   /* where in the error's lines */
	bool verify_failed; /* verify said "status: error", which its exit code does not */
	bool not_verified;	/* because it could not read the stanza */
	double copied;		/* sum of the sizes of the files, as they are rounded in the lines */
} PgbackrestRun;

extern void pgbackrest_run_init(PgbackrestRun *run, PgbrJobKind kind);

/* Read one line, without its newline. True when it belongs in the job's log: lines about single
 * files do not. */
extern bool pgbackrest_run_line(PgbackrestRun *run, const char *line);

/* Read "restore size = 29.2MB, file total = 962" from a line of a restore; false for another. */
extern bool pgbackrest_read_restored(const char *line, int64_t *bytes, int64_t *files);

/*
 * What a user can do about a run that ended with this code: a sentence of ours, and pgbackrest's
 * own hints where they are to the point. "" when there is nothing to say.
 */
extern void pgbackrest_run_hint(const PgbackrestRun *run, int exit_code, char *hint, size_t size);

/* True when a failed run said only that the stanza does not exist, while info may know the reason:
 * most commands treat a repository that they can't read as an empty one. */
extern bool pgbackrest_run_is_vague(const PgbackrestRun *run);

/* What an info document says of one stanza. */
typedef struct PgbackrestStanza
{
	int status_code; /* 0 ok, 1 missing stanza path, 2 no valid backups, ..., 99 other */
	char status_message[256];
	char system_id[24];	 /* of the newest database in it, or "" */
	char archive_id[24]; /* its newest archive, e.g. "15-1", or "" */
	int repo_count;
	int repo_failed;		/* repositories whose status is neither 0 nor 2 */
	int repo_missing;		/* those of them that can be read, but hold no such stanza */
	int failed_repo;		/* the number of the first that failed, or 0 */
	char repo_message[512]; /* "repoN: why" of that one */
	int archive_repo;		/* a repository that is usable, or 0 */
} PgbackrestStanza;

/* True when info could read the repository: what info does not list is then not there. */
extern bool pgbackrest_repo_is_readable(const InfoRepo *repo);

/* What a status says, made visible; never empty. */
extern void pgbackrest_status_text(const InfoStatus *status, char *text, size_t size);

/* Read a parsed info document. False when it is not one or has no such stanza: PROTOCOL. */
extern bool pgbackrest_read_info(const json_t *document, const char *stanza,
								 PgbackrestStanza *result, PgbrError *error);

#endif
