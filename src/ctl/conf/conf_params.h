/*
 * conf_params.h
 *		configParams: pgBackRest's own options in a values file, and what is wrong with one. Pure.
 */
#ifndef PGBR_CTL_CONF_CONF_PARAMS_H
#define PGBR_CTL_CONF_CONF_PARAMS_H

#include "ctl/conf/conf_build.h"

#include <stdbool.h>

/* Check configParams and lay them over the options. */
extern void conf_take_params(ConfBuilder *builder);

/* What is wrong with an option's name or value, a sentence that says what to write; NULL:
 * nothing. */
extern const char *conf_name_hint(const char *name);
extern const char *conf_value_hint(const char *name, const char *value);

/* True for an option that may be there several times. */
extern bool conf_is_list(const char *name);

#endif
