/*
 * compat.h
 *		What differs between the PostgreSQL majors 13 to 18: the only file that names PG_VERSION_NUM.
 *
 * Everything else is written for the newest; here older ones are given what they lack.
 */
#ifndef PGBR_COMPAT_H
#define PGBR_COMPAT_H

#include "access/xlog.h"
#include "fmgr.h"
#include "utils/guc.h"

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

#if PG_VERSION_NUM < 150000
#define MarkGUCPrefixReserved(prefix) EmitWarningsOnPlaceholders(prefix)
/* valid on a primary once RecoveryInProgress() has said that it is one */
#define GetWALInsertionTimeLine() ThisTimeLineID
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
