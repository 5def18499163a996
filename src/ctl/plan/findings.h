/*
 * findings.h
 *		What the files that make a plan share: the work in hand, and how it refuses, warns, and says
 *		what it could not prove.
 *
 * restore_plan.c goes through the parts in this order: the preflight, the timeline, the backup set,
 * the WAL. Each part returns false when it has refused. Private to those files and to their tests.
 */
#ifndef PGBR_CTL_PLAN_FINDINGS_H
#define PGBR_CTL_PLAN_FINDINGS_H

#include "ctl/facts/facts.h"
#include "ctl/plan/plan.h"
#include "ctl/facts/timeline_path.h"

#define SECOND_US INT64_C(1000000)

typedef struct RestoreWork
{
	const RestoreRequest *request;
	const RestoreFacts *facts;
	RestorePlan *plan;
	RestoreRefusal *refusal;

	const FactMember *leader; /* after the preflight */
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

/* Add the place of a restore point, which means the same as its name: the end of its record. */
extern void restore_nearest_point(RestoreWork *work, const FactPoint *point);

/* The parts. */
extern bool restore_check_cluster(RestoreWork *work);
extern bool restore_check_space(RestoreWork *work);
extern bool restore_choose_timeline(RestoreWork *work);
extern bool restore_choose_set(RestoreWork *work);
extern bool restore_prove_wal(RestoreWork *work);

/* The restore point that a target of type name means, on the path of the target's timeline if one is
 * given. */
extern bool restore_choose_point(RestoreWork *work);

/* Give a target of type xid its epoch; refuse one that was never assigned. */
extern bool restore_choose_xid(RestoreWork *work);

/* Refuse a time or an LSN that is not on the path; called once the path is known. */
extern bool restore_check_target(RestoreWork *work);

/* True when the backup can be restored at all: of this cluster, complete, not known to be bad. */
extern bool restore_set_usable(const RestoreWork *work, const FactBackup *backup);

/* True when recovery along the path can start from it. */
extern bool restore_set_on_path(const RestoreWork *work, const FactBackup *backup);

/* True when the timeline is one that a path has: the leader's own or one whose history is known. */
extern bool restore_timeline_known(const RestoreWork *work, uint32_t timeline);

#endif
