/*
 * conf.h
 *		The options of a pgbackrest.conf that is being made, and what is wrong with it. Pure.
 */
#ifndef PGBR_CTL_CONF_CONF_H
#define PGBR_CTL_CONF_CONF_H

#include "common/error.h"
#include "common/values.h"

#include <stdbool.h>
#include <stddef.h>

typedef enum ConfOrigin
{
	CONF_DEFAULT, /* ours, and configParams may say otherwise */
	CONF_KEY,	  /* from a key of the section */
	CONF_PARAM,	  /* from configParams */
} ConfOrigin;

typedef struct ConfOption
{
	char *name;
	char *value;
	bool in_stanza; /* of the stanza's section, not of [global] */
	bool secret;
	ConfOrigin origin;
} ConfOption;

typedef struct Conf
{
	char stanza[65];
	const char *secret_name; /* existingSecret, lent by the values, or NULL */
	ConfOption *options;	 /* in the order they are written */
	size_t count;
	bool failed; /* out of memory */
	/* The problems: first those of the values file's reader, then ours. */
	PgbrError *problems;
	size_t problem_count;
} Conf;

#define CONF_MAX_PROBLEMS (2 * PGBR_VALUES_MAX_PROBLEMS)

extern void conf_done(Conf *conf); /* may be called twice */

/* True when there is a secret. */
extern bool conf_has_secrets(const Conf *conf);

/* The first option of this name; NULL: there is none. */
extern const ConfOption *conf_find(const Conf *conf, const char *name);

#endif
