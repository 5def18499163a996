/*
 * restore_options.h
 *		The options that plan and restore share, and the request that they make.
 *
 * The words are pgBackRest's; TYPE, TARGET, SET, TARGET_TIMELINE and REPLICAS_ONLY may come from
 * the environment.
 */
#ifndef PGBR_CTL_VERBS_RESTORE_OPTIONS_H
#define PGBR_CTL_VERBS_RESTORE_OPTIONS_H

#include "common/vocabulary.h"
#include "ctl/client/cluster.h"
#include "ctl/plan/plan.h"

#include <stdbool.h>

/* Members for a verb that begins a restore, also for undo. */
typedef struct WayBackArguments
{
	bool none;
	int days; /* 0: not given */
} WayBackArguments;

/* Members for a verb's struct of arguments. */
typedef struct RestoreArguments
{
	ClusterArguments cluster;
	const char *type;
	const char *target;
	bool exclusive;
	const char *set;
	const char *target_timeline;
	int repo;
	bool replicas_only;
	OptionList members;
	OptionList without;
	const char *keep_member;
	bool keep_old;
	bool verify;
	bool no_verify;
	WayBackArguments way_back;
} RestoreArguments;

#define RESTORE_TEXT(type, member, name, value, variable, help, repeats)                   \
	{                                                                                      \
		name, 0, OPTION_TEXT, ARGUMENT(type, member), value, variable, 0, 0, help, repeats \
	}
#define RESTORE_FLAG(type, member, name, variable, help)                                \
	{                                                                                   \
		name, 0, OPTION_FLAG, ARGUMENT(type, member), NULL, variable, 0, 0, help, false \
	}

/* And the rows that fill them; what has no way back is "restore" or "undo". */
#define WAY_BACK_OPTIONS(t, m, what)                                                            \
	RESTORE_FLAG(t, m.none, "no-way-back", NULL,                                                \
				 what " although it can't be taken back, and keep nothing for an undo"),        \
	{                                                                                           \
		"way-back-days", 0, OPTION_COUNT, ARGUMENT(t, m.days), "N", "PGBRCTL_WAY_BACK_DAYS", 1, \
			WAY_BACK_DAYS_MAX, "keep what undo needs for N days (default: 7)", false            \
	}

/* And the rows that fill them. */
#define RESTORE_OPTIONS(t, m)                                                                  \
	RESTORE_TEXT(t, m.type, "type", "TYPE", "TYPE",                                            \
				 PGBR_RECOVERY_TYPE_WORDS " (default: default)", false),                       \
		RESTORE_TEXT(t, m.target, "target", "TARGET", "TARGET",                                \
					 "where to: a time with its zone, an LSN, a name, an xid", false),         \
		RESTORE_FLAG(t, m.exclusive, "target-exclusive", NULL, "stop just before the target"), \
		RESTORE_TEXT(t, m.set, "set", "LABEL", "SET",                                          \
					 "the backup to start from (default: the plan's choice)", false),          \
		RESTORE_TEXT(t, m.target_timeline, "target-timeline", "N", "TARGET_TIMELINE",          \
					 "the timeline to follow (default: the leader's)", false),                 \
		{"repo",                                                                               \
		 0,                                                                                    \
		 OPTION_COUNT,                                                                         \
		 ARGUMENT(t, m.repo),                                                                  \
		 "N",                                                                                  \
		 NULL,                                                                                 \
		 1,                                                                                    \
		 PGBR_REPO_MAX,                                                                        \
		 "take the backup from this repository",                                               \
		 false},                                                                               \
		RESTORE_FLAG(t, m.replicas_only, "replicas-only", "REPLICAS_ONLY",                     \
					 "rebuild replicas from the repository, leave the leader"),                \
		RESTORE_TEXT(t, m.members, "member", "NAME", NULL,                                     \
					 "with --replicas-only: only this replica; may be repeated", true),        \
		RESTORE_TEXT(t, m.without, "without-member", "NAME", NULL,                             \
					 "restore although this member can't be reached; may be repeated", true),  \
		RESTORE_TEXT(t, m.keep_member, "keep-member", "NAME", NULL,                            \
					 "keep this replica stopped and as it is, for an undo in seconds", false), \
		RESTORE_FLAG(t, m.keep_old, "keep-old", NULL,                                          \
					 "keep a copy of the leader's old data directory"),                        \
		RESTORE_FLAG(t, m.verify, "verify", NULL,                                              \
					 "have pgbackrest read all files of the repository first"),                \
		RESTORE_FLAG(t, m.no_verify, "no-verify", NULL,                                        \
					 "do not read them, even if the repository is small"),                     \
		WAY_BACK_OPTIONS(t, m.way_back, "restore"), CLUSTER_OPTIONS(t, m.cluster)

/* The names of members that an option was given, each once; false with INVALID_VALUE. */
extern bool restore_names_read(const OptionList *list, const char *option,
							   char names[][RESTORE_NAME_SIZE], int *count, PgbrError *error);

/* For how many days a way back is wanted. */
extern int way_back_days_read(const WayBackArguments *arguments);

/* The request; false with INVALID_VALUE or CONFIG. */
extern bool
restore_request_read(const RestoreArguments *arguments, RestoreRequest *request, PgbrError *error);

#endif
