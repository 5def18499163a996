/*
 * archiver.h
 *		The archiving state of the local PostgreSQL and the schedules of the extension, read
 *		through psql for metrics.
 *
 * One thread at a time asks PostgreSQL, and at most every few seconds; other callers get the last
 * answer. Thread-safe.
 */
#ifndef PGBR_SIDECAR_POSTGRES_ARCHIVER_H
#define PGBR_SIDECAR_POSTGRES_ARCHIVER_H

#include "common/error.h"
#include "common/vocabulary.h"
#include "sidecar/config/config.h"

#include <jansson.h>
#include <stdint.h>

typedef struct ArchiverSchedule
{
	PgbrBackupType type;
	bool active;	 /* runs on this member */
	double next_run; /* seconds since 1970, as all here; 0: not known */
	double last_due;
	bool succeeded; /* the run that was due last */
} ArchiverSchedule;

typedef struct ArchiverState
{
	bool running; /* PostgreSQL answers; the rest is known only then */
	bool is_standby;
	bool archives; /* this member has WAL to archive */
	int64_t ready; /* files that wait */
	double oldest_ready;
	int64_t archived; /* since the statistics were reset */
	int64_t failed;
	double last_archived;
	double last_failed;
	char last_wal[32]; /* the file that was archived last, or "" */
	int segment_size;
	ArchiverSchedule schedules[3];
	int schedule_count;
	bool has_extension;	 /* the database has the extension */
	bool schedules_read; /* its schedules could be read; they are not if a stranger owns it */
} ArchiverState;

/* Read psql's two answers; schedules may be NULL. Pure. */
extern void archiver_read(const json_t *answer, const json_t *schedules, ArchiverState *state);

typedef struct Archiver Archiver;

extern Archiver *archiver_new(const SidecarConfig *config); /* NULL: out of memory */
extern void archiver_free(Archiver *archiver);				/* NULL is fine */

/* The state, at most 5 s old. stop_fd as in process_run. */
extern void archiver_get(Archiver *archiver, int stop_fd, ArchiverState *state);

/* The number of a WAL segment on its timeline; -1 for what is no segment's name. Pure. */
extern int64_t archiver_segment_number(const char *segment, int segment_size);

/* How many files of pg_wal wait to be archived. */
extern int archiver_count_ready(const char *data_directory);

#endif
