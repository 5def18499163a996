/*
 * journal_document.h
 *		The document that the sidecars keep as a restore's journal, as a struct: the one place that
 *		names its keys.
 *
 * Pure, except that it allocates memory. docs/reference/openapi.yaml describes the document as
 * RestoreDocument, and test/lint/openapi holds the tables of journal_document.c against that.
 * Another version of the control binary may have written the document, or may continue the
 * restore. So keys and steps that are unknown here are kept, and a missing key is false, 0, "" or
 * NULL.
 *
 * A document owns its JSON values; journal_document_done frees them. It is not copied.
 */
#ifndef PGBR_CTL_RESTORE_JOURNAL_DOCUMENT_H
#define PGBR_CTL_RESTORE_JOURNAL_DOCUMENT_H

#include "ctl/plan/plan.h"
#include "ctl/plan/state.h"
#include "program/clock.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* As long as the cluster's URLs. */
#define JOURNAL_URL_SIZE 512

/* Where a member was when the restore began. */
typedef struct JournalMember
{
	char name[RESTORE_NAME_SIZE];
	char api_url[JOURNAL_URL_SIZE]; /* of Patroni; "" when it was not known */
	char sidecar_url[JOURNAL_URL_SIZE];
	json_t *unknown;
} JournalMember;

/* A step that was begun. */
typedef struct JournalStep
{
	RestoreStep step;
	RestoreStepState state;
	int attempt; /* how often it was begun anew: part of the names of its jobs */
	char started_at[CLOCK_TEXT_SIZE];
	char finished_at[CLOCK_TEXT_SIZE]; /* "" while it goes on */
	char message[1024];				   /* why it has failed or was skipped, or "" */
	json_t *result;					   /* an object, or NULL */
	json_t *unknown;
} JournalStep;

typedef struct JournalDocument
{
	RestorePlan plan;
	PgbrError plan_error; /* PROTOCOL: the plan that was read is not valid, and plan is empty */
	JournalMember members[RESTORE_MEMBERS_MAX];
	int member_count;
	JournalStep steps[RESTORE_STEP_COUNT]; /* in the order in which they were begun */
	int step_count;

	bool touched;	 /* a data directory may have been written to; see restore_journal_touched */
	bool harmless;	 /* if nobody continues, nothing is lost, and the sidecars give it up */
	bool resumed;	 /* Patroni runs the members again, and the sidecars take other jobs */
	json_t *outcome; /* how it ended, see summary.h; NULL before */

	/* an object: the labels of backups that turned out to be damaged, and why; or NULL */
	json_t *damaged;

	char undo_of[RESTORE_ID_SIZE]; /* the restore that this one undoes, or "" */
	json_t *mark; /* the undo point: the result of undo-point, an object; NULL: there is none */
	json_t *target_mark; /* the undo point to which an undo goes back, or NULL */

	/* the value of Patroni's check_timeline before this restore set it; NULL: it has not */
	json_t *check_timeline;
	bool check_timeline_is_back; /* this restore has put it back */

	/* What a restore has taken over from the unfinished restore that it replaced. */
	char replaces[RESTORE_ID_SIZE]; /* the ID of that one, or "" */
	bool paused_before;				/* Patroni was paused, and members may be fenced */
	bool touched_before;			/* data directories are incomplete */
	bool handed_over_before;		/* but the leader's is that of a server of the cluster */
	bool replicas_before;			/* only those of the replicas are incomplete */
	/* the newest that is archived, if that is not the plan's old timeline; else 0 */
	uint32_t archived_timeline;

	json_t *told_plan;		 /* as it was read; NULL in a document that was begun here */
	json_t *unknown;		 /* what is unknown to this version: keys, */
	json_t *unknown_members; /* members without a name, */
	json_t *unknown_steps;	 /* and steps */
} JournalDocument;

/* Begin one, with the plan alone. */
extern void journal_document_init(JournalDocument *document, const RestorePlan *plan);

/*
 * Read a document from an object. False, with plan_error set, when its plan is not valid; the rest
 * is read all the same. Call journal_document_done in any case.
 */
extern bool journal_document_read(JournalDocument *document, const json_t *json);

extern void journal_document_done(JournalDocument *document);

/* The caller owns it. NULL when out of memory. */
extern json_t *journal_document_write(const JournalDocument *document);

/* The entry of a step; NULL when it was not begun. Lent. */
extern const JournalStep *journal_document_find(const JournalDocument *document, RestoreStep step);

/* How far a step has come; PENDING when it was not begun. */
extern RestoreStepState journal_document_state(const JournalDocument *document, RestoreStep step);

/* The entry of a step; it is created if there is none. */
extern JournalStep *journal_document_entry(JournalDocument *document, RestoreStep step);

/* Replace a JSON value of the document; takes over the reference, NULL for none. */
extern void journal_document_put(json_t **member, json_t *value);

/* The timeline that recovery has made; 0 before. */
extern uint32_t journal_document_new_timeline(const JournalDocument *document);

/* Add what is kept of the result of a member's stop job. */
extern void journal_document_add_stop(json_t *stops, const char *member, const json_t *result);

/*
 * Whether the leader was shut down cleanly, by the result of its stop. All its WAL was archived
 * then.
 */
extern bool journal_document_stopped_clean(const JournalDocument *document);

/* The next transaction ID, 64 bit, when the leader was shut down cleanly; 0 when not known. */
extern uint64_t journal_document_stopped_xid(const JournalDocument *document);

#endif
