/*
 * compat.h
 *		The differences between PostgreSQL 13 to 18. The only file that names PG_VERSION_NUM.
 *
 * The other files are written for the newest version. This one adds what older versions lack.
 */
#ifndef PGBR_COMPAT_H
#define PGBR_COMPAT_H

#include "access/xlog.h"
#include "fmgr.h"
#include "utils/guc.h"
#include "utils/guc_tables.h"
#include "utils/memutils.h"

#if PG_VERSION_NUM >= 140000
#include "utils/wait_event.h"
#else
#include "pgstat.h"
#endif

#ifdef PG_MODULE_MAGIC_EXT
#define PGBR_MODULE_MAGIC PG_MODULE_MAGIC_EXT(.name = "pgbackrest_ctl", .version = PGBR_VERSION)
#else
#define PGBR_MODULE_MAGIC PG_MODULE_MAGIC
#endif

#if PG_VERSION_NUM < 140000
#define PG_LSNOID LSNOID
#endif

#if PG_VERSION_NUM < 150000
#define MarkGUCPrefixReserved(prefix) EmitWarningsOnPlaceholders(prefix)
/* valid on a primary once RecoveryInProgress() has said that it is one */
#define GetWALInsertionTimeLine() ThisTimeLineID
#endif

/* Since 15, shared memory is requested in a hook of its own. */
#if PG_VERSION_NUM >= 150000
#define REQUEST_SHMEM(function)                  \
	do                                           \
	{                                            \
		next_shmem_request = shmem_request_hook; \
		shmem_request_hook = function;           \
	} while (0)
#define CALL_NEXT_SHMEM_REQUEST() \
	do                            \
	{                             \
		if (next_shmem_request)   \
			next_shmem_request(); \
	} while (0)
#else
typedef void (*shmem_request_hook_type)(void);
#define REQUEST_SHMEM(function)	  function()
#define CALL_NEXT_SHMEM_REQUEST() ((void) next_shmem_request)
#endif

/* All settings of the server, palloc'd or its own. */
#if PG_VERSION_NUM >= 160000
#define list_settings(count) get_guc_variables(count)
#else
#define list_settings(count) (*(count) = GetNumConfigOptions(), get_guc_variables())
#endif

#if PG_VERSION_NUM >= 170000
#define create_wait_event_set(count) CreateWaitEventSet(NULL, count)
#else
#define create_wait_event_set(count) CreateWaitEventSet(TopMemoryContext, count)
#endif

/* What pg_stat_activity shows of a backend that waits for the sidecar. */
static inline uint32
sidecar_wait_event(void)
{
#if PG_VERSION_NUM >= 170000
	static uint32 event = 0;

	if (event == 0)
		event = WaitEventExtensionNew("PgbackrestSidecar");
	return event;
#else
	return PG_WAIT_EXTENSION;
#endif
}

#endif
