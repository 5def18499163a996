/*
 * events.h
 *		What a restore tells while it goes on: lines for people, with a bar on a terminal; or one
 *		JSON object a line.
 *
 * Every object has "time" and "event":
 *	plan		"plan": the plan, as `plan --format=json` has it; "resumed": whether it goes on
 *	step		"step", "state": started, done, failed, skipped; then "seconds" and "message"
 *	progress	"step", "member", "phase", "percent", "bytes_done", "bytes_total", "seconds_left"
 *	wait		"for", "seconds": a wait that is over, and how long it was
 *	note		"message"
 *	refused		"refusal": why the plan refuses, as `plan --format=json` has it
 *	stopped		"exit_code", "error", "message", "detail", "hint": it did not come to its end
 *	summary		how it ended; the members are those of the journal's "outcome"
 * A reader that goes away does not end the restore: what can't be written is dropped.
 */
#ifndef PGBR_CTL_REPORT_EVENTS_H
#define PGBR_CTL_REPORT_EVENTS_H

#include "ctl/client/job_view.h"
#include "ctl/client/progress.h"
#include "ctl/plan/plan.h"
#include "ctl/plan/state.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

typedef struct RestoreEvents
{
	FILE *out;
	bool json;
	bool on_terminal;
	bool ended; /* a summary or a refusal was told */
	int drawn;	/* columns of the line that stands on the terminal */
	Progress progress;
	char progress_of[160]; /* the step and member that it is about */
} RestoreEvents;

extern void restore_events_init(RestoreEvents *events, FILE *out, bool json);

extern void restore_events_plan(RestoreEvents *events, const RestorePlan *plan, bool resumed);
extern void restore_events_step(RestoreEvents *events, RestoreStep step, RestoreStepState state,
								double seconds, const char *message);

/* A job of a step as it is now; member is where it runs. Told when something has changed. */
extern void
restore_events_job(RestoreEvents *events, RestoreStep step, const char *member, const JobView *job);
extern void restore_events_wait(RestoreEvents *events, const char *what, double seconds);
extern void restore_events_note(RestoreEvents *events, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
extern void restore_events_refusal(RestoreEvents *events, const RestoreRefusal *refusal);

/* The reason when it ends without a summary, for readers of events; people get the error
 * message. */
extern void restore_events_stopped(RestoreEvents *events, const PgbrError *error, int exit_code);
extern void restore_events_summary(RestoreEvents *events, const json_t *outcome);

#endif
