/*
 * values.h
 *		The pgBackRest section of a values file: read it into a struct, and say all that is wrong.
 *
 * A values file is YAML, as Helm takes it: one document whose top-level mapping has a section
 * "pgBackRest", also spelled "pgBackrest". Other sections are not looked at. One table in values.c
 * holds every key of the section with its type and its check.
 *
 * Two kinds of failure
 *	- The file can't be taken at all: it is missing, unreadable, larger than PGBR_VALUES_MAX_SIZE, not
 *	  YAML, nested too deep, or no mapping. Then reading fails.
 *	- One key is wrong: unknown, there twice (the first one counts), of the wrong type, out of its
 *	  grammar, or an alias, which the section may not have. Then that key stays unset and is put
 *	  among the problems, and the others are read: a wrong schedule must not stop the right ones.
 *
 * An anchor or alias is never expanded, so a file can't grow while it is read; reading takes at most
 * some tenths of a second. The texts of schedules and of the time zone are taken as they are: what they
 * mean is up to cron and to the owner of the zone data.
 *
 * A key without a value, with null or with "" is as good as left out. Pure but for the reading of the
 * file; no globals; safe in any thread.
 */
#ifndef PGBR_VALUES_H
#define PGBR_VALUES_H

#include "common/error.h"

#include <stdbool.h>
#include <stddef.h>

#define PGBR_VALUES_MAX_SIZE ((size_t) 1024 * 1024)

/* Where a value stands in the file; both count from 1. */
typedef struct PgbrValuesPlace
{
	int line;
	int column;
} PgbrValuesPlace;

typedef struct PgbrValuesText
{
	char *text;			   /* NULL: not set */
	PgbrValuesPlace place; /* one that is not set has a place when it was there, but wrong */
} PgbrValuesText;

typedef struct PgbrValuesList
{
	PgbrValuesText *items;
	size_t count;
} PgbrValuesList;

/* An option of pgbackrest.conf. One with a list of values is here once for each, in the file's order;
 * name and value are held to plain text, the name to pgBackRest's grammar of options, and the value of
 * a secret (pgbr_is_secret_option) to that of secrets. */
typedef struct PgbrValuesParam
{
	char *name;
	char *value;
	PgbrValuesPlace place;
} PgbrValuesParam;

typedef struct PgbrValuesS3
{
	PgbrValuesPlace place; /* line 0: the group is not there */
	PgbrValuesText bucket;
	PgbrValuesText endpoint;
	PgbrValuesText key;
	PgbrValuesText secret;
	PgbrValuesText region;
	bool verify_ssl; /* true unless set */
} PgbrValuesS3;

/* Quantities as Kubernetes writes them. */
typedef struct PgbrValuesQuantities
{
	PgbrValuesPlace place;
	PgbrValuesText cpu;
	PgbrValuesText memory;
	PgbrValuesText ephemeral_storage;
} PgbrValuesQuantities;

typedef struct PgbrValues
{
	bool found;			   /* the file has the section */
	PgbrValuesPlace place; /* of the section's name */
	PgbrValuesText docker_image;
	PgbrValuesText repo_type; /* rwx or s3 */
	PgbrValuesText repo_path; /* absolute */
	PgbrValuesText full_schedule;
	PgbrValuesText diff_schedule;
	PgbrValuesText incr_schedule;
	PgbrValuesText time_zone;
	PgbrValuesText existing_secret;
	int full_retention; /* 0: not set */
	int diff_retention; /* 0: not set */
	bool backup_from_standby;
	struct
	{
		PgbrValuesPlace place; /* line 0: the group is not there */
		PgbrValuesText type;
		PgbrValuesText size;
		PgbrValuesText storage_class;
		PgbrValuesList volumes;
	} rwx;
	PgbrValuesS3 s3;
	PgbrValuesS3 dr_s3; /* of the site for disaster recovery */
	struct
	{
		PgbrValuesPlace place;
		PgbrValuesQuantities requests;
		PgbrValuesQuantities limits;
	} resources; /* of the sidecar's container */
	PgbrValuesParam *params;
	size_t param_count;
	/* What is wrong in the section, in the file's order, at most PGBR_VALUES_MAX_PROBLEMS. Each has
	 * code CONFIG, the place in its detail and a hint, and does not show a secret's value. */
	PgbrError *problems;
	size_t problem_count;
} PgbrValues;

#define PGBR_VALUES_MAX_PROBLEMS 20

/*
 * Read a file, or length bytes that are said to come from name. True: the caller ends values with
 * pgbr_values_done, and looks at the problems. False: values is empty, there is nothing to free, and
 * error is CONFIG with the place in its detail; INTERNAL when out of memory.
 */
extern bool pgbr_values_read(const char *path, PgbrValues *values, PgbrError *error);
extern bool pgbr_values_parse(const char *name, const char *data, size_t length, PgbrValues *values,
							  PgbrError *error);
extern void pgbr_values_done(PgbrValues *values); /* may be called twice */

/* Put the place of a value in front of the detail of an error that was set: for what the caller
 * finds out about a value, such as a schedule that cron refuses. Returns false. */
extern bool pgbr_values_locate(const char *name, const PgbrValuesText *value, PgbrError *error);

#endif
