/*
 * conninfo.h
 *		What a connection string of PostgreSQL's holds that does not belong on a command line, where
 *		every user of the host reads it.
 */
#ifndef PGBR_CONNINFO_H
#define PGBR_CONNINFO_H

#include "common/error.h"

#include <stdbool.h>

/*
 * True unless a connection string, "key=value ..." or a URI, has a password in it, or another
 * secret; then CONFIG, with what to do instead. name is the option that gave it. A text that libpq
 * would not take passes: libpq says so better. The value is never in the error. Pure.
 */
extern bool pgbr_conninfo_check(const char *name, const char *conninfo, PgbrError *error);

#endif
