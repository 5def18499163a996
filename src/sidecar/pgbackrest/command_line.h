/*
 * command_line.h
 *		All command lines of pgbackrest: pure, runs nothing. Written for pgbackrest 2.45 and
 *		later.
 *
 * Each function makes a whole command line. The caller ends it with command_done, even if it has
 * failed.
 */
#ifndef PGBR_SIDECAR_PGBACKREST_COMMAND_LINE_H
#define PGBR_SIDECAR_PGBACKREST_COMMAND_LINE_H

#include "common/recovery_target.h"
#include "sidecar/config/config.h"
#include "sidecar/queue/job.h"

#include <jansson.h>
#include <stdbool.h>

/* A command line. The texts are owned; argv is NULL-terminated. */
typedef struct Command
{
	char *argv[256]; /* a tablespace may take one */
	int count;
	bool failed; /* out of memory */
	bool yields; /* run it with the lowest priority */
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

/* The same of one backup alone, with its databases and tablespaces. Repository 0: all. */
extern void pgbackrest_set_info_command(const SidecarConfig *config, int repo, const char *set,
										Command *command);

/* Its version; no configuration can make that fail. */
extern void pgbackrest_version_command(const SidecarConfig *config, Command *command);

/* pgbackrest's TLS server, as pgbackrest.conf describes it. */
extern void pgbackrest_server_command(const SidecarConfig *config, Command *command);

/* A listing of what the archive holds of a WAL segment; archive_id as info gives it ("15-1"). */
extern void pgbackrest_wal_command(const SidecarConfig *config, const char *archive_id, int repo,
								   const char *segment, Command *command);

/* An annotation of a backup: from which transactions on it needs what had not ended at its end. */
extern void
pgbackrest_note_command(const SidecarConfig *config, int repo, const char *label,
						unsigned long long xmin, unsigned long long xmax, Command *command);

/* Have a backup followed by no expire, whatever is configured. */
extern void pgbackrest_forbid_expire(Command *command);

/* One step of an expire by our own rules. */
typedef struct ExpireStep
{
	int repo;
	char label[JOB_LABEL_SIZE]; /* this backup and those that depend on it; "": WAL alone */
	int archive;				/* the retention of the archive to use for this step */
	PgbrBackupType archive_type;
} ExpireStep;

extern void pgbackrest_expire_command(const SidecarConfig *config, const ExpireStep *step,
									  bool dry_run, Command *command);

/* The following get the data directory: even if pgbackrest.conf names another pg1-path, pgbackrest
 * must write only into the data directory of this PostgreSQL. */
/* tablespaces: an object, OID to location, of those that lie elsewhere than the backup says; NULL
 * when the member has lost its files. */
extern void
pgbackrest_restore_command(const SidecarConfig *config, int repo, const RecoveryTarget *target,
						   const char *data_directory, const json_t *tablespaces, Command *command);

/* Push one file of pg_wal, in the foreground. */
extern void pgbackrest_push_command(const SidecarConfig *config, const char *data_directory,
									const char *file, Command *command);

/* Get one file for a server in recovery. */
extern void pgbackrest_get_command(const SidecarConfig *config, const char *data_directory,
								   const char *file, const char *destination, Command *command);

#endif
