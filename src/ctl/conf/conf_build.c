/*
 * conf_build.c
 *		See conf_build.h.
 */
#include "ctl/conf/conf_build.h"

#include "common/problems.h"
#include "common/vocabulary.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

PgbrError *
conf_problem(ConfBuilder *builder, PgbrValuesPlace place, const char *format, ...)
{
	Conf *conf = builder->conf;
	PgbrError *problem =
		pgbr_problems_add(&conf->problems, &conf->problem_count, CONF_MAX_PROBLEMS);
	char text[800];
	va_list arguments;

	if (problem == NULL)
	{
		conf->failed |= conf->problem_count < CONF_MAX_PROBLEMS;
		return NULL;
	}
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	pgbr_error_set(problem, PGBR_ERROR_CONFIG, "invalid values file \"%s\": %s", builder->name,
				   text);
	pgbr_error_detail(problem, "File \"%s\", line %d, column %d.", builder->name, place.line,
					  place.column);
	return problem;
}

void
conf_add(ConfBuilder *builder, ConfOrigin origin, const char *name, const char *value)
{
	Conf *conf = builder->conf;
	ConfOption *grown = realloc(conf->options, (conf->count + 1) * sizeof(ConfOption));
	ConfOption *option;

	if (grown == NULL)
	{
		conf->failed = true;
		return;
	}
	conf->options = grown;
	option = &grown[conf->count++];
	*option = (ConfOption){
		.name = strdup(name),
		.value = strdup(value),
		.in_stanza = strncmp(name, "pg", 2) == 0 && name[2] >= '1' && name[2] <= '9',
		.secret = pgbr_is_secret_option(name),
		.origin = origin,
	};
	if (option->name == NULL || option->value == NULL)
		conf->failed = true;
}
