/*
 * doctor_checks.h
 *		What is found of this member by "doctor": facts in, a line a check out. Pure.
 *
 * A fact that could not be learned makes its check "unknown", never "ok". The table of checks is in
 * doctor_checks.c; each row is a function of the facts.
 */
#ifndef PGBR_SIDECAR_API_DOCTOR_CHECKS_H
#define PGBR_SIDECAR_API_DOCTOR_CHECKS_H

#include "common/vocabulary.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define DOCTOR_TEXT_SIZE 640
#define DOCTOR_PATH_SIZE 256

typedef enum DoctorFolderState
{
	DOCTOR_FOLDER_NONE, /* is not used */
	DOCTOR_FOLDER_FINE, /* can be written, or can be made */
	DOCTOR_FOLDER_BAD,	/* reason says why not */
	DOCTOR_FOLDER_UNKNOWN,
} DoctorFolderState;

typedef struct DoctorFolder
{
	DoctorFolderState state;
	bool read_only; /* bad because of that */
	char path[DOCTOR_PATH_SIZE];
	char reason[DOCTOR_PATH_SIZE];
} DoctorFolder;

typedef struct DoctorFacts
{
	char user[64]; /* whom we run as */
	uid_t uid;
	char stanza[64];

	/* of PostgreSQL, as GET /v1/node tells it */
	bool running;
	char server_error[DOCTOR_TEXT_SIZE];   /* why it does not answer */
	char data_directory[DOCTOR_PATH_SIZE]; /* "": not known */
	bool owner_known;
	uid_t owner;
	bool read_only; /* as this process sees it */
	bool fenced;
	char kept_for[64]; /* the restore whose way back this member is, or "" */

	/* of the server, known only when asked is true; asked_error says why not */
	bool asked;
	char asked_error[DOCTOR_TEXT_SIZE];
	char database[64]; /* that we ask */
	char archive_mode[16];
	char archive_command[DOCTOR_TEXT_SIZE]; /* or the library, when that is set */
	bool archives;							/* this member archives WAL */
	int64_t waiting;						/* segments that wait for the archiver */
	double last_archived;					/* seconds since 1970; 0: never */
	double last_failed;
	bool preloaded;
	char extension_version[32];	 /* "": not created in this database */
	char extension_database[64]; /* pgbackrest_ctl.database; "": not preloaded */
	char own_version[32];		 /* of this sidecar */
	bool worker_alive;
	bool scheduled; /* some schedule is set */
	char setting_errors[DOCTOR_TEXT_SIZE];

	/* what a recovery by the sidecar needs */
	bool recovery_known;
	char recovery_error
		[DOCTOR_TEXT_SIZE]; /* what postgres says of its configuration; "": it reads it */
	bool libraries_known;
	char library_missing[DOCTOR_PATH_SIZE]; /* the first library that is not there; "": all are */

	DoctorFolder data_folder; /* the first that a restore can't write: data, pg_wal, tablespaces */
	DoctorFolder state_folder;
	DoctorFolder lock_folder;
	DoctorFolder log_folder;
	DoctorFolder spool_folder;
	DoctorFolder
		repository_folder; /* the first in a folder of this host that is not fine, or none */

	bool stanza_ok;
	char stanza_reason[DOCTOR_TEXT_SIZE];
	bool repository_known;
	char repository_error[DOCTOR_TEXT_SIZE]; /* "": readable */
	char queue_error[DOCTOR_TEXT_SIZE];		 /* "": jobs can be accepted */

	bool cron_known;
	char cron_error[DOCTOR_TEXT_SIZE]; /* why it is not */
	char cron_found[DOCTOR_TEXT_SIZE]; /* where a line runs "pgbackrest backup"; "": nowhere */
} DoctorFacts;

typedef struct DoctorFinding
{
	PgbrVerdict outcome;
	char reason[DOCTOR_TEXT_SIZE]; /* one line */
	char cure[DOCTOR_TEXT_SIZE];   /* one line, or "" */
} DoctorFinding;

/* How many checks there are, and the name of one. */
extern int doctor_check_count(void);
extern const char *doctor_check_name(int check);

/* Do one of them. */
extern void doctor_check(int check, const DoctorFacts *facts, DoctorFinding *finding);

/* Whether a line of a crontab has pgbackrest make backups. */
extern bool doctor_is_cron_backup(const char *line);

#endif
