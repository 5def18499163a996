/*
 * retention.h
 *		What pgbackrest's next expire will do to each backup and to the WAL, and why: pure.
 *
 * Follows pgbackrest's own rules (2.45 and later) and adds the pins, which pgbackrest does not
 * have: a backup with the annotation "pinned", and what it depends on, is never removed. A pinned
 * backup keeps only the WAL that makes it consistent.
 *
 * A backup with the annotation "way-back" is what the undo of a restore starts from. It is kept in
 * the same way until the time that the annotation names, and all WAL since it as well.
 *
 * pgbackrest does not report what earlier expires have removed. So the range of continuous WAL
 * assumes that the retention has always been what it is now. After the retention was raised it is
 * right again once as many backups were made.
 *
 * A history is used by one thread at a time. Its texts are lent by the document that it was read
 * from, which must outlive it.
 */
#ifndef PGBR_RETENTION_H
#define PGBR_RETENTION_H

#include "common/error.h"
#include "common/vocabulary.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* The annotation that pins a backup; its value is the reason. */
#define RETENTION_PIN "pinned"

/*
 * The annotation of the way back of a restore; its value is "ID until TIME", with the restore's id
 * and a time as the programs print them. One that can't be read holds until it is removed.
 */
#define RETENTION_WAY_BACK "way-back"

/* pgbackrest's largest value of a retention. */
#define RETENTION_MAX 9999999

/* What is set for a repository, by pgbackrest's names: repoN-retention-... */
typedef struct RetentionSettings
{
	int repo;
	int full; /* 0: not set, as in the others */
	bool full_by_time;
	int diff;
	int archive;
	PgbrBackupType archive_type; /* full unless set */
	bool elsewhere; /* on another host, whose settings count: all above is not known here */
} RetentionSettings;

/* Which rule keeps a backup. */
typedef enum RetentionRule
{
	RETENTION_NOT_SET,
	RETENTION_ELSEWHERE, /* what the repository's host has set is not known here */
	RETENTION_GOES,		 /* none does: it is removed by the next expire */
	RETENTION_PINNED,
	RETENTION_WAY_BACK_OF, /* the undo of a restore starts from it */
	RETENTION_HOLDS_PIN,   /* one that is kept by these depends on it */
	RETENTION_COUNT,	   /* full: among the newest */
	RETENTION_TOO_YOUNG,   /* full: not yet as old as set */
	RETENTION_COVERS_TIME, /* full: the newest that is so old; the time since is restored from it */
	RETENTION_DIFF_COUNT,  /* diff: among the newest full and diff backups */
	RETENTION_DEPENDS,	   /* it is kept as long as its prior */
} RetentionRule;

typedef struct RetentionBackup
{
	int repo;
	int database; /* pgbackrest's number of the database cluster's version */
	const char *label;
	PgbrBackupType type;
	int prior;			   /* index of what it builds on, or -1 */
	int64_t stop;		   /* seconds since 1970 */
	const char *wal_start; /* NULL for a backup that was made offline */
	const char *wal_stop;
	const char *pin;		/* the reason, any text, or NULL: not pinned */
	const char *way_back;	/* the annotation's value, any text, or NULL: there is none */
	int64_t way_back_until; /* ms since 1970: it holds until then; 0: no end can be read */

	/* what follows is decided */
	RetentionRule rule;
	bool elsewhere;		/* of the settings of its repository */
	int limit;			/* the number of the rule: backups, or days */
	int holder;			/* RETENTION_HOLDS_PIN: index of that one */
	bool is_way_back;	/* the annotation holds now */
	bool goes;			/* removed by the next expire */
	bool would_go;		/* the same, were there no pins */
	int after_full;		/* goes after as many more full backups; 0: not by their number */
	int after_diff;		/* goes after as many more full or diff backups; 0: not by their number */
	int days_after;		/* goes so many days after the next full backup; 0: not by that */
	int64_t at;			/* goes at the first expire at this time or later; 0: not by time */
	bool point_in_time; /* stays, and any later moment can be restored from it, not only its end */
} RetentionBackup;

/* The WAL of one database in a repository. */
typedef struct RetentionWal
{
	int repo;
	int database;
	const char *archive_id; /* e.g. "15-1" */
	const char *first;		/* segment; NULL when there is none */
	const char *last;

	/* decided */
	int from;	  /* index of the backup from whose end on any moment can be restored, or -1 */
	bool expires; /* the next expire removes WAL from before it that no backup needs */
} RetentionWal;

typedef struct RetentionHistory
{
	RetentionBackup *backups; /* by repository and label: a prior comes before what builds on it */
	int count;
	RetentionWal *wals;
	int wal_count;
	bool pinned; /* some backup is, or is a way back */
} RetentionHistory;

/* What is set for a repository: one of these, or that nothing is. */
extern RetentionSettings
retention_settings_of(const RetentionSettings *settings, int count, int repo);

/*
 * Read one stanza of pgbackrest's info document. PROTOCOL for a backup whose label, type, time or
 * WAL pgbackrest would not have written, and for a label that a repository has twice. The
 * caller ends it with retention_done.
 */
extern bool retention_read(const json_t *stanza, RetentionHistory *history, PgbrError *error);
extern void retention_done(RetentionHistory *history); /* may be called twice */

/* Decide everything for an expire at now (seconds since 1970). Where a repository has no settings,
 * none of its is set. May be called again, with other settings or another time. */
extern void retention_decide(RetentionHistory *history, const RetentionSettings *settings,
							 int count, int64_t now);

/*
 * How many of the newest backups of the archive's retention type keep all WAL since: the value that
 * pgbackrest's repoN-retention-archive must have for its expire to do as decided, whatever pins
 * have kept. The WAL since a way back stays. RETENTION_MAX when no WAL is to be removed.
 */
/* Whether the annotation "way-back" of this value is that of the restore. */
extern bool retention_way_back_is_of(const char *value, const char *restore);

extern int
retention_archive_count(const RetentionHistory *history, const RetentionSettings *settings);

#endif
