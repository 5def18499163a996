/*
 * progress.c
 *		See progress.h.
 */
#include "ctl/client/progress.h"

#include "ctl/print/text.h"
#include "ctl/print/units.h"

#include <stdio.h>
#include <string.h>

/* A speed measured over less time than this is unreliable. */
#define ESTIMATE_AFTER_S 2.0

/* The bar's width assumes that the other parts have their usual length, so it stays constant while
 * they change. */
#define BAR_OTHERS		62
#define BAR_COLUMNS_MIN 12
#define BAR_COLUMNS_MAX 50

static int
tenth_of(double percent)
{
	return percent < 0 ? -1 : (int) (percent / 10);
}

bool
progress_note(Progress *progress, const JobView *job, double now)
{
	bool first = progress->begin == 0;
	const char *phase = job->phase ? job->phase : "";
	bool changed = first || progress->state != job->state || strcmp(progress->phase, phase) != 0 ||
				   tenth_of(progress->percent) != tenth_of(job->percent);

	if (first)
		progress->begin = now;
	/* restart the measurement when a job starts again or enters a new phase */
	if (job->percent >= 0 &&
		(progress->measured_from == 0 || job->percent < progress->measured_percent))
	{
		progress->measured_from = now;
		progress->measured_percent = job->percent;
	}
	progress->now = now;
	progress->state = job->state;
	progress->percent = job->percent;
	progress->bytes_done = job->bytes_done;
	progress->bytes_total = job->bytes_total;
	pgbr_copy_text(progress->phase, sizeof(progress->phase), phase);
	pgbr_copy_text(progress->covered_by, sizeof(progress->covered_by),
				   job->covered_by ? job->covered_by : "");
	return changed;
}

double
progress_seconds_left(const Progress *progress)
{
	double time = progress->now - progress->measured_from;
	double gained = progress->percent - progress->measured_percent;

	if (progress->percent < 0 || time < ESTIMATE_AFTER_S || gained <= 0)
		return -1;
	return (100 - progress->percent) / gained * time;
}

/* What the line is made of; an empty part is not printed. */
typedef enum Part
{
	PART_WHAT,
	PART_PERCENT,
	PART_BAR, /* of the line on a terminal only */
	PART_BYTES,
	PART_ELAPSED,
	PART_LEFT,
	PART_COUNT
} Part;

#define PART_SIZE 160

static void
make_parts(const Progress *progress, char parts[PART_COUNT][PART_SIZE])
{
	char one[UNIT_TEXT];
	char two[UNIT_TEXT];
	double left = progress_seconds_left(progress);

	memset(parts, 0, (size_t) PART_COUNT * PART_SIZE);
	if (progress->state == PGBR_STATE_QUEUED && progress->covered_by[0])
		snprintf(parts[PART_WHAT], PART_SIZE, "queued, coalesced into %s", progress->covered_by);
	else
		snprintf(parts[PART_WHAT], PART_SIZE, "%s",
				 progress->phase[0] ? progress->phase : pgbr_job_state_name(progress->state));
	if (progress->percent >= 0)
		snprintf(parts[PART_PERCENT], PART_SIZE, "%d%%", (int) progress->percent);
	if (progress->bytes_done >= 0 && progress->bytes_total >= 0)
		snprintf(parts[PART_BYTES], PART_SIZE, "%s of %s",
				 unit_size(one, sizeof(one), progress->bytes_done),
				 unit_size(two, sizeof(two), progress->bytes_total));
	else if (progress->bytes_done > 0)
		snprintf(parts[PART_BYTES], PART_SIZE, "%s",
				 unit_size(one, sizeof(one), progress->bytes_done));
	snprintf(parts[PART_ELAPSED], PART_SIZE, "%s elapsed",
			 unit_duration(one, sizeof(one), (long long) (progress->now - progress->begin)));
	if (left >= 0)
		snprintf(parts[PART_LEFT], PART_SIZE, "%s left",
				 unit_duration(one, sizeof(one), (long long) (left + 0.5)));
}

static int
width_of(char parts[PART_COUNT][PART_SIZE])
{
	int width = 0;

	for (int i = 0; i < PART_COUNT; i++)
		width += parts[i][0] ? text_width(parts[i]) + (width > 0 ? 2 : 0) : 0;
	return width;
}

static void
make_bar(const Progress *progress, int columns, char parts[PART_COUNT][PART_SIZE])
{
	int width = columns - BAR_OTHERS;
	int full;

	if (progress->percent < 0)
		return;
	snprintf(parts[PART_PERCENT], PART_SIZE, "%3d%%", (int) progress->percent);
	if (width < BAR_COLUMNS_MIN)
		width = BAR_COLUMNS_MIN;
	else if (width > BAR_COLUMNS_MAX)
		width = BAR_COLUMNS_MAX;
	full = (int) (progress->percent / 100 * (width - 2));
	memset(parts[PART_BAR], '.', width);
	memset(parts[PART_BAR] + 1, '#', full);
	parts[PART_BAR][0] = '[';
	parts[PART_BAR][width - 1] = ']';
}

void
progress_put_bar(const Progress *progress, int columns, StrBuf *out)
{
	static const Part droppable[] = {PART_BYTES, PART_ELAPSED, PART_LEFT, PART_BAR, PART_PERCENT};
	char parts[PART_COUNT][PART_SIZE];
	StrBuf line;

	make_parts(progress, parts);
	make_bar(progress, columns, parts);
	for (size_t i = 0; i < sizeof(droppable) / sizeof(droppable[0]) && width_of(parts) > columns;
		 i++)
		parts[droppable[i]][0] = '\0';
	strbuf_init(&line);
	for (int i = 0; i < PART_COUNT; i++)
	{
		if (parts[i][0])
			strbuf_printf(&line, "%s%s", i > 0 ? "  " : "", parts[i]);
	}
	text_put_cut(out, line.data, columns);
	strbuf_done(&line);
}

void
progress_put_words(const Progress *progress, StrBuf *out)
{
	char parts[PART_COUNT][PART_SIZE];

	make_parts(progress, parts);
	for (int i = 0; i < PART_COUNT; i++)
	{
		if (parts[i][0])
			strbuf_printf(out, "%s%s", i > 0 ? ", " : "", parts[i]);
	}
}
