/*
 * extension.c
 *		Where the server meets the library: it is loaded by shared_preload_libraries, and then has
 *		workers, or by the first function that is called. Does nothing but announce itself.
 */
#include "postgres.h"

#include "extension/compat.h"
#include "extension/guc.h"
#include "extension/worker.h"
#include "miscadmin.h"

PGBR_MODULE_MAGIC;

extern void _PG_init(void);

void
_PG_init(void)
{
	guc_define();
	if (process_shared_preload_libraries_in_progress)
		worker_register();
}
