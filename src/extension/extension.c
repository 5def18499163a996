/*
 * extension.c
 *		Where the server meets the library: it is loaded by shared_preload_libraries or by the first
 *		function that is called. Does nothing but announce itself and its settings.
 */
#include "postgres.h"

#include "extension/compat.h"
#include "extension/guc.h"

PGBR_MODULE_MAGIC;

extern void _PG_init(void);

void
_PG_init(void)
{
	guc_define();
}
