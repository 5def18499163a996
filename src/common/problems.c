/*
 * problems.c
 *		See problems.h.
 */
#include "common/problems.h"

#include <stdlib.h>

PgbrError *
pgbr_problems_add(PgbrError **problems, size_t *count, size_t most)
{
	PgbrError *grown;

	if (*count >= most)
		return NULL;
	grown = realloc(*problems, (*count + 1) * sizeof(PgbrError));
	if (grown == NULL)
		return NULL;
	*problems = grown;
	grown[*count] = (PgbrError) PGBR_ERROR_INIT;
	return &grown[(*count)++];
}
