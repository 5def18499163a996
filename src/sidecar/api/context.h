/*
 * context.h
 *		The parts of the sidecar that handlers work with.
 */
#ifndef PGBR_SIDECAR_API_CONTEXT_H
#define PGBR_SIDECAR_API_CONTEXT_H

#include "sidecar/api/process_gate.h"
#include "sidecar/config/config.h"
#include "sidecar/http/auth.h"
#include "sidecar/pgbackrest/backup_details.h"
#include "sidecar/pgbackrest/info_cache.h"
#include "sidecar/pgbackrest/repo_space.h"
#include "sidecar/postgres/archiver.h"
#include "sidecar/queue/audit.h"
#include "sidecar/queue/job_queue.h"
#include "sidecar/queue/job_tally.h"
#include "sidecar/runner/point_keeper.h"
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
	PointKeeper *points;
	JobTally *tally;
	Archiver *archiver;
	BackupDetails *details;
	ArchiveSize *archive_size;
	ProcessGate *gate;
	int stop_fd; /* readable when the sidecar stops: ends the programs that handlers run */
} Sidecar;

#endif
