/*
 * findings.h
 *		What the files that make a plan share: the work in hand, and how it refuses, warns, and says
 *		what it could not prove.
 *
 * Private to those files (see planner.c) and to their tests.
 */
#ifndef PGBR_CTL_PLAN_FINDINGS_H
#define PGBR_CTL_PLAN_FINDINGS_H

#include "ctl/facts/facts.h"
#include "ctl/facts/timeline_path.h"
#include "ctl/plan/plan.h"

#define SECOND_US INT64_C(1000000)

typedef struct RestoreWork
{
	const RestoreRequest *request;
	const RestoreFacts *facts;
	RestorePlan *plan;
	RestoreRefusal *refusal;

	const FactMember *leader; /* who leads now; after the preflight */
	const FactMember *kept;	  /* the member by which an undo leads back; NULL: the repository */
	TimelinePath path;		  /* after the timeline was chosen */
	bool on_current;		  /* the path ends in the timeline of the leader */
	uint64_t end_lsn;		  /* where the path's WAL ends */
	int64_t end_time;		  /* seconds, when its last WAL was archived; 0: now, or unknown */
	const FactPoint *point;	  /* of a target of type name */
	uint64_t xid;			  /* of a target of type xid, with its epoch */
	const FactBackup *set;	  /* after it was chosen */
} RestoreWork;

/* Refuse; always false. Detail and hint may follow, as with pgbr_error_set. */
extern bool
restore_refuse(RestoreWork *work, const char *format, ...) __attribute__((format(printf, 2, 3)));

extern void
restore_warn(RestoreWork *work, const char *format, ...) __attribute__((format(printf, 2, 3)));
extern void
restore_unproven(RestoreWork *work, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Add a target that can be reached to the refusal; set may be NULL, timeline 0. */
extern void
restore_nearest(RestoreWork *work, RecoveryType type, const char *target, const char *set,
				uint32_t timeline, const char *format, ...) __attribute__((format(printf, 6, 7)));

/* "0/3000060 on timeline 1, at 2026-11-24 11:41:32+00" */
extern void restore_describe_point(const FactPoint *point, char *text, size_t size);

/* Add the place of a restore point, which means the same as its name: the end of its record. */
extern void restore_nearest_point(RestoreWork *work, const FactPoint *point);

#endif
