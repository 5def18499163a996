/*
 * job_watch.c
 *		See job_watch.h. Does not judge the job's outcome.
 */
#include "ctl/client/job_watch.h"

#include "ctl/client/interrupt.h"
#include "ctl/client/job_request.h"
#include "ctl/client/job_view.h"
#include "ctl/client/progress.h"
#include "ctl/print/message.h"
#include "ctl/print/output.h"
#include "ctl/print/text.h"
#include "program/clock.h"

#include <poll.h>
#include <string.h>

/* Seconds that the sidecar holds an answer back while nothing changes: how often progress moves. */
#define HOLD_S 1

/* Between two tries to reach a sidecar that doesn't answer. */
#define RETRY_MS 250

typedef struct Watch
{
	SidecarClient client; /* a copy, which gives up at the deadline */
	FILE *stream;
	bool on_terminal;
	int drawn; /* columns of the line that stands on the terminal */
	double deadline;
	int outage;		/* seconds */
	double lost_at; /* since when the sidecar doesn't answer; 0 while it does */
	bool told;		/* that it doesn't */
	Progress progress;
} Watch;

static double
seconds_now(void)
{
	return (double) clock_monotonic_ms() / 1000;
}

static bool
is_past(double deadline)
{
	return deadline > 0 && seconds_now() >= deadline;
}

static bool
should_stop(void *argument)
{
	const Watch *watch = argument;

	return interrupt_is_raised() || is_past(watch->deadline);
}

static void
erase_line(Watch *watch)
{
	if (watch->drawn > 0)
		fprintf(watch->stream, "\r%*s\r", watch->drawn, "");
	fflush(watch->stream);
	watch->drawn = 0;
}

static void
draw_line(Watch *watch)
{
	/* a terminal wraps when its last column is written */
	int columns = output_terminal_columns(watch->stream) - 1;
	int width;
	StrBuf line;

	strbuf_init(&line);
	progress_put_bar(&watch->progress, columns, &line);
	width = text_width(line.data);
	/* after the window shrank, what stood there can't be wider than it is now */
	if (watch->drawn > columns)
		watch->drawn = columns;
	fprintf(watch->stream, "\r%s%*s", line.data, watch->drawn > width ? watch->drawn - width : 0,
			"");
	fflush(watch->stream);
	watch->drawn = width;
	strbuf_done(&line);
}

static void
show_job(Watch *watch, const JobView *job)
{
	bool changed = progress_note(&watch->progress, job, seconds_now());
	StrBuf words;

	if (watch->stream == NULL || pgbr_job_state_is_final(job->state))
		return;
	if (watch->on_terminal)
	{
		draw_line(watch);
		return;
	}
	if (!changed)
		return;
	strbuf_init(&words);
	progress_put_words(&watch->progress, &words);
	fprintf(watch->stream, "%s: %s\n", job->id, words.data);
	fflush(watch->stream);
	strbuf_done(&words);
}

/* True when the failure may be temporary: the sidecar or the network is restarting. */
static bool
may_pass(Watch *watch, const PgbrError *error)
{
	double now = seconds_now();

	if (error->code != PGBR_ERROR_UNREACHABLE && error->code != PGBR_ERROR_TIMEOUT &&
		error->code != PGBR_ERROR_PROTOCOL && error->code != PGBR_ERROR_UNAVAILABLE)
		return false;
	if (watch->lost_at == 0)
		watch->lost_at = now;
	if (now - watch->lost_at >= watch->outage)
		return false;
	if (!watch->told)
	{
		if (watch->stream)
			erase_line(watch);
		message_warning("the sidecar does not answer, asking again for up to %d s: %s",
						watch->outage, error->message);
		watch->told = true;
	}
	/* until Ctrl-C or the next try */
	poll(NULL, 0, RETRY_MS);
	return true;
}

static JobWatchEnd
watch_to_end(Watch *watch, json_t **job, PgbrError *error)
{
	for (;;)
	{
		JobView view;
		json_t *next = NULL;
		PgbrError reason;

		if (!job_view_read(*job, &view, error))
			return JOB_WATCH_FAILED;
		show_job(watch, &view);
		if (pgbr_job_state_is_final(view.state))
			return JOB_WATCH_FINISHED;
		while (next == NULL)
		{
			if (interrupt_is_raised())
				return JOB_WATCH_INTERRUPTED;
			if (is_past(watch->deadline))
				return JOB_WATCH_TIMED_OUT;
			if (!job_request_get(&watch->client, view.id, HOLD_S, &next, &reason) &&
				reason.code != PGBR_ERROR_ABORTED && !may_pass(watch, &reason))
			{
				*error = reason;
				return JOB_WATCH_FAILED;
			}
		}
		watch->lost_at = 0;
		if (!job_request_take(job, next, error))
			return JOB_WATCH_FAILED;
	}
}

JobWatchEnd
job_watch(const SidecarClient *client, json_t **job, int limit, int outage, FILE *stream,
		  PgbrError *error)
{
	Watch watch = {
		.client = *client,
		.stream = stream,
		.on_terminal = stream && output_terminal_columns(stream) > 0,
		.outage = outage,
		.deadline = limit > 0 ? seconds_now() + limit : 0,
	};
	JobWatchEnd end;

	watch.client.should_abort = should_stop;
	watch.client.abort_argument = &watch;
	end = watch_to_end(&watch, job, error);
	if (watch.on_terminal)
		erase_line(&watch);
	return end;
}
