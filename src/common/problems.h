/*
 * problems.h
 *		A list of errors that grows: what is wrong with a file, told all at once. Pure.
 */
#ifndef PGBR_PROBLEMS_H
#define PGBR_PROBLEMS_H

#include "common/error.h"

#include <stddef.h>

/*
 * Add an empty error behind the others, for the caller to fill. NULL when there are so many
 * already, or out of memory. The caller frees the list with free().
 */
extern PgbrError *pgbr_problems_add(PgbrError **problems, size_t *count, size_t most);

#endif
