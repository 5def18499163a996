/*
 * job_coalesce.h
 *		Decides which waiting job is coalesced into which. Pure.
 */
#ifndef PGBR_SIDECAR_QUEUE_JOB_COALESCE_H
#define PGBR_SIDECAR_QUEUE_JOB_COALESCE_H

#include "sidecar/queue/job.h"

/* True when running a also does the work of b: neither is a step; kind, repository, set and dry run
 * are the same; b has no annotations or those of a; and its backup type is at least as strong. */
extern bool job_covers(const JobRequest *a, const JobRequest *b);

/*
 * Find one waiting job that coalesces into another: jobs[*covered] into jobs[*by]. The jobs are
 * ordered by seq and none is coalesced yet. If two could coalesce into each other, the earlier one
 * runs. False when no pair is left.
 */
extern bool job_find_cover(const Job *const *jobs, int count, int *covered, int *by);

#endif
