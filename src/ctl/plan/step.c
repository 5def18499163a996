/*
 * step.c
 *		See step.h.
 */
#include "ctl/plan/step.h"

#include <string.h>

#define PART_FULL	  1
#define PART_REPLICAS 2
#define PART_BY_KEPT  4

static const RestoreStepInfo steps[] = {
#define X(id, function, name, where, touches, part, text) \
	{name,                                                \
	 text,                                                \
	 RESTORE_ON_##where,                                  \
	 touches,                                             \
	 ((part) &PART_FULL) != 0,                            \
	 ((part) &PART_REPLICAS) != 0,                        \
	 ((part) &PART_BY_KEPT) != 0},
	RESTORE_STEPS(X)
#undef X
};

const RestoreStepInfo *
restore_step_info(RestoreStep step)
{
	return &steps[step];
}

bool
restore_step_parse(const char *name, RestoreStep *step)
{
	for (int i = 0; i < RESTORE_STEP_COUNT; i++)
	{
		if (strcmp(steps[i].name, name) == 0)
		{
			*step = (RestoreStep) i;
			return true;
		}
	}
	return false;
}
