/*
 * session.h
 *		What the verbs restore, undo and status share: reaching the cluster and its journals, asking
 *		whether it is meant, beginning a restore by a request or going on with one.
 */
#ifndef PGBR_CTL_RESTORE_SESSION_H
#define PGBR_CTL_RESTORE_SESSION_H

#include "ctl/print/exit_code.h"
#include "ctl/print/output.h"
#include "ctl/restore/decide.h"
#include "ctl/restore/run.h"

#include <stdbool.h>

/* Too large for the stack; made by restore_session_open, ended by restore_session_close. */
typedef struct RestoreSession
{
	OutputFormat format;
	Cluster cluster;
	RestoreList list;
	RestoreJournal journal;
	RestoreEvents events;
	bool force;	 /* don't ask */
	bool warned; /* that a leader which is done without must be down */
} RestoreSession;

/*
 * Reach the cluster, by the options and what the configuration file says (NULL: there is none), and read
 * the journals of all members. Members that were away when a restore ended are told. Without Patroni it
 * goes on when the members are known otherwise. NULL with an error, and *code the exit code. format is
 * that of the command's output.
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
 * Read the journal of a record, for a request that takes the restore back or takes its place. Where that does without
 * the leader, wait for the leader key of one that does not answer to expire (CONFLICT when it is renewed), say that its
 * host must be down, and take for done, in memory, what the archive has got though nobody has waited for it.
 */
extern bool
restore_session_read(RestoreSession *session, const JournalRecord *record,
					 const RestoreRequest *request, RestoreJournal *journal, PgbrError *error);

/* Go on with an active restore, from here on also without the members that the request does without. */
extern ExitCode restore_session_resume(RestoreSession *session, const JournalRecord *record,
									   const RestoreRequest *request, PgbrError *error);

/*
 * Plan a request, tell, ask, and run it. active is the restore whose place it takes, or NULL; undone
 * is the one that it takes back, or NULL: both are lent.
 */
extern ExitCode restore_session_begin(RestoreSession *session, const RestoreRequest *request,
									  RestoreVerifying verifying, const JournalRecord *active,
									  const JournalRecord *undone, PgbrError *error);

/* Done, in contrast to given up. */
extern bool restore_session_is_done(const JournalRecord *record);

/* The newest restore, when it was done within the last ten minutes: whoever repeats its command then has lost its
 * answer, and does not want it twice. Or NULL. */
extern const JournalRecord *restore_session_just_done(const RestoreSession *session);

/* Show its summary. */
extern ExitCode restore_session_tell(RestoreSession *session, const JournalRecord *record);

/* Whether somebody drives it now; then it can't be replaced or taken back. NOT_NOW's error. */
extern bool restore_session_is_driven(const JournalRecord *record, PgbrError *error);

#endif
