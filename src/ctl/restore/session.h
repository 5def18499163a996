/*
 * session.h
 *		What the verbs restore, undo and status share: reach the cluster and its journals, ask for
 *		confirmation, begin a restore or continue one.
 */
#ifndef PGBR_CTL_RESTORE_SESSION_H
#define PGBR_CTL_RESTORE_SESSION_H

#include "ctl/print/exit_code.h"
#include "ctl/print/output.h"
#include "ctl/restore/decide.h"
#include "ctl/restore/run.h"

#include <stdbool.h>

/* Too large for the stack. restore_session_open creates it, restore_session_close frees it. */
typedef struct RestoreSession
{
	OutputFormat format;
	Cluster cluster;
	RestoreList list;
	RestoreJournal journal;
	RestoreEvents events;
	bool force;			 /* do not ask for confirmation */
	bool accept_invalid; /* --accept-invalid-databases; from {false} the caller's to set */
	bool no_way_back;	 /* restore although it can't be taken back */
	bool warned; /* the user was told to make sure that a leader which is left out is down */
} RestoreSession;

/*
 * Reach the cluster by the options and the configuration file (file is NULL without one), and read
 * the journals of all members. Members that were away when a restore ended are told so. If Patroni
 * does not answer, members that are known otherwise are enough. NULL with an error, and *code is
 * the exit code. format is that of the command's output.
 */
extern RestoreSession *
restore_session_open(OutputFormat format, const ClusterArguments *arguments,
					 const ClusterSettings *file, const SidecarSettings *settings, bool force,
					 ExitCode *code, PgbrError *error);
extern void restore_session_close(RestoreSession *session);

/* Have the user type the cluster's name, unless --force is given. False with CONFIG or ABORTED. */
extern bool
restore_session_confirm(const RestoreSession *session, const char *what, PgbrError *error);

/*
 * Read the journal of a record, for a request that undoes or replaces that restore. If the request
 * leaves out a leader that does not answer, wait until its leader key has expired (CONFLICT when
 * it is renewed), and say that its host must be down. Steps whose result is archived by now are
 * set to done, in memory.
 */
extern bool
restore_session_read(RestoreSession *session, const JournalRecord *record,
					 const RestoreRequest *request, RestoreJournal *journal, PgbrError *error);

/* Continue an active restore, from now on also without the members that the request leaves out. */
extern ExitCode restore_session_resume(RestoreSession *session, const JournalRecord *record,
									   const RestoreRequest *request, PgbrError *error);

/*
 * Plan a request, show the plan, ask for confirmation, and run it. active is the restore that it
 * replaces, undone the one that it undoes; both are lent and may be NULL.
 */
extern ExitCode restore_session_begin(RestoreSession *session, const RestoreRequest *request,
									  RestoreVerifying verifying, const JournalRecord *active,
									  const JournalRecord *undone, PgbrError *error);

/* True when the files of the leader could not be restored from its backup, which is damaged: it
 * goes on with another one. */
extern bool restore_session_needs_other_set(const JournalRecord *record);

/* True when it was done, not given up. */
extern bool restore_session_is_done(const JournalRecord *record);

/*
 * The newest restore, if it was done within the last ten minutes; else NULL. A user who repeats
 * its command has lost its answer, and does not want it twice.
 */
extern const JournalRecord *restore_session_just_done(const RestoreSession *session);

/* Show its summary. */
extern ExitCode restore_session_tell(RestoreSession *session, const JournalRecord *record);

/*
 * True when a control binary runs it now: then it can't be replaced or undone. Sets NOT_NOW's
 * error.
 */
extern bool restore_session_is_driven(const JournalRecord *record, PgbrError *error);

#endif
