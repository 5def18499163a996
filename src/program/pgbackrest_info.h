/*
 * pgbackrest_info.h
 *		The only reader of pgbackrest's info document: its keys, and the value of each field that
 *		is missing, as older versions leave some out.
 *
 * Written for pgbackrest 2.45 and later. A new field is a member here and a row in the table of
 * pgbackrest_info.c. Values are as pgbackrest printed them. A repository may have been tampered
 * with, so check the grammar or range of a value before using it. Texts and JSON are lent by the
 * document, which must outlive what was read. The extension has no jansson: it reads the sidecar's
 * copy of the document by tables of its own (answer.c, backups.c). Pure.
 */
#ifndef PGBR_PROGRAM_PGBACKREST_INFO_H
#define PGBR_PROGRAM_PGBACKREST_INFO_H

#include "common/vocabulary.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Codes of a status that we go by. */
enum
{
	INFO_STATUS_OK = 0,
	INFO_STATUS_MISSING_PATH = 1,
	INFO_STATUS_NO_BACKUPS = 2,
	INFO_STATUS_MISSING_DATA = 3,
	INFO_STATUS_OTHER = 99,
};

/* A missing text is NULL, a missing number is as noted. */
typedef struct InfoStatus
{
	long long code; /* INFO_STATUS_OTHER */
	const char *message;
} InfoStatus;

/* What holds the stanza's lock, as it was when the document was made. */
typedef struct InfoLock
{
	bool held;
	long long bytes_total; /* 0 */
	long long bytes_done;  /* 0 */
} InfoLock;

typedef struct InfoStanza
{
	const char *name;
	const char *cipher;
	InfoStatus status;
	InfoLock backup_lock;
	InfoLock restore_lock;
} InfoStanza;

typedef struct InfoRepo
{
	long long key; /* 1 */
	const char *cipher;
	InfoStatus status;
} InfoRepo;

/* A version of the database cluster that a repository knows. */
typedef struct InfoDatabase
{
	long long repo; /* 1 */
	long long id;	/* 0 */
	long long system_id;
	const char *version; /* of PostgreSQL */
} InfoDatabase;

/* The WAL of a database in a repository. */
typedef struct InfoArchive
{
	long long repo;		/* 1 */
	long long database; /* 0 */
	const char *id;		/* "15-1" */
	const char *min;	/* the first and the last segment; "" or NULL when there is none */
	const char *max;
} InfoArchive;

typedef struct InfoBackup
{
	const char *label;
	const char *type;
	const char *prior;
	const char *pgbackrest_version;
	long long repo;		   /* 1 */
	long long database;	   /* 0 */
	bool error;			   /* pages with wrong checksums were found; false */
	long long start;	   /* seconds since 1970; 0 */
	long long stop;		   /* the same */
	const char *lsn_start; /* NULL, as the next three, for a backup that was made offline */
	const char *lsn_stop;
	const char *wal_start;
	const char *wal_stop;
	long long size;				/* bytes of the database; 0 */
	long long delta;			/* of it, copied by this backup; 0 */
	long long repo_size;		/* bytes in the repository; 0 */
	long long repo_delta;		/* of it, added by this backup; -1 */
	long long repo_size_map;	/* of block incremental backups; -1 */
	long long repo_delta_map;	/* the same */
	const json_t *annotations;	/* an object of texts */
	const json_t *references;	/* an array of labels */
	const json_t *database_ref; /* an array; only in `info --set` */
	const json_t *document;		/* all of it, for who shows fields by their path */
} InfoBackup;

/* A stanza of a parsed document; NULL when it has none of that name. */
extern const json_t *info_find_stanza(const json_t *document, const char *name);

/* Read a stanza of that document. NULL reads as one in which everything is missing. */
extern void info_stanza_read(const json_t *stanza, InfoStanza *result);

/* Read the element at the index, from 0 on. False, and nothing is written, when the list ends
 * before. Backups, archives and databases are in pgbackrest's order: those of a repository from the
 * oldest on. */
extern bool info_repo_at(const json_t *stanza, size_t index, InfoRepo *repo);
extern bool info_database_at(const json_t *stanza, size_t index, InfoDatabase *database);
extern bool info_archive_at(const json_t *stanza, size_t index, InfoArchive *archive);
extern bool info_backup_at(const json_t *stanza, size_t index, InfoBackup *backup);

/* How many backups and archives it has. */
extern size_t info_backup_count(const json_t *stanza);
extern size_t info_archive_count(const json_t *stanza);

/* A time within the years 1970 to 9999, or 0 for any other: safe to compute with in milliseconds
 * and microseconds. */
extern int64_t info_time(long long seconds);

/* The text of a backup's annotation, or NULL. */
extern const char *info_annotation(const InfoBackup *backup, const char *key);

/* Find the backup with that label in any stanza and repository of a document; false when there is
 * none. */
extern bool info_find_backup(const json_t *document, const char *label, InfoBackup *backup);

/* The PostgreSQL version of a database; NULL when it is missing. */
extern const char *info_database_version(const json_t *stanza, long long repo, long long database);

/* The last backup that serves as one of each type, by PgbrBackupType: a full serves as a diff, too,
 * and both as an incr. Its type is NULL where there is none. */
extern void info_last_backups(const json_t *stanza, InfoBackup last[PGBR_BACKUP_FULL + 1]);

#endif
