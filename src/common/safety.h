/*
 * safety.h
 *		Is the cluster safe? What is wrong with its backups and its archiving, in words, worst
 *		first.
 *
 * The one place that decides it. pgbr_status alone shows it: extension/safety.c asks. Whoever else
 * shows a verdict asks here too.
 *
 * What is not known is a problem too: nothing here counts as well because nobody could look.
 *
 * Pure: facts in, texts out. Ages are seconds; pointers are lent. A text of the facts must be
 * visible (visible.h) and short enough for PGBR_SAFETY_TEXT, else it is cut. Thread-safe.
 */
#ifndef PGBR_SAFETY_H
#define PGBR_SAFETY_H

#include "common/schedule_plan.h"

#include <stdbool.h>

/* After how many seconds something that is normal for a while becomes a problem. */
#define PGBR_SAFETY_STALE_S		  900		  /* information about the repositories */
#define PGBR_SAFETY_ARCHIVE_S	  600		  /* a WAL file that waits to be archived */
#define PGBR_SAFETY_OVERDUE_S	  3600		  /* a due backup that has not begun */
#define PGBR_SAFETY_RUNNING_S	  86400		  /* the same, while a backup runs */
#define PGBR_SAFETY_UNSCHEDULED_S (8 * 86400) /* the newest backup, where none is scheduled */

typedef enum PgbrWalSeen
{
	PGBR_WAL_UNKNOWN, /* PostgreSQL does not say that it has archived any */
	PGBR_WAL_SEEN,	  /* what it has archived is in a repository */
	PGBR_WAL_MISSING, /* something that it has archived is in no repository */
} PgbrWalSeen;

typedef struct PgbrSafetyRepo
{
	int repo;
	int code;				 /* pgbackrest's status; 0 is ok */
	const char *message;	 /* of the status; may be NULL */
	const char *foreign_id;	 /* its system identifier, where that is another cluster's, or NULL */
	const char *missing_wal; /* archived by PostgreSQL, but not in this repository, or NULL */
} PgbrSafetyRepo;

#define PGBR_SAFETY_REPOS 8

/* pgbackrest's status of a repository without a valid backup, and of one that it could not read */
#define PGBR_REPO_NO_BACKUP 2
#define PGBR_REPO_UNREAD	99

/* Start from zeroes. */
typedef struct PgbrSafetyFacts
{
	const char *sidecar_error; /* why the sidecar could not be asked; NULL: it answers */

	/* the repositories, as pgbackrest last described them */
	bool has_info;
	double info_age;
	const char *info_error; /* why the last refresh failed, or NULL */
	PgbrSafetyRepo repos[PGBR_SAFETY_REPOS];
	int repo_count;
	const char *system_id; /* this server's, for the message */
	bool has_backup;
	double newest_age;	 /* since the newest backup without errors ended; < 0: there is none */
	const char *damaged; /* the label of the newest backup, when it holds errors, or NULL */
	bool backup_runs;

	/* archiving; known only when PostgreSQL answers */
	bool postgres_answers;
	bool is_standby;
	bool archives; /* this server archives, or should: archive_mode */
	PgbrWalSeen wal;
	const char *missing_wal;
	bool archive_fails; /* the newest attempt failed */
	const char *failed_wal;
	long long waiting;	/* WAL files */
	double waiting_age; /* of the oldest of them */

	/* schedules, by PgbrBackupType */
	bool is_scheduled[PGBR_BACKUP_TYPE_COUNT];
	const char *schedule_errors[PGBR_BACKUP_TYPE_COUNT]; /* why one is not in force, or NULL */
	double overdue[PGBR_BACKUP_TYPE_COUNT]; /* since a due time that no backup followed; 0: none */
	const char *values_error;				/* what is wrong with the values file, or NULL */
	const char *idle; /* why nothing runs the schedules, in a whole sentence, or NULL */

	int failures; /* backups that have failed since one succeeded */
	const char *failure_message;
} PgbrSafetyFacts;

#define PGBR_SAFETY_PROBLEMS 32
#define PGBR_SAFETY_TEXT	 1200

typedef enum PgbrSafe
{
	PGBR_SAFE_NO,
	PGBR_SAFE_YES,
	PGBR_SAFE_UNSEEN, /* a standby that sees nothing wrong, but does not see everything */
} PgbrSafe;

typedef struct PgbrSafety
{
	PgbrSafe safe;
	int count;
	char problems[PGBR_SAFETY_PROBLEMS][PGBR_SAFETY_TEXT]; /* worst first */
} PgbrSafety;

extern void pgbr_safety_judge(const PgbrSafetyFacts *facts, PgbrSafety *safety);

#endif
