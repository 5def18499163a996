/*
 * conf_build.h
 *		Inside pgbackrest_conf and conf_check: what their files share. Only they include this.
 */
#ifndef PGBR_CTL_CONF_CONF_BUILD_H
#define PGBR_CTL_CONF_CONF_BUILD_H

#include "ctl/conf/pgbackrest_conf.h"

typedef struct ConfBuilder
{
	const char *name; /* of the values file, for messages */
	const PgbrValues *values;
	Conf *conf;
} ConfBuilder;

/* Add an option behind the others. Running out of memory is remembered in the Conf. */
extern void conf_add(ConfBuilder *builder, ConfOrigin origin, const char *name, const char *value);

/* Take note of what is wrong at a place. Returns where to put the hint, which may be NULL. */
extern PgbrError *conf_problem(ConfBuilder *builder, PgbrValuesPlace place, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Check configParams and lay them over the options. */
extern void conf_take_params(ConfBuilder *builder);

/* What is wrong with an option's name or value, a sentence that says what to write; NULL: nothing. */
extern const char *conf_name_hint(const char *name);
extern const char *conf_value_hint(const char *name, const char *value);

/* True for an option that may be there several times. */
extern bool conf_is_list(const char *name);

#endif
