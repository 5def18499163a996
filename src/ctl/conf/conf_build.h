/*
 * conf_build.h
 *		Adds options and problems to a Conf while a values file is read. Pure.
 */
#ifndef PGBR_CTL_CONF_CONF_BUILD_H
#define PGBR_CTL_CONF_CONF_BUILD_H

#include "common/values.h"
#include "ctl/conf/conf.h"

typedef struct ConfBuilder
{
	const char *name; /* of the values file, for messages */
	const PgbrValues *values;
	Conf *conf;
} ConfBuilder;

/* Add an option behind the others. Running out of memory is remembered in the Conf. */
extern void conf_add(ConfBuilder *builder, ConfOrigin origin, const char *name, const char *value);

/* Record a problem at a place. Returns the problem, for its hint; may be NULL. */
extern PgbrError *conf_problem(ConfBuilder *builder, PgbrValuesPlace place, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
