/*
 * steps.h
 *		What each step of a restore does: a function in one of the steps_*.c, called by run.c. A
 *		row of RESTORE_STEPS declares it and has it called.
 *
 * A step can be repeated after it was interrupted at any moment. It returns false with an error
 * when it has failed, and may set run->skipped when there was nothing to do.
 */
#ifndef PGBR_CTL_RESTORE_STEPS_H
#define PGBR_CTL_RESTORE_STEPS_H

#include "ctl/restore/run_context.h"

#include <stdbool.h>

typedef bool (*RestoreStepFunction)(RestoreRun *run, PgbrError *error);

#define X(id, function, name, where, touches, part, text) \
	extern bool restore_do_##function(RestoreRun *run, PgbrError *error);
RESTORE_STEPS(X)
#undef X

#endif
