/*
 * pgbackrest.h
 *		The one place that knows pgbackrest's command line, what it prints, its exit codes and what its
 *		info document says of a stanza as a whole: pure, nothing is run here. The keys of that document
 *		are pgbackrest_info.h's.
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

/* A command line. The texts are owned; argv is NULL-terminated. */
typedef struct Command
{
	char *argv[64];
	int count;
	bool failed; /* out of memory */
	bool yields; /* what else there is to do for the processors goes first */
} Command;

extern void command_done(Command *command);

/* Add an argument; what does not fit sets failed. */
extern void
command_add(Command *command, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Begin a command line for our stanza: the program, its configuration file and the stanza. */
extern void pgbackrest_begin(const SidecarConfig *config, Command *command);

/* The command line of a job. */
extern void pgbackrest_job_command(const SidecarConfig *config, const Job *job, Command *command);

/* `info` as JSON on stdout, errors on stderr. */
extern void pgbackrest_info_command(const SidecarConfig *config, Command *command);

/* The same of all stanzas in the repositories. */
extern void pgbackrest_all_info_command(const SidecarConfig *config, Command *command);

/* The same of one backup alone, with its databases. */
extern void pgbackrest_set_info_command(const SidecarConfig *config, int repo, const char *set,
										Command *command);

/* pgbackrest's TLS server, as pgbackrest.conf describes it. */
extern void pgbackrest_server_command(const SidecarConfig *config, Command *command);

/* A listing of what the archive holds of a WAL segment; archive_id as info gives it ("15-1"). */
extern void pgbackrest_wal_command(const SidecarConfig *config, const char *archive_id, int repo,
								   const char *segment, Command *command);

/* What is known of a run from what it has printed so far. */
typedef struct PgbackrestRun
{
	JobProgress progress;
	char label[JOB_LABEL_SIZE];
	bool made;			/* the backup with this label is complete */
	char message[1024]; /* of the first error, with the lines that belong to it */
	char hint[512];		/* and its hints, separated by "; " */
	bool in_error;		/* the next indented line belongs to one of them */
	ErrorPart part;		/* where in the error's lines */
	bool verify_failed; /* verify said "status: error", which its exit code does not */
	bool not_verified;	/* because it could not read the stanza */
	double copied;		/* sum of the sizes of the files, as they are rounded in the lines */
} PgbackrestRun;

extern void pgbackrest_run_init(PgbackrestRun *run, PgbrJobKind kind);

/* Read one line, without its newline. True when it belongs in the job's log: lines about single
 * files do not. */
extern bool pgbackrest_run_line(PgbackrestRun *run, const char *line);

/* What a user can do about a run that ended with this code: a sentence of ours, and pgbackrest's own
 * hints where they are to the point. "" when there is nothing to say. */
extern void pgbackrest_run_hint(const PgbackrestRun *run, int exit_code, char *hint, size_t size);

/* Whether a run that failed said only that the stanza can't be found, where info may know the reason:
 * to most commands a repository that can't be read is one that is empty. */
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

/* True when info could look into the repository: what it does not show of it is not there. */
extern bool pgbackrest_repo_is_readable(const InfoRepo *repo);

/* What a status says, made visible; never empty. */
extern void pgbackrest_status_text(const InfoStatus *status, char *text, size_t size);

/* Read a parsed info document. False when it is not one or has no such stanza: PROTOCOL. */
extern bool pgbackrest_read_info(const json_t *document, const char *stanza,
								 PgbackrestStanza *result, PgbrError *error);

#endif
