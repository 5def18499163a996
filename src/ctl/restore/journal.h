/*
 * journal.h
 *		The journal of a restore: the plan, which steps are over, and their results. The sidecars
 *		of all members keep it, so that any machine can show, continue and undo the restore.
 *
 * It says what its JournalDocument says. It has a revision; the highest one counts. Writing it
 * takes the lock of every member, and holds it until the lease runs out.
 *
 * A sidecar that does not answer is asked again for RESTORE_OUTAGE_S. The journal owns its
 * document; one thread uses it.
 */
#ifndef PGBR_CTL_RESTORE_JOURNAL_H
#define PGBR_CTL_RESTORE_JOURNAL_H

#include "ctl/client/cluster.h"
#include "ctl/plan/plan.h"
#include "ctl/plan/state.h"
#include "ctl/restore/journal_document.h"
#include "ctl/restore/journal_list.h"

#include <stdint.h>

/* How long a sidecar may be away: a restart, or a short network failure. */
#define RESTORE_OUTAGE_S 30

/* For how long the lock holds without a renewal, and how often it is renewed. */
#define RESTORE_LEASE_S 15
#define RESTORE_RENEW_S 4

typedef struct RestoreJournal
{
	Cluster *cluster;
	JournalDocument document;
	char holder[33];
	long long revision;
	RestoreStepState
		states[RESTORE_STEP_COUNT];	   /* what is true now; the document has what was journaled */
	bool reached[RESTORE_MEMBERS_MAX]; /* the members of the plan that have it from this run */
	int64_t renewed_ms;				   /* clock_monotonic_ms */
	bool accept_invalid;			   /* of this run alone: see restore_verify_databases */
} RestoreJournal;

/* Begin a journal for a plan; nothing is written. */
extern void
restore_journal_begin(RestoreJournal *journal, Cluster *cluster, const RestorePlan *plan);
extern void restore_journal_done(RestoreJournal *journal);

/*
 * Read the journal of a record, to continue or to examine the restore. Members that the cluster
 * does not have are added to it.
 */
extern bool restore_journal_read(RestoreJournal *journal, Cluster *cluster,
								 const JournalRecord *record, PgbrError *error);

/* Add the members of a document that the cluster does not have. */
extern bool
restore_journal_add_members(const JournalDocument *document, Cluster *cluster, PgbrError *error);

/*
 * As restore_state_touched and restore_state_serves, but they also count what the restores left
 * that this one has replaced.
 */
extern bool restore_journal_touched(const RestoreJournal *journal);
extern bool restore_journal_serves(const RestoreJournal *journal);

/*
 * The name of the member that leads, or will when this restore goes on. In an undo by a kept member
 * that one takes the place of who led when it is written to. Lent.
 */
extern const char *restore_journal_leads(const RestoreJournal *journal);

/* restore_state_resumed, as of now. */
extern bool restore_journal_is_resumed(const RestoreJournal *journal);

/*
 * Whether an undo has to restore: data was touched, or the leader's last segment was archived
 * partially filled, so that the leader could not continue with it and archive it.
 */
extern bool restore_journal_undo_restores(const RestoreJournal *journal);

/*
 * The timeline from which the plan begins, as far as the archive has it. An earlier restore may
 * have opened the leader on a timeline that was not archived. Until this restore has archived it,
 * the timeline before is what is left when the leader is gone.
 */
extern uint32_t restore_journal_archived_timeline(const RestoreJournal *journal);

/* restore_plan_leave_out on the journal's plan; the leader only if it is gone. Not written yet. */
extern bool restore_journal_leave_out(RestoreJournal *journal, const RestoreRequest *more,
									  bool leader_too, PgbrError *error);

/* Whether the cluster is as it was before: nothing is lost if nobody continues the restore. */
extern bool restore_journal_harmless(const RestoreJournal *journal);

/*
 * Write the document to all members of the plan that take part, and renew the lease. CONFLICT,
 * RESTORE_IN_PROGRESS: another control binary has the lock.
 */
extern bool restore_journal_write(RestoreJournal *journal, PgbrError *error);

/*
 * The same for the end, which gives the locks back. True when a member has taken it: then the
 * restore is over. *error then names a member that has not taken it, if there is one.
 */
extern bool restore_journal_finish(RestoreJournal *journal, PgbrError *error);

/* The same for those members that answer at once: for the last write of a run that stops. */
extern bool restore_journal_write_once(RestoreJournal *journal, PgbrError *error);

/* End the restore on the members that have the journal. Failures are ignored. */
extern void restore_journal_end(RestoreJournal *journal);

/*
 * Renew the lease when it is due. A member that does not answer is no failure; another holder is.
 */
extern bool restore_journal_renew(RestoreJournal *journal, PgbrError *error);

/*
 * Give the lease back at once, so that another control binary can continue. Failures are ignored.
 */
extern void restore_journal_release(RestoreJournal *journal);

/* Set a step's state and its time, and its message unless that is NULL. Not written yet. */
extern void restore_journal_set(RestoreJournal *journal, RestoreStep step, RestoreStepState state,
								const char *message);

/* Keep a step's result when it is an object; takes over the reference. */
extern void restore_journal_put_result(RestoreJournal *journal, RestoreStep step, json_t *result);
extern const json_t *restore_journal_result(const RestoreJournal *journal, RestoreStep step);

/* Whether a failed request may succeed later. */
extern bool restore_may_pass(const PgbrError *error);

/* Add to such a failure what can be done if the member does not come back. */
extern void
restore_hint_absent(PgbrError *error, const RestoreJournal *journal, const char *member);

#endif
