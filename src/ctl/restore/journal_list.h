/*
 * journal_list.h
 *		The restores that the sidecars know, merged: of what several sidecars say about one
 *		restore, the highest revision counts.
 *
 * A list owns its records; restore_list_done frees them. One thread uses it.
 */
#ifndef PGBR_CTL_RESTORE_JOURNAL_LIST_H
#define PGBR_CTL_RESTORE_JOURNAL_LIST_H

#include "ctl/client/cluster.h"
#include "ctl/plan/state.h"
#include "ctl/restore/journal_document.h"

#include <jansson.h>
#include <stdbool.h>

/* A restore that the sidecars know. */
typedef struct JournalRecord
{
	char id[RESTORE_ID_SIZE];
	char state[16]; /* active, done, replaced */
	long long revision;
	int holder_seconds_left;
	char created_at[32];
	char updated_at[32];
	const json_t *json;		   /* the document as the sidecar sent it; lent by the list */
	JournalDocument *document; /* and as it was read; the list's */
} JournalRecord;

#define RESTORE_RECORDS_MAX 64

typedef struct RestoreList
{
	JournalRecord records[RESTORE_RECORDS_MAX]; /* newest first; each id once */
	int count;
	int answered; /* members whose sidecar has answered */
	struct
	{
		char member[64];
		PgbrError error;
	} unasked[CLUSTER_MEMBERS_MAX]; /* those whose sidecar has not, and why */
	int unasked_count;
	json_t *answers; /* what the records lend from */
} RestoreList;

/* Ask all members at once, for their newest restores or for as many as a list holds. False only
 * when none answers. Call restore_list_done in any case. */
extern bool restore_list_get(RestoreList *list, Cluster *cluster, PgbrError *error);
extern bool restore_list_get_all(RestoreList *list, Cluster *cluster, PgbrError *error);
extern void restore_list_done(RestoreList *list);

/* Add one sidecar's answer of GET /v1/restores; takes over the reference. PROTOCOL. Pure. */
extern bool
restore_list_add(RestoreList *list, const char *member, json_t *answer, PgbrError *error);

/* Whether a member's sidecar has answered. */
extern bool restore_list_answered(const RestoreList *list, const char *member);

/* A restore as this member's sidecar has sent it; NULL when it has not. Lent. */
extern const json_t *restore_list_told(const RestoreList *list, const char *member, const char *id);

/*
 * Tell members that were away when a restore ended that it has ended, to free their locks.
 * Failures are ignored: the next restore that needs the lock meets them.
 */
extern void restore_list_settle(const RestoreList *list, Cluster *cluster);

/* The active restore, or the one with this ID; NULL when there is none. */
extern const JournalRecord *restore_list_active(const RestoreList *list);
extern const JournalRecord *restore_list_find(const RestoreList *list, const char *id);

/* Its plan; NULL with PROTOCOL when the plan is not valid. Lent. */
extern const RestorePlan *journal_record_plan(const JournalRecord *record, PgbrError *error);

/* How far a step of it has come. */
extern RestoreStepState journal_record_state(const JournalRecord *record, RestoreStep step);

#endif
