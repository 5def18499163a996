/*
 * journal_facts.c
 *		See journal_facts.h.
 */
#include "ctl/restore/journal_facts.h"

#include "common/moment.h"
#include "program/clock.h"
#include "program/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The year 10000: later times are none. */
#define SECONDS_MAX INT64_C(253402300800)

/* Microseconds since 1970; 0 for what is no time. */
static int64_t
time_of(const char *text)
{
	int64_t ms;

	return text && clock_parse(text, &ms) && ms > 0 ? ms * 1000 : 0;
}

static uint64_t
number_of(const char *text)
{
	uint64_t number;

	return text && recovery_number_parse(text, &number) ? number : 0;
}

/* Up to where it has replayed what was committed. Without a commit that is the end of the backup,
 * which is known to the second. */
static void
take_last_time(FactRestore *fact, const JournalDocument *document, const json_t *recovered)
{
	const char *text = json_text(recovered, "last_xact_time");
	int64_t stop = document->plan.set_stop;
	const char *ignored;

	if (text && moment_parse(text, false, &fact->last_us, &ignored))
		fact->past_us = fact->last_us + 1;
	else if (text)
		fact->last_us = 0;
	else if (stop > 0 && stop < SECONDS_MAX)
	{
		fact->last_us = stop * INT64_C(1000000) - 1;
		fact->past_us = (stop + 1) * INT64_C(1000000);
	}
}

/* The undo point is a restore point, which the registry of another member may have. */
static bool
take_mark(RestoreFacts *facts, const json_t *mark, PgbrError *error)
{
	json_t *points = mark ? json_pack("{s[O]}", "restore_points", mark) : NULL;
	PgbrError problem = PGBR_ERROR_INIT;
	bool ok = points == NULL || restore_facts_read_points(facts, points, &problem) ||
			  problem.code == PGBR_ERROR_PROTOCOL;

	json_decref(points);
	if (!ok)
		*error = problem;
	return ok;
}

static bool
take_restore(RestoreFacts *facts, const JournalDocument *document, PgbrError *error)
{
	const JournalStep *recover = journal_document_find(document, RESTORE_RECOVER);
	const JournalStep *opened = journal_document_find(document, RESTORE_HAND_OVER);
	const JournalStep *stopped = journal_document_find(document, RESTORE_STOP_LEADER);
	const json_t *recovered = recover ? recover->result : NULL;
	const char *lsn = json_text(recovered, "fork_lsn");
	FactRestore fact = {
		.timeline = journal_document_new_timeline(document),
		.left = document->plan.old_timeline,
		.to_the_end = document->plan.request.target.type == RECOVERY_DEFAULT,
		.next_xid = number_of(json_text(recovered, "next_xid")),
		.stopped_xid = journal_document_stopped_xid(document),
	};

	take_last_time(&fact, document, recovered);
	if (!take_mark(facts, document->mark, error))
		return false;
	/* before that nothing was written on its timeline, and its number may be given anew */
	if (opened == NULL || fact.timeline == 0 || lsn == NULL ||
		!recovery_lsn_parse(lsn, &fact.fork_lsn))
		return true;
	fact.begun_us = time_of(opened->started_at);
	fact.stopped_us = stopped ? time_of(stopped->finished_at) : 0;
	return restore_facts_add_restore(facts, &fact) ||
		   pgbr_error_set(error, PGBR_ERROR_INTERNAL, "out of memory");
}

bool
restore_facts_read_journals(RestoreFacts *facts, const RestoreList *list, PgbrError *error)
{
	for (int i = 0; i < list->count; i++)
	{
		const JournalRecord *record = &list->records[i];

		if (record->document->plan_error.code != PGBR_ERROR_NONE)
			snprintf(facts->restores_error, sizeof(facts->restores_error),
					 "the journal of restore %s: %.180s", record->id,
					 record->document->plan_error.message);
		else if (!take_restore(facts, record->document, error))
			return false;
	}
	return true;
}

bool
restore_facts_ask_journals(RestoreFacts *facts, Cluster *cluster, PgbrError *error)
{
	RestoreList *list = calloc(1, sizeof(*list));
	PgbrError problem = PGBR_ERROR_INIT;
	bool ok = true;

	if (list == NULL)
		return pgbr_error_set(error, PGBR_ERROR_INTERNAL, "out of memory");
	if (restore_list_get_all(list, cluster, &problem))
		ok = restore_facts_read_journals(facts, list, error);
	else if (problem.code == PGBR_ERROR_ABORTED)
	{
		*error = problem;
		ok = false;
	}
	else
		pgbr_copy_text(facts->restores_error, sizeof(facts->restores_error), problem.message);
	if (list->unasked_count > 0 && facts->restores_error[0] == '\0')
		snprintf(facts->restores_error, sizeof(facts->restores_error),
				 "the journals of member \"%s\" can't be read: %.150s", list->unasked[0].member,
				 list->unasked[0].error.message);
	restore_list_done(list);
	free(list);
	return ok;
}
