/*
 * values_struct.h
 *		The struct that values.h reads a values file into. It owns its texts and arrays; values.h
 *		frees them.
 */
#ifndef PGBR_VALUES_STRUCT_H
#define PGBR_VALUES_STRUCT_H

#include "common/error.h"

#include <stdbool.h>
#include <stddef.h>

#define PGBR_VALUES_MAX_PROBLEMS 20

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

/*
 * An option of pgbackrest.conf. One with a list of values is here once for each, in the file's
 * order; name and value are held to plain text, the name to pgBackRest's grammar of options, and
 * the value of a secret (pgbr_is_secret_option) to that of secrets.
 */
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

#endif
