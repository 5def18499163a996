/*
 * plan.h
 *		What a restore will do, decided before anything stops: the backup set, the timeline, the
 *		steps, and the proof that the target can be reached.
 *
 * restore_plan_make is pure: it decides by a request and by facts that were gathered (see
 * restore_facts.h). It gives a plan, or a refusal with the nearest targets that can be reached. The
 * plan owns no memory and can be copied; it goes into the journal as JSON, and comes back from there.
 */
#ifndef PGBR_CTL_PLAN_PLAN_H
#define PGBR_CTL_PLAN_PLAN_H

#include "common/error.h"
#include "common/recovery_target.h"
#include "ctl/facts/limits.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RESTORE_NOTES_MAX	24
#define RESTORE_NOTE_SIZE	400
#define RESTORE_NEAREST_MAX 8

typedef enum RestoreWhere
{
	RESTORE_ON_ALL,
	RESTORE_ON_LEADER,
	RESTORE_ON_REPLICAS,
	RESTORE_ON_PATRONI,
} RestoreWhere;

/*
 * The steps, in their order: name, id, where, whether a data directory is written from here on,
 * whether it is part of a restore of the cluster (1), of the replicas only (2), or of both (3), what
 * it does. keep-old is in a plan only when it was asked for. The replicas are stopped before the leader:
 * a running one whose leader's key goes is restarted by Patroni, pause or not, to change whom it follows.
 */
#define RESTORE_STEPS(X)                                                                           \
	X(LOCK, "lock", ALL, false, 3, "take the lock of every sidecar and write the journal")         \
	X(WAIT_JOBS, "wait-jobs", ALL, false, 3, "wait for the jobs that run")                         \
	X(UNDO_POINT, "undo-point", LEADER, false, 3,                                                  \
	  "create a restore point, switch WAL and see it archived")                                    \
	X(PAUSE, "pause", PATRONI, false, 3, "pause Patroni")                                          \
	X(STOP_REPLICAS, "stop-replicas", REPLICAS, false, 3, "stop PostgreSQL on the replicas")       \
	X(STOP_LEADER, "stop-leader", LEADER, false, 1, "stop PostgreSQL on the leader")               \
	X(ARCHIVE, "archive", LEADER, false, 1, "archive the WAL that is not in the repository yet")   \
	X(KEEP_OLD, "keep-old", LEADER, false, 1, "copy the leader's data directory")                  \
	X(START_RESTORE, "start-restore", LEADER, true, 1, "start to restore the leader's files")      \
	X(START_REPLICAS, "start-replicas", REPLICAS, true, 3, "start to restore the replicas' files") \
	X(RESTORE_LEADER, "restore-leader", LEADER, true, 1, "wait for the leader's files")            \
	X(RECOVER, "recover", LEADER, true, 1,                                                         \
	  "replay WAL up to the target, on a private socket, with archiving held back")                \
	X(VERIFY, "verify", LEADER, true, 1, "compare the point that was reached with the target")     \
	X(HAND_OVER, "hand-over", LEADER, true, 1,                                                     \
	  "have Patroni start the leader, which takes writes")                                         \
	X(HISTORY_ARCHIVED, "history-archived", LEADER, true, 3,                                       \
	  "see the history of the leader's timeline and its first WAL in the repository")              \
	X(RESTORE_REPLICAS, "restore-replicas", REPLICAS, true, 3, "wait for the replicas' files")     \
	X(UNFENCE, "unfence", REPLICAS, true, 3, "let the replicas be started again")                  \
	X(RESUME, "resume", PATRONI, true, 3, "resume Patroni, which starts the replicas")             \
	X(REPLICAS_STREAM, "replicas-stream", REPLICAS, true, 3, "see every replica stream")           \
	X(BACKUP, "backup", LEADER, true, 1, "ask for a fresh backup")                                 \
	X(UNLOCK, "unlock", ALL, true, 3, "end the journal and give the locks back")

typedef enum RestoreStep
{
#define X(id, name, where, touches, part, text) RESTORE_##id,
	RESTORE_STEPS(X)
#undef X
	RESTORE_STEP_COUNT,
} RestoreStep;

typedef struct RestoreStepInfo
{
	const char *name; /* in the journal, in events */
	const char *text; /* for people: "wait for the jobs that run" */
	RestoreWhere where;
	bool touches_data;
	bool in_full;
	bool in_replicas_only;
} RestoreStepInfo;

/* The row of a step. */
extern const RestoreStepInfo *restore_step_info(RestoreStep step);

/* The step of a name; false when there is none. */
extern bool restore_step_parse(const char *name, RestoreStep *step);

/* What was asked for. */
typedef struct RestoreRequest
{
	RecoveryTarget target;
	bool replicas_only;
	bool keep_old;
	int repo; /* 0: the plan's choice */
	char without[RESTORE_MEMBERS_MAX][RESTORE_NAME_SIZE];
	int without_count;
	char only[RESTORE_MEMBERS_MAX][RESTORE_NAME_SIZE]; /* of the replicas; none: all of them */
	int only_count;
	bool undo; /* made by the verb undo, not by hand; the active restore's cluster may be paused */
} RestoreRequest;

/* True when both ask for the same: the second of them goes on with the first's work. */
extern bool restore_request_equal(const RestoreRequest *a, const RestoreRequest *b);

/* True when the second asks for the same as the first, but perhaps without some more members. */
extern bool restore_request_extends(const RestoreRequest *request, const RestoreRequest *more);

/* Whether a name is among so many. */
extern bool restore_has_name(const char names[][RESTORE_NAME_SIZE], int count, const char *name);

/* Whether this member is among those that it does without, and those that are to be restored alone. */
extern bool restore_request_is_without(const RestoreRequest *request, const char *member);
extern bool restore_request_is_of(const RestoreRequest *request, const char *member);

/* Add to the members that a request does without those of another; a name stands there once. */
extern void restore_request_leave_out(RestoreRequest *request, const RestoreRequest *more);

typedef struct RestoreMember
{
	char name[RESTORE_NAME_SIZE];
	bool leader;
	bool left_out; /* by --without-member, or not among --member */
	bool running;  /* PostgreSQL answered while the plan was made */
	long long data_bytes;
	long long free_bytes; /* -1: unknown */
} RestoreMember;

typedef struct RestorePlan
{
	char id[RESTORE_ID_SIZE];	   /* YYYYMMDDTHHMMSS-xxxx */
	char scope[RESTORE_NAME_SIZE]; /* the cluster's name in Patroni */
	char stanza[RESTORE_NAME_SIZE + 1];
	RestoreRequest request;

	char set[RECOVERY_SET_SIZE];
	int repo;
	int64_t set_stop;		  /* seconds since 1970: when the set ended */
	uint32_t target_timeline; /* always a number; what node-restore gets */
	uint32_t old_timeline;	  /* the leader's, before; what undo goes back to */
	char leader[RESTORE_NAME_SIZE];
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
	PgbrError error; /* its code is CONFLICT, or INVALID_VALUE for a request that can't be meant */
	RestoreNearest nearest[RESTORE_NEAREST_MAX];
	int nearest_count;
} RestoreRefusal;

struct RestoreFacts;

/* Decide. False: the refusal says why, and what could be reached; nothing else may be done. */
extern bool restore_plan_make(const RestoreRequest *request, const struct RestoreFacts *facts,
							  RestorePlan *plan, RestoreRefusal *refusal);

/*
 * Go on without members that can't be asked any more, those that the request does without. False with INVALID_VALUE
 * for one that the plan does not have, for the leader unless it may be, and when nobody would be left.
 */
extern bool restore_plan_leave_out(RestorePlan *plan, const RestoreRequest *more, bool leader_too,
								   PgbrError *error);

/* The plan as it goes into the journal and to --format=json; the caller owns it. NULL when out of
 * memory. */
extern json_t *restore_plan_json(const RestorePlan *plan);

/* And back. False with PROTOCOL when it is not such a document. */
extern bool restore_plan_read(const json_t *json, RestorePlan *plan, PgbrError *error);

/* The refusal as --format=json prints it. */
extern json_t *restore_refusal_json(const RestoreRefusal *refusal);

/*
 * Whether recovery has reached what was asked for. recovered is the result of node-recover, mark that of node-mark
 * or NULL when there was no undo point. False with CONFLICT: what was reached, and what was wanted.
 */
extern bool restore_verify(const RestorePlan *plan, const json_t *recovered, const json_t *mark,
						   PgbrError *error);

#endif
