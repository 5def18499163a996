/*
 * schedule_plan.c
 *		See schedule_plan.h.
 */
#include "common/schedule_plan.h"

#include <string.h>

#define DAY INT64_C(86400)

/* So many due times are looked at one by one: a week of every minute. */
#define MAX_COUNTED 10000

#define FIRST_DELAY 60
#define LAST_DELAY	3600

/* Due times of one type that follow each other. */
typedef struct Span
{
	int64_t first;
	int64_t before_last;
	int64_t last;
	int count;
	bool is_partial; /* some between first and last were not looked at */
} Span;

static void
span_add(Span *span, int64_t due)
{
	if (span->count == 0)
		span->first = due;
	span->before_last = span->last;
	span->last = due;
	span->count++;
}

static Span
span_of(int64_t due)
{
	return (Span){.first = due, .last = due, .count = 1};
}

static void
add_group(PgbrPlan *plan, PgbrBackupType type, PgbrDueFate fate, Span span, int64_t covered_by)
{
	if (span.count > 0)
		plan->groups[plan->group_count++] = (PgbrDueGroup){
			.type = type,
			.fate = fate,
			.first = span.first,
			.last = span.last,
			.count = span.count,
			.is_partial = span.is_partial,
			.covered_by = covered_by,
		};
}

/* The moment up to which due times are accounted for, as far as the clock can be believed. */
static int64_t
handled_until(PgbrScheduledType *scheduled, int64_t now)
{
	bool is_ahead = scheduled->handled > now + DAY;

	if (is_ahead && (!scheduled->handled_is_ahead || scheduled->resumed > now + DAY))
		scheduled->resumed = now;
	scheduled->handled_is_ahead = is_ahead;
	return is_ahead ? scheduled->resumed : scheduled->handled;
}

static void
set_handled(PgbrScheduledType *scheduled, int64_t moment)
{
	if (scheduled->handled_is_ahead)
		scheduled->resumed = moment;
	else
		scheduled->handled = moment;
}

static PgbrRunReason
reason_of(const PgbrSchedule *schedule, int64_t due, int64_t now)
{
	if (schedule->current.exists)
		return PGBR_REASON_QUEUED;
	return now - due > PGBR_ON_TIME ? PGBR_REASON_CATCH_UP : PGBR_REASON_DUE;
}

/* Account for the due times of a type that have come. */
static void
take_due(PgbrSchedule *schedule, PgbrBackupType type, int64_t now, PgbrPlan *plan)
{
	PgbrScheduledType *scheduled = &schedule->types[type];
	PgbrRun *owed = &scheduled->owed;
	int64_t window = schedule->catch_up_window;
	int64_t oldest = now - (window > PGBR_ON_TIME ? window : PGBR_ON_TIME);
	int64_t due = handled_until(scheduled, now);
	Span missed = {0};
	Span runs = {0}; /* its last one is owed a run, and covers the others */
	Span covered;

	while (pgbr_cron_next(scheduled->cron, &schedule->zone, due, &due) && due <= now)
	{
		Span *span = !schedule->enabled || due < oldest ? &missed : &runs;

		span_add(span, due);
		/* after a long time without a worker leave out what lies between */
		if (missed.count + runs.count >= MAX_COUNTED && due < now - DAY)
		{
			span->is_partial = true;
			due = now - DAY;
		}
		set_handled(scheduled, due);
	}
	if (runs.count > 0 && owed->exists)
		add_group(plan, type, PGBR_DUE_COVERED, span_of(owed->due), runs.last);
	add_group(plan, type, schedule->enabled ? PGBR_DUE_TOO_OLD : PGBR_DUE_DISABLED, missed, 0);
	if (runs.count == 0)
		return;
	covered = runs;
	covered.last = runs.before_last;
	covered.count--;
	add_group(plan, type, PGBR_DUE_COVERED, covered, runs.last);
	add_group(plan, type, PGBR_DUE_OWED, span_of(runs.last), 0);
	*owed = (PgbrRun){.exists = true,
					  .due = runs.last,
					  .reason = reason_of(schedule, runs.last, now),
					  .not_before = PGBR_AT_ONCE};
}

/* The strongest run that is owed now starts, and covers what is owed of weaker types. */
static void
start_run(PgbrSchedule *schedule, int64_t now, PgbrPlan *plan)
{
	for (int type = PGBR_BACKUP_TYPE_COUNT - 1; type >= 0; type--)
	{
		PgbrRun *owed = &schedule->types[type].owed;

		if (!owed->exists || owed->not_before > now)
			continue;
		plan->start = true;
		schedule->current = *owed;
		schedule->current_type = (PgbrBackupType) type;
		owed->exists = false;
		for (int weaker = 0; weaker < type; weaker++)
		{
			plan->covered[weaker] = schedule->types[weaker].owed;
			schedule->types[weaker].owed.exists = false;
		}
		return;
	}
}

static void
sooner(int64_t *moment, int64_t other)
{
	if (other < *moment)
		*moment = other;
}

static void
look_ahead(PgbrSchedule *schedule, int64_t now, PgbrPlan *plan)
{
	plan->wake = INT64_MAX;
	for (int type = 0; type < PGBR_BACKUP_TYPE_COUNT; type++)
	{
		PgbrScheduledType *scheduled = &schedule->types[type];
		int64_t handled = handled_until(scheduled, now);
		int64_t *next_due = &plan->next_due[type];

		if (!scheduled->cron || !pgbr_cron_next(scheduled->cron, &schedule->zone,
												handled > now ? handled : now, next_due))
			*next_due = INT64_MAX;
		if (!schedule->enabled)
			continue;
		sooner(&plan->wake, *next_due);
		if (scheduled->owed.exists && !schedule->current.exists)
			sooner(&plan->wake, scheduled->owed.not_before);
	}
}

void
pgbr_schedule_plan(PgbrSchedule *schedule, int64_t now, PgbrPlan *plan)
{
	memset(plan, 0, sizeof(*plan));
	for (int type = 0; type < PGBR_BACKUP_TYPE_COUNT; type++)
	{
		PgbrRun *owed = &schedule->types[type].owed;

		if (schedule->types[type].cron)
			take_due(schedule, (PgbrBackupType) type, now, plan);
		/* no retry waits that long: the clock was set back */
		if (owed->not_before > now + LAST_DELAY)
			owed->not_before = now;
	}
	if (schedule->enabled && !schedule->current.exists)
		start_run(schedule, now, plan);
	look_ahead(schedule, now, plan);
}

int64_t
pgbr_retry_delay(int failures)
{
	int64_t delay = FIRST_DELAY;

	for (int i = 1; i < failures && delay < LAST_DELAY; i++)
		delay *= 2;
	return delay < LAST_DELAY ? delay : LAST_DELAY;
}

PgbrSequel
pgbr_schedule_finish(PgbrSchedule *schedule, PgbrOutcome outcome, int64_t now, PgbrBackupType *by,
					 int64_t *by_due)
{
	PgbrBackupType type = schedule->current_type;
	PgbrRun run = schedule->current;

	schedule->current.exists = false;
	if (outcome == PGBR_OUTCOME_SUCCEEDED || outcome == PGBR_OUTCOME_CANCELLED)
		return PGBR_SEQUEL_NONE;
	for (int other = PGBR_BACKUP_TYPE_COUNT - 1; other >= (int) type; other--)
	{
		const PgbrRun *owed = &schedule->types[other].owed;

		if (!owed->exists || (other > (int) type && owed->not_before > now))
			continue;
		*by = (PgbrBackupType) other;
		*by_due = owed->due;
		return PGBR_SEQUEL_COVERED;
	}
	if (outcome == PGBR_OUTCOME_FAILED && ++run.failures > schedule->retry_limit)
		return PGBR_SEQUEL_GIVE_UP;
	if (outcome == PGBR_OUTCOME_FAILED)
	{
		run.reason = PGBR_REASON_RETRY;
		run.not_before = now + pgbr_retry_delay(run.failures);
	}
	else
	{
		run.reason = PGBR_REASON_INTERRUPTED;
		run.not_before = PGBR_AT_ONCE;
	}
	schedule->types[type].owed = run;
	return PGBR_SEQUEL_OWED;
}
