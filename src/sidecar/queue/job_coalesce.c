/*
 * job_coalesce.c
 *		See job_coalesce.h.
 */
#include "sidecar/queue/job_coalesce.h"

#include <string.h>

bool
job_covers(const JobRequest *a, const JobRequest *b)
{
	return !pgbr_job_kind_is_step(a->kind) && a->kind == b->kind && a->repo == b->repo &&
		   a->dry_run == b->dry_run && strcmp(a->set, b->set) == 0 && a->type >= b->type &&
		   (strcmp(a->annotations, b->annotations) == 0 ||
			(b->annotations[0] == '\0' && a->kind == PGBR_JOB_BACKUP));
}

bool
job_find_cover(const Job *const *jobs, int count, int *covered, int *by)
{
	for (*covered = 0; *covered < count; (*covered)++)
	{
		for (*by = 0; *by < count; (*by)++)
		{
			const JobRequest *a = &jobs[*by]->request;
			const JobRequest *b = &jobs[*covered]->request;

			if (*by != *covered && job_covers(a, b) && (*by < *covered || !job_covers(b, a)))
				return true;
		}
	}
	return false;
}
