/*
 * plan.h
 *		What a restore will do, decided before anything stops: the backup set, the timeline, the
 *		steps, and the proof that the target can be reached; or a refusal with the nearest targets.
 *
 * The planner makes it (see planner.h). A plan owns no memory and can be copied; it goes into the
 * journal as JSON, and comes back from there (see plan_json.h).
 */
#ifndef PGBR_CTL_PLAN_PLAN_H
#define PGBR_CTL_PLAN_PLAN_H

#include "common/error.h"
#include "common/recovery_target.h"
#include "ctl/facts/limits.h"
#include "ctl/plan/request.h"
#include "ctl/plan/step.h"

#include <stdbool.h>
#include <stdint.h>

#define RESTORE_NOTES_MAX	24
#define RESTORE_NOTE_SIZE	400
#define RESTORE_NEAREST_MAX 8

#define RESTORE_URL_SIZE 512

typedef struct RestoreMember
{
	char name[RESTORE_NAME_SIZE];
	char sidecar_url[RESTORE_URL_SIZE]; /* as it was asked; empty: unknown */
	bool leader;
	bool left_out; /* by --without-member, or not among --member */
	bool kept;	   /* it is stopped, and stays as it is: the way back */
	bool was_kept; /* it was kept for an earlier restore when the plan was made */
	bool running;  /* PostgreSQL answered while the plan was made */
	long long data_bytes;
	long long free_bytes; /* -1: unknown */
} RestoreMember;

/* For how many days what undo needs is kept, unless told otherwise, and at most. */
#define WAY_BACK_DAYS	  7
#define WAY_BACK_DAYS_MAX 3650

/* What an undo would start from, once the restore is done. */
typedef struct WayBack
{
	char set[RECOVERY_SET_SIZE]; /* "": there is no way back, or the replicas alone are restored */
	int repo;
	int days;						/* for how long it is kept after the restore; 0: not wanted */
	char first_segment[25];			/* the WAL that the undo would read, up to the undo point */
	char reason[RESTORE_NOTE_SIZE]; /* why there is none, without a full stop at its end */
} WayBack;

typedef struct RestorePlan
{
	char id[RESTORE_ID_SIZE];	   /* YYYYMMDDTHHMMSS-xxxx */
	char scope[RESTORE_NAME_SIZE]; /* the cluster's name in Patroni */
	char stanza[RESTORE_NAME_SIZE + 1];
	RestoreRequest request;

	char set[RECOVERY_SET_SIZE];
	int repo;
	char older_set[RECOVERY_SET_SIZE]; /* what to try when the set is damaged; "": there is none */
	int64_t set_stop;				   /* seconds since 1970: when the set ended */
	uint32_t target_timeline;		   /* always a number; what node-restore gets */
	uint32_t old_timeline;			   /* the leader's before the restore; undo returns to it */
	char leader[RESTORE_NAME_SIZE];	   /* it is restored first, and leads afterwards */
	/*
	 * An undo by a member that was kept: that one is the leader, and needs no files from the
	 * repository. This one leads until then. Empty for any other plan.
	 */
	char leading[RESTORE_NAME_SIZE];
	RestoreMember members[RESTORE_MEMBERS_MAX];
	int member_count;

	RestoreStep steps[RESTORE_STEP_COUNT];
	int step_count;
	bool broken_leader;	 /* PostgreSQL was down: no undo point, archive with partial */
	bool check_timeline; /* a member is left out: it must not win the leader race later */

	char first_segment[25]; /* the WAL that will be read */
	char last_segment[25];	/* the last that is known to be needed */
	long long wal_segments;
	long long wal_segment_size;
	long long bytes;	 /* of files to restore on the leader, an upper limit with --delta */
	long long seconds;	 /* estimate until the leader takes writes; -1: unknown */
	uint64_t target_lsn; /* where the target is, 0: not known before */
	uint64_t least_lsn;	 /* a recovery that ended before this has not reached the target */
	uint64_t wal_bound;	 /* recovery reads no WAL from here on, as far as is known; 0: unknown */
	WayBack way_back;

	char warnings[RESTORE_NOTES_MAX][RESTORE_NOTE_SIZE]; /* sentences */
	int warning_count;
	char unproven[RESTORE_NOTES_MAX][RESTORE_NOTE_SIZE]; /* what could not be proven, sentences */
	int unproven_count;
} RestorePlan;

/* A target that could be reached instead, as options of the command line have it. */
typedef struct RestoreNearest
{
	char type[16];
	char target[RECOVERY_TEXT_SIZE];
	char set[RECOVERY_SET_SIZE]; /* may be empty */
	uint32_t timeline;			 /* 0: need not be given */
	bool exclusive;				 /* with --target-exclusive */
	char note[160];				 /* what it is: "the end of backup 20261124-114132F" */
} RestoreNearest;

typedef struct RestoreRefusal
{
	PgbrError error; /* its code is CONFLICT, or INVALID_VALUE for a request that makes no sense */
	RestoreNearest nearest[RESTORE_NEAREST_MAX];
	int nearest_count;
} RestoreRefusal;

/* True for an undo by a member that was kept. */
extern bool restore_plan_from_kept(const RestorePlan *plan);

/* The name of the member that leads when the plan is made, and is stopped last. Lent. */
extern const char *restore_plan_led_by(const RestorePlan *plan);

/*
 * Go on without the members that the request leaves out because they can't be reached any more.
 * INVALID_VALUE for a member that the plan does not have, for the leader unless leader_too, and
 * when no member would remain.
 */
extern bool restore_plan_leave_out(RestorePlan *plan, const RestoreRequest *more, bool leader_too,
								   PgbrError *error);

#endif
