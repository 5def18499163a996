/*
 * journal.h
 *		The journal of a restore: what it is, which steps are over and what they gave, kept by the
 *		sidecars of all members, so that any machine can tell, go on, and undo.
 *
 * What it says is a JournalDocument. It has a revision; the highest one counts. Writing it takes and
 * holds the lock of every member for as long as the lease runs.
 *
 * A sidecar that does not answer is asked again for RESTORE_OUTAGE_S. The journal owns its document;
 * one thread uses it.
 */
#ifndef PGBR_CTL_RESTORE_JOURNAL_H
#define PGBR_CTL_RESTORE_JOURNAL_H

#include "ctl/client/cluster.h"
#include "ctl/plan/plan.h"
#include "ctl/plan/state.h"
#include "ctl/restore/journal_document.h"
#include "ctl/restore/journal_list.h"

#include <stdint.h>

/* How long a sidecar may be away: a restart, a short cut of the network. */
#define RESTORE_OUTAGE_S 30

/* For how long the lock holds without a sign of life, and how often one is given. */
#define RESTORE_LEASE_S 15
#define RESTORE_RENEW_S 4

typedef struct RestoreJournal
{
	Cluster *cluster;
	JournalDocument document;
	char holder[33];
	long long revision;
	RestoreStepState
		states[RESTORE_STEP_COUNT];	   /* what is true now; the document has what was told */
	bool reached[RESTORE_MEMBERS_MAX]; /* the members of the plan that have it from this run */
	int64_t renewed_ms;				   /* clock_monotonic_ms */
} RestoreJournal;

/* Begin one for a plan; nothing is written. */
extern void
restore_journal_begin(RestoreJournal *journal, Cluster *cluster, const RestorePlan *plan);
extern void restore_journal_done(RestoreJournal *journal);

/* Read a record back, to go on with it or to learn from it. Its members are added to the cluster when
 * they are missing there. */
extern bool restore_journal_read(RestoreJournal *journal, Cluster *cluster,
								 const JournalRecord *record, PgbrError *error);

/* Add the members of a document to a cluster, where they are missing. */
extern bool
restore_journal_add_members(const JournalDocument *document, Cluster *cluster, PgbrError *error);

/* The same as restore_state_touched and restore_state_serves, also by what the restores have left whose place
 * this one has taken. */
extern bool restore_journal_touched(const RestoreJournal *journal);
extern bool restore_journal_serves(const RestoreJournal *journal);

/* restore_state_resumed, of now. */
extern bool restore_journal_is_resumed(const RestoreJournal *journal);

/* Whether to take it back is to restore: data was touched, or the leader would go on with a segment that was archived
 * half full, and could not archive it any more. */
extern bool restore_journal_undo_restores(const RestoreJournal *journal);

/* The timeline from which the plan begins, as far as the archive has it. Where an earlier restore has opened the leader
 * on one that was not archived, and this one has not yet either, it is the one before: all that is left when the leader
 * is gone. */
extern uint32_t restore_journal_archived_timeline(const RestoreJournal *journal);

/* restore_plan_leave_out, of the journal's plan, for the leader only if it is gone; not written yet. */
extern bool restore_journal_leave_out(RestoreJournal *journal, const RestoreRequest *more,
									  bool leader_too, PgbrError *error);

/* Whether the cluster is as it was before: nothing is lost when nobody goes on. */
extern bool restore_journal_harmless(const RestoreJournal *journal);

/*
 * Write the document to all members of the plan that are not left out, and renew the lease. CONFLICT,
 * RESTORE_IN_PROGRESS: another one has the lock.
 */
extern bool restore_journal_write(RestoreJournal *journal, PgbrError *error);

/* The same for the end, which gives the locks back. True when a member has taken it: then it is over; *error tells of
 * one that has not, if there is one. */
extern bool restore_journal_finish(RestoreJournal *journal, PgbrError *error);

/* The same for those that answer at once: for the last words of a run that stops. */
extern bool restore_journal_write_once(RestoreJournal *journal, PgbrError *error);

/* End it on the members that have it; failures don't matter. */
extern void restore_journal_end(RestoreJournal *journal);

/* Renew the lease when it is due. A member that does not answer is no failure; another holder is. */
extern bool restore_journal_renew(RestoreJournal *journal, PgbrError *error);

/* Give the lease back at once, so that another can go on. Failures don't matter. */
extern void restore_journal_release(RestoreJournal *journal);

/* Set a step's state with its time, and message when that is not NULL. Not written yet. */
extern void restore_journal_set(RestoreJournal *journal, RestoreStep step, RestoreStepState state,
								const char *message);

/* A step's result, kept with it when it is an object; takes over the reference. */
extern void restore_journal_put_result(RestoreJournal *journal, RestoreStep step, json_t *result);
extern const json_t *restore_journal_result(const RestoreJournal *journal, RestoreStep step);

/* Whether a failure of a request passes by itself, perhaps. */
extern bool restore_may_pass(const PgbrError *error);

/* Add to such a failure what can be done when the member does not come back. */
extern void
restore_hint_absent(PgbrError *error, const RestoreJournal *journal, const char *member);

#endif
