/*
 * point_keeper.h
 *		Keeps restore points where they outlive this host: as annotations of the backup from which
 *		they can be reached (program/point_note.h), which every member reads.
 *
 * A thread of its own that sleeps until a restore point is made. Each is noted by a job "annotate",
 * so that it meets no backup of this sidecar, and it is tried again until it is done, also after
 * a start. A point from before the first full backup can't be restored to and is noted nowhere.
 */
#ifndef PGBR_SIDECAR_RUNNER_POINT_KEEPER_H
#define PGBR_SIDECAR_RUNNER_POINT_KEEPER_H

#include "common/error.h"
#include "sidecar/config/config.h"
#include "sidecar/pgbackrest/info_cache.h"
#include "sidecar/queue/job_queue.h"

#include <jansson.h>

/* The points that one backup keeps at most, the newest: an info document has a limit. */
#define POINTS_PER_BACKUP 500

/* Points that are looked at together. */
#define POINT_BATCH 10

/* What to do next for some points. */
typedef struct PointPlan
{
	int repo;
	char label[JOB_LABEL_SIZE];
	json_t *annotations; /* of this backup; NULL: there is nothing to do */
	bool unknown;		 /* a repository can't be read, so it may lack some */
} PointPlan;

/*
 * Find the first backup of a stanza that lacks some of the points, the oldest of which comes first,
 * and what it is to be given; an annotation without a text is one that goes. Pure. The caller owns
 * a reference to the annotations.
 */
extern void
point_plan(const json_t *stanza, const RestorePoint *points, size_t count, PointPlan *plan);

typedef struct PointKeeper PointKeeper;

extern PointKeeper *point_keeper_start(const SidecarConfig *config, JobQueue *queue,
									   InfoCache *cache, PgbrError *error);

/* Have it look: a restore point was made. Thread-safe. */
extern void point_keeper_look(PointKeeper *keeper);

/* End the thread. After job_queue_stop; NULL is fine. */
extern void point_keeper_stop(PointKeeper *keeper);

/* After nobody asks any more. NULL is fine. */
extern void point_keeper_free(PointKeeper *keeper);

#endif
