/*
 * progress.h
 *		How far a job has come, as a line that is redrawn in place and as lines for a log; and the
 *		estimate of how long it will go on.
 *
 * Pure: time is handed in, in seconds of a clock that never goes back, and text is appended to a
 * buffer. Nothing is owned.
 */
#ifndef PGBR_CTL_CLIENT_PROGRESS_H
#define PGBR_CTL_CLIENT_PROGRESS_H

#include "common/strbuf.h"
#include "ctl/client/job_view.h"

#include <stdbool.h>

typedef struct Progress
{
	double begin;		  /* time of the first note; all zeroes before it */
	double now;			  /* time of the latest one */
	double measured_from; /* time of the first percentage, and that percentage; for the estimate */
	double measured_percent;
	PgbrJobState state;
	char phase[32];
	char covered_by[65];
	double percent; /* -1: unknown */
	long long bytes_done;
	long long bytes_total;
} Progress;

/* Take in the job as it is now. True at the first call, and whenever state, phase or the full tenth
 * of the percentage has changed. */
extern bool progress_note(Progress *progress, const JobView *job, double now);

/* Seconds until 100 %, by the speed seen so far; -1 while it can't be told. */
extern double progress_seconds_left(const Progress *progress);

/* Append a line of at most so many columns: phase, percentage, bar, bytes, elapsed, left. What does
 * not fit is left out, the least important first. */
extern void progress_put_bar(const Progress *progress, int columns, StrBuf *out);

/* Append the same as words, of any length. No newline. */
extern void progress_put_words(const Progress *progress, StrBuf *out);

#endif
