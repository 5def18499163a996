/*
 * step.h
 *		The steps of a restore, in their order, and the properties of each.
 */
#ifndef PGBR_CTL_PLAN_STEP_H
#define PGBR_CTL_PLAN_STEP_H

#include <stdbool.h>

typedef enum RestoreWhere
{
	RESTORE_ON_ALL,
	RESTORE_ON_LEADER,
	RESTORE_ON_REPLICAS,
	RESTORE_ON_PATRONI,
} RestoreWhere;

/*
 * The steps, in their order. Of each: id; the end of its function's name, restore_do_...; its name;
 * where it runs; whether a data directory is written from here on; of what it is part, as a sum: a
 * restore of the cluster (1), of the replicas only (2), an undo by a member that was kept (4); what
 * it does.
 *
 * That undo needs no files for the leader, and restores the replicas when the leader takes writes.
 *
 * keep-old is in a plan only when it was asked for. The replicas are stopped before the leader:
 * when the leader key goes, Patroni restarts a running replica even in a pause, to change whom it
 * follows. The backup is asked for before the replicas are waited for: until it is there, Patroni
 * creates a replica from a backup of the branch that was left, and that one can't follow.
 */
#define RESTORE_STEPS(X)                                                                          \
	X(LOCK, lock, "lock", ALL, false, 7, "take the lock of every sidecar and write the journal")  \
	X(WAIT_JOBS, wait_jobs, "wait-jobs", ALL, false, 7, "wait for the jobs that run")             \
	X(UNDO_POINT, undo_point, "undo-point", LEADER, false, 7,                                     \
	  "create a restore point, switch WAL and see it archived")                                   \
	X(LOOK_AGAIN, look_again, "look-again", LEADER, false, 3,                                     \
	  "see once more that backup and WAL are in the repository")                                  \
	X(PAUSE, pause, "pause", PATRONI, false, 7, "pause Patroni")                                  \
	X(STOP_REPLICAS, stop_replicas, "stop-replicas", REPLICAS, false, 7,                          \
	  "stop PostgreSQL on the replicas")                                                          \
	X(STOP_LEADER, stop_leader, "stop-leader", LEADER, false, 5, "stop PostgreSQL on the leader") \
	X(ARCHIVE, archive, "archive", LEADER, false, 5,                                              \
	  "archive the WAL that is not in the repository yet")                                        \
	X(KEEP_OLD, keep_old, "keep-old", LEADER, false, 1, "copy the leader's data directory")       \
	X(START_RESTORE, start_restore, "start-restore", LEADER, true, 1,                             \
	  "start to restore the leader's files")                                                      \
	X(START_REPLICAS, start_replicas, "start-replicas", REPLICAS, true, 3,                        \
	  "start to restore the replicas' files")                                                     \
	X(RESTORE_LEADER, restore_leader, "restore-leader", LEADER, true, 1,                          \
	  "wait for the leader's files")                                                              \
	X(RECOVER, recover, "recover", LEADER, true, 5,                                               \
	  "replay WAL up to the target, on a private socket, with archiving held back")               \
	X(VERIFY, verify, "verify", LEADER, true, 5,                                                  \
	  "compare the point that was reached with the target")                                       \
	X(HAND_OVER, hand_over, "hand-over", LEADER, true, 5,                                         \
	  "have Patroni start the leader, which takes writes")                                        \
	X(HISTORY_ARCHIVED, history_archived, "history-archived", LEADER, true, 7,                    \
	  "see the history of the leader's timeline and its first WAL in the repository")             \
	X(RESTORE_REPLICAS, restore_replicas, "restore-replicas", REPLICAS, true, 7,                  \
	  "wait for the replicas' files")                                                             \
	X(UNFENCE, unfence, "unfence", REPLICAS, true, 7, "let the replicas be started again")        \
	X(RESUME, resume, "resume", PATRONI, true, 7, "resume Patroni, which starts the replicas")    \
	X(KEEP_WAY_BACK, keep_way_back, "keep-way-back", LEADER, true, 5,                             \
	  "keep what undo needs from being expired")                                                  \
	X(BACKUP, backup, "backup", LEADER, true, 5, "ask for a fresh backup")                        \
	X(REPLICAS_STREAM, replicas_stream, "replicas-stream", REPLICAS, true, 7,                     \
	  "see every replica stream")                                                                 \
	X(UNLOCK, unlock, "unlock", ALL, true, 7, "end the journal and give the locks back")

typedef enum RestoreStep
{
#define X(id, function, name, where, touches, part, text) RESTORE_##id,
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
	bool in_by_kept;
} RestoreStepInfo;

/* The row of a step. */
extern const RestoreStepInfo *restore_step_info(RestoreStep step);

/* The step of a name; false when there is none. */
extern bool restore_step_parse(const char *name, RestoreStep *step);

#endif
