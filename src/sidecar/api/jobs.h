/*
 * jobs.h
 *		What each route does. A handler runs in its connection's own thread and may wait.
 */
#ifndef PGBR_SIDECAR_API_JOBS_H
#define PGBR_SIDECAR_API_JOBS_H

#include "sidecar/postgres/archiver.h"
#include "sidecar/queue/audit.h"
#include "sidecar/http/auth.h"
#include "sidecar/pgbackrest/backup_details.h"
#include "sidecar/config/config.h"
#include "sidecar/http/message.h"
#include "sidecar/pgbackrest/info_cache.h"
#include "sidecar/queue/job_queue.h"
#include "sidecar/queue/job_tally.h"
#include "sidecar/api/process_gate.h"
#include "sidecar/pgbackrest/repo_space.h"
#include "sidecar/runner/stanza_keeper.h"

/* The parts that handlers work with; all outlive the HTTP server. */
typedef struct Sidecar
{
	const SidecarConfig *config;
	Auth *auth;
	JobQueue *queue;
	Audit *audit;
	InfoCache *cache;
	StanzaKeeper *keeper;
	JobTally *tally;
	Archiver *archiver;
	BackupDetails *details;
	ArchiveSize *archive_size;
	ProcessGate *gate;
	int stop_fd; /* readable when the sidecar stops: ends the programs that handlers run */
} Sidecar;

#define HANDLER(name) \
	extern void name(Sidecar *sidecar, const HttpRequest *request, HttpResponse *response)

HANDLER(handle_job_list);
HANDLER(handle_job_post);
HANDLER(handle_job_get);
HANDLER(handle_job_delete);
HANDLER(handle_job_log);
HANDLER(handle_info);
HANDLER(handle_node);
HANDLER(handle_doctor);
HANDLER(handle_wal);
HANDLER(handle_point_list);
HANDLER(handle_point_post);
HANDLER(handle_archive);
HANDLER(handle_restore_list);
HANDLER(handle_restore_get);
HANDLER(handle_restore_put);
HANDLER(handle_restore_job_post);
HANDLER(handle_audit);
HANDLER(handle_livez);
HANDLER(handle_readyz);
HANDLER(handle_metrics);

/* Those of existing clients: handlers_compat.c, handlers_daemon.c. */
HANDLER(handle_compat_full);
HANDLER(handle_compat_diff);
HANDLER(handle_compat_incr);
HANDLER(handle_compat_upgrade);
HANDLER(handle_compat_restore);
HANDLER(handle_compat_list);
HANDLER(handle_compat_status);
HANDLER(handle_daemon_backup);
HANDLER(handle_daemon_health);
HANDLER(handle_daemon_live);
HANDLER(handle_daemon_status);
HANDLER(handle_daemon_list);
HANDLER(handle_daemon_diff);
HANDLER(handle_daemon_incr);

#undef HANDLER

#endif
