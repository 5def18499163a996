/*
 * plan.c
 *		See plan.h.
 */
#include "ctl/plan/plan.h"

#include "ctl/print/message.h"

#include <string.h>

static RestoreMember *
find_member(RestorePlan *plan, const char *name)
{
	for (int i = 0; i < plan->member_count; i++)
	{
		if (strcmp(plan->members[i].name, name) == 0)
			return &plan->members[i];
	}
	return NULL;
}

bool
restore_plan_from_kept(const RestorePlan *plan)
{
	return plan->leading[0] != '\0';
}

bool
restore_plan_lacks_way_back(const RestorePlan *plan)
{
	return plan->way_back.set[0] == '\0' && !plan->request.replicas_only &&
		   plan->request.keep[0] == '\0' && !plan->broken_leader && !plan->way_back.awaited;
}

const char *
restore_plan_led_by(const RestorePlan *plan)
{
	return restore_plan_from_kept(plan) ? plan->leading : plan->leader;
}

bool
restore_plan_leave_out(RestorePlan *plan, const RestoreRequest *more, bool leader_too,
					   PgbrError *error)
{
	int left = 0;

	for (int i = 0; i < more->without_count; i++)
	{
		RestoreMember *member = find_member(plan, more->without[i]);

		if (member == NULL)
			return pgbr_error_set(error, PGBR_ERROR_INVALID_VALUE,
								  "restore %s has no member \"%s\"", plan->id, more->without[i]);
		if (member->leader && !leader_too)
		{
			pgbr_error_set(error, PGBR_ERROR_INVALID_VALUE,
						   "restore %s can't go on without the leader, \"%s\"", plan->id,
						   member->name);
			return pgbr_error_hint(error,
								   "\"" PROGRAM_NAME " undo --without-member=%s\" takes it back.",
								   member->name);
		}
		member->left_out = true;
		/* it may come back with old data */
		plan->check_timeline |= !plan->request.replicas_only;
	}
	restore_request_leave_out(&plan->request, more);
	for (int i = 0; i < plan->member_count; i++)
		left += !plan->members[i].left_out;
	return left > 0 || pgbr_error_set(error, PGBR_ERROR_INVALID_VALUE,
									  "no member of restore %s would be left", plan->id);
}
