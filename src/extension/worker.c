/*
 * worker.c
 *		See worker.h. What the scheduler does is in scheduler.c.
 */
#include "extension/worker.h"

#include "access/heapam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/objectaccess.h"
#include "catalog/pg_database.h"
#include "catalog/pg_extension.h"
#include "commands/dbcommands.h"
#include "commands/extension.h"
#include "extension/compat.h"
#include "extension/guc.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/lwlock.h"
#include "storage/proc.h"
#include "storage/shmem.h"
#include "tcop/tcopprot.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

PG_FUNCTION_INFO_V1(_pgbr_wake);

#define RESTART_S 10

/* between looks at a database that does not exist, or at a full table of workers, in ms */
#define LOOK_MS 10000

typedef struct Shared
{
	LWLock *lock; /* guards all below */
	PGPROC *scheduler;
	bool woken; /* and has not asked since */
	WorkerState state;
	Oid database;	 /* of the scheduler that was here last */
	bool look_first; /* a scheduler that starts must check that its database exists */
	char zone[TZ_STRLEN_MAX + 1];
} Shared;

static Shared *shared;
static shmem_startup_hook_type next_shmem_startup;
static shmem_request_hook_type next_shmem_request;
static object_access_hook_type next_object_access;

static void
start_shmem(void)
{
	bool found;

	if (next_shmem_startup)
		next_shmem_startup();
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	shared = ShmemInitStruct("pgbackrest_ctl", sizeof(Shared), &found);
	if (!found)
	{
		shared->lock = &(GetNamedLWLockTranche("pgbackrest_ctl")->lock);
		shared->scheduler = NULL;
		shared->woken = false;
		shared->state = WORKER_NONE;
		shared->database = InvalidOid;
		shared->look_first = false;
		shared->zone[0] = '\0';
	}
	LWLockRelease(AddinShmemInitLock);
}

static void
request_shmem(void)
{
	CALL_NEXT_SHMEM_REQUEST();
	RequestAddinShmemSpace(MAXALIGN(sizeof(Shared)));
	RequestNamedLWLockTranche("pgbackrest_ctl", 1);
}

static void
worker_describe(BackgroundWorker *worker, const char *name, const char *function,
				BgWorkerStartTime start)
{
	memset(worker, 0, sizeof(*worker));
	snprintf(worker->bgw_name, sizeof(worker->bgw_name), "pgbackrest_ctl %s", name);
	snprintf(worker->bgw_type, sizeof(worker->bgw_type), "pgbackrest_ctl %s", name);
	snprintf(worker->bgw_library_name, sizeof(worker->bgw_library_name), "pgbackrest_ctl");
	snprintf(worker->bgw_function_name, sizeof(worker->bgw_function_name), "%s", function);
	worker->bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker->bgw_start_time = start;
	worker->bgw_restart_time = RESTART_S;
}

/* A transaction callback can't unregister itself, so it is registered once a session. */
static bool wake_wanted;
static bool created_here; /* the extension, in this transaction */

/* The schedules are run in one database; elsewhere the extension only asks and shows. Said at
 * the end, since an install script's own notices are not shown. */
static void
tell_other_database(void)
{
	char *own = get_database_name(MyDatabaseId);

	if (own && strcmp(own, guc_database) != 0)
		ereport(
			NOTICE,
			(errmsg("no schedules are run in database \"%s\"", own),
			 errdetail("The scheduler works in the database that pgbackrest_ctl.database names, "
					   "\"%s\". Everything else works here.",
					   guc_database),
			 errhint("For schedules, run CREATE EXTENSION pgbackrest_ctl in database \"%s\".",
					 guc_database)));
}

static void
wake_at_commit(XactEvent event, void *argument)
{
	if (event == XACT_EVENT_PRE_COMMIT && created_here)
		tell_other_database();
	if (event == XACT_EVENT_COMMIT && wake_wanted)
		worker_wake();
	if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT)
		wake_wanted = created_here = false;
}

static void
want_wake(void)
{
	static bool registered;

	if (!registered)
		RegisterXactCallback(wake_at_commit, NULL);
	registered = true;
	wake_wanted = true;
}

/* Any extension that is dropped may be ours, so the scheduler checks. */
static void
on_access(ObjectAccessType access, Oid class, Oid object, int part, void *argument)
{
	if (next_object_access)
		next_object_access(access, class, object, part, argument);
	if (access == OAT_DROP && class == ExtensionRelationId)
		want_wake();
}

void
worker_register(void)
{
	BackgroundWorker worker;

	REQUEST_SHMEM(request_shmem);
	next_shmem_startup = shmem_startup_hook;
	shmem_startup_hook = start_shmem;
	next_object_access = object_access_hook;
	object_access_hook = on_access;
	worker_describe(&worker, "launcher", "pgbr_launcher_main", BgWorkerStart_ConsistentState);
	RegisterBackgroundWorker(&worker);
	worker_describe(&worker, "promotion notice", "pgbr_promotion_main",
					BgWorkerStart_RecoveryFinished);
	RegisterBackgroundWorker(&worker);
}

void
worker_wake(void)
{
	if (shared == NULL)
		return;
	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
	shared->woken = true;
	if (shared->scheduler)
		SetLatch(&shared->scheduler->procLatch);
	LWLockRelease(shared->lock);
}

bool
worker_take_wake(void)
{
	bool woken;

	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
	woken = shared->woken;
	shared->woken = false;
	LWLockRelease(shared->lock);
	return woken;
}

void
worker_tell_zone(const char *name)
{
	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
	strlcpy(shared->zone, name, sizeof(shared->zone));
	LWLockRelease(shared->lock);
}

void
worker_zone(char *name)
{
	name[0] = '\0';
	if (shared == NULL)
		return;
	LWLockAcquire(shared->lock, LW_SHARED);
	strlcpy(name, shared->zone, sizeof(shared->zone));
	LWLockRelease(shared->lock);
}

void
worker_tell_state(WorkerState state)
{
	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
	shared->state = state;
	LWLockRelease(shared->lock);
}

WorkerState
worker_state(Oid *database)
{
	WorkerState state;

	*database = InvalidOid;
	if (shared == NULL)
		return WORKER_NOT_PRELOADED;
	LWLockAcquire(shared->lock, LW_SHARED);
	state = shared->state;
	*database = shared->database;
	LWLockRelease(shared->lock);
	return state;
}

void
worker_look_first(void)
{
	bool look;

	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
	look = shared->look_first;
	shared->look_first = true;
	LWLockRelease(shared->lock);
	if (look)
		pgbr_launcher_main((Datum) 0);
}

static void
release_claim(int code, Datum argument)
{
	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
	if (shared->scheduler == MyProc)
	{
		shared->scheduler = NULL;
		shared->state = WORKER_GONE;
	}
	LWLockRelease(shared->lock);
}

bool
worker_claim(void)
{
	bool claimed;

	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
	claimed = shared->scheduler == NULL;
	if (claimed)
	{
		shared->scheduler = MyProc;
		shared->database = MyDatabaseId;
		shared->state = WORKER_STARTING;
	}
	LWLockRelease(shared->lock);
	if (claimed)
		before_shmem_exit(release_claim, (Datum) 0);
	return claimed;
}

void
pgbr_promotion_main(Datum argument)
{
	BackgroundWorkerUnblockSignals();
	worker_wake();
	proc_exit(0);
}

/* A worker that is bound to no database can read shared tables, but not by their indexes. */
static bool
database_exists(void)
{
	bool exists = false;
	Relation table;
	TableScanDesc scan;
	HeapTuple tuple;

	StartTransactionCommand();
	(void) GetTransactionSnapshot();
	table = table_open(DatabaseRelationId, AccessShareLock);
	scan = table_beginscan_catalog(table, 0, NULL);
	while (!exists && (tuple = heap_getnext(scan, ForwardScanDirection)) != NULL)
		exists = strcmp(NameStr(((Form_pg_database) GETSTRUCT(tuple))->datname), guc_database) == 0;
	table_endscan(scan);
	table_close(table, AccessShareLock);
	CommitTransactionCommand();
	return exists;
}

/* Wait for a signal, or until it is time to look again. */
static void
wait_to_look(const char *activity)
{
	pgstat_report_activity(STATE_IDLE, activity);
	(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, LOOK_MS,
					 PG_WAIT_EXTENSION);
	ResetLatch(MyLatch);
	CHECK_FOR_INTERRUPTS();
	if (ShutdownRequestPending)
		proc_exit(1);
}

void
pgbr_launcher_main(Datum argument)
{
	BackgroundWorker worker;
	bool reported = false;

	pqsignal(SIGTERM, SignalHandlerForShutdownRequest);
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnection(NULL, NULL, 0);
	while (!database_exists())
	{
		if (!reported)
			ereport(LOG, (errmsg("pgbackrest_ctl: database \"%s\" does not exist; no backups are "
								 "scheduled until it does",
								 guc_database),
						  errhint("Create it, or set pgbackrest_ctl.database and restart.")));
		reported = true;
		worker_tell_state(WORKER_NO_DATABASE);
		wait_to_look("waiting for the database to be created");
	}
	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
	shared->look_first = false;
	shared->state = WORKER_STARTING;
	LWLockRelease(shared->lock);
	worker_describe(&worker, "scheduler", "pgbr_scheduler_main", BgWorkerStart_ConsistentState);
	reported = false;
	while (!RegisterDynamicBackgroundWorker(&worker, NULL))
	{
		if (!reported)
			ereport(LOG, (errmsg("pgbackrest_ctl: no slot is free for the scheduler"),
						  errhint("Raise max_worker_processes.")));
		reported = true;
		worker_tell_state(WORKER_NO_SLOT);
		wait_to_look("waiting for a background worker slot");
	}
	proc_exit(0);
}

/* _pgbr_wake(): for the install script, so that the scheduler need not look for the extension */
Datum
_pgbr_wake(PG_FUNCTION_ARGS)
{
	want_wake();
	created_here = creating_extension;
	PG_RETURN_VOID();
}
