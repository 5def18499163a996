/*
 * request.c
 *		See request.h.
 */
#include "ctl/plan/request.h"

#include <string.h>

bool
restore_has_name(const char names[][RESTORE_NAME_SIZE], int count, const char *name)
{
	for (int i = 0; i < count; i++)
	{
		if (strcmp(names[i], name) == 0)
			return true;
	}
	return false;
}

static bool
same_names(const char a[][RESTORE_NAME_SIZE], int a_count, const char b[][RESTORE_NAME_SIZE],
		   int b_count)
{
	int found = 0;

	for (int i = 0; i < a_count; i++)
		found += restore_has_name(b, b_count, a[i]);
	return a_count == b_count && found == a_count;
}

bool
restore_request_equal(const RestoreRequest *a, const RestoreRequest *b)
{
	return recovery_target_equal(&a->target, &b->target) && a->replicas_only == b->replicas_only &&
		   a->keep_old == b->keep_old && a->repo == b->repo && a->undo == b->undo &&
		   strcmp(a->keep, b->keep) == 0 && strcmp(a->accept, b->accept) == 0 &&
		   a->from_repository == b->from_repository &&
		   same_names(a->without, a->without_count, b->without, b->without_count) &&
		   same_names(a->only, a->only_count, b->only, b->only_count);
}

bool
restore_request_is_without(const RestoreRequest *request, const char *member)
{
	return restore_has_name(request->without, request->without_count, member);
}

bool
restore_request_is_of(const RestoreRequest *request, const char *member)
{
	return restore_has_name(request->only, request->only_count, member);
}

void
restore_request_leave_out(RestoreRequest *request, const RestoreRequest *more)
{
	for (int i = 0; i < more->without_count; i++)
	{
		if (!restore_request_is_without(request, more->without[i]) &&
			request->without_count < RESTORE_MEMBERS_MAX)
			strcpy(request->without[request->without_count++], more->without[i]);
	}
}

bool
restore_request_extends(const RestoreRequest *request, const RestoreRequest *more)
{
	RestoreRequest both = *request;

	restore_request_leave_out(&both, more);
	return both.without_count > request->without_count && restore_request_equal(&both, more);
}
