/*
 * request.h
 *		What was asked for, and how two requests compare. Pure.
 */
#ifndef PGBR_CTL_PLAN_REQUEST_H
#define PGBR_CTL_PLAN_REQUEST_H

#include "common/recovery_target.h"
#include "ctl/facts/limits.h"

#include <stdbool.h>

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
	char keep[RESTORE_NAME_SIZE]; /* this replica stays as it is, as the way back; empty: none */
	char accept[RESTORE_ID_SIZE]; /* of the replicas only: this restore's way back is given up */
	bool from_repository;		  /* an undo, though a member was kept for it */
	int way_back_days; /* for how long the way back is kept; 0: none is wanted; not compared */
	bool undo; /* made by the verb undo, not by hand; the active restore's cluster may be paused */
} RestoreRequest;

/* True when both ask for the same: the second of them goes on with the first's work. */
extern bool restore_request_equal(const RestoreRequest *a, const RestoreRequest *b);

/* True when the second asks for the same as the first, but leaves out more members. */
extern bool restore_request_extends(const RestoreRequest *request, const RestoreRequest *more);

/* Whether a name is among so many. */
extern bool restore_has_name(const char names[][RESTORE_NAME_SIZE], int count, const char *name);

/* True when the request leaves this member out; true when it restores only certain replicas and
 * this is one. */
extern bool restore_request_is_without(const RestoreRequest *request, const char *member);
extern bool restore_request_is_of(const RestoreRequest *request, const char *member);

/* Also leave out the members that another request leaves out; each name is listed once. */
extern void restore_request_leave_out(RestoreRequest *request, const RestoreRequest *more);

#endif
