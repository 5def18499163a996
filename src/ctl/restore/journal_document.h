/*
 * journal_document.h
 *		The document that a restore's journal keeps on the sidecars, as a struct: the one place that
 *		names its keys.
 *
 * Pure, but for the memory that it takes. The document is the RestoreDocument of docs/reference/openapi.yaml;
 * test/lint/openapi holds the tables of journal_document.c against that description. Another version
 * of the control binary may have written it, and may go on with it: keys and steps that this one does
 * not know stay as they are, a missing key is false, 0, "" or NULL.
 *
 * A document owns its JSON values and is ended by journal_document_done. It is not copied.
 */
#ifndef PGBR_CTL_RESTORE_JOURNAL_DOCUMENT_H
#define PGBR_CTL_RESTORE_JOURNAL_DOCUMENT_H

#include "ctl/plan/plan.h"
#include "ctl/plan/state.h"
#include "program/clock.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* As the cluster's URLs. */
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
	int attempt; /* how often it was begun anew: a part of the names of its jobs */
	char started_at[CLOCK_TEXT_SIZE];
	char finished_at[CLOCK_TEXT_SIZE]; /* "" while it goes on */
	char message[1024];				   /* why it has failed or was skipped, or "" */
	json_t *result;					   /* an object, or NULL */
	json_t *unknown;
} JournalStep;

typedef struct JournalDocument
{
	RestorePlan plan;
	PgbrError plan_error; /* PROTOCOL: the plan that was read makes no sense, and plan is empty */
	JournalMember members[RESTORE_MEMBERS_MAX];
	int member_count;
	JournalStep steps[RESTORE_STEP_COUNT]; /* in the order in which they were begun */
	int step_count;

	bool touched;  /* a data directory may have been written to; see restore_journal_touched */
	bool harmless; /* nothing is lost when nobody goes on: the sidecars give it up by themselves */
	json_t *outcome; /* how it ended, see summary.h; NULL before */

	char undo_of[RESTORE_ID_SIZE]; /* the restore that this one takes back, or "" */
	json_t *mark; /* the undo point: the result of undo-point, an object; NULL: there is none */
	json_t *target_mark; /* the undo point to which an undo goes back, or NULL */

	/* check_timeline of Patroni before this restore set it, any value; NULL: it has not */
	json_t *check_timeline;
	bool check_timeline_is_back; /* this restore has put it back */

	/* What a restore has from the unfinished one that it replaced. */
	char replaces[RESTORE_ID_SIZE]; /* its id, or "" */
	bool paused_before;				/* Patroni was paused, and members may be fenced */
	bool touched_before;			/* data directories are not whole */
	bool handed_over_before;		/* of these, the leader's is a server's of the cluster */
	bool replicas_before;			/* only the replicas are not whole */
	uint32_t archived_timeline; /* the newest that is in the archive, when that is not the plan's
									 * old timeline; else 0 */

	json_t *told_plan;		 /* as it was read; NULL in a document that was begun here */
	json_t *unknown;		 /* what this version does not know: keys, */
	json_t *unknown_members; /* members without a name, */
	json_t *unknown_steps;	 /* and steps */
} JournalDocument;

/* Begin one, with the plan alone. */
extern void journal_document_init(JournalDocument *document, const RestorePlan *plan);

/* Read one, an object. False, with plan_error set, when its plan makes no sense; the rest is read. It
 * is to be ended in any case. */
extern bool journal_document_read(JournalDocument *document, const json_t *json);

extern void journal_document_done(JournalDocument *document);

/* The caller owns it. NULL when out of memory. */
extern json_t *journal_document_write(const JournalDocument *document);

/* The entry of a step; NULL when it was not begun. Lent. */
extern const JournalStep *journal_document_find(const JournalDocument *document, RestoreStep step);

/* How far a step has come; PENDING when it was not begun. */
extern RestoreStepState journal_document_state(const JournalDocument *document, RestoreStep step);

/* The entry of a step, made when there is none. */
extern JournalStep *journal_document_entry(JournalDocument *document, RestoreStep step);

/* Set a member to a value, whose reference is taken over; NULL for none. */
extern void journal_document_put(json_t **member, json_t *value);

/* The timeline that recovery has made; 0 before. */
extern uint32_t journal_document_new_timeline(const JournalDocument *document);

/* What is kept of the results of stop jobs, by member; takes over no reference. */
extern void journal_document_add_stop(json_t *stops, const char *member, const json_t *result);

/* Whether the leader was shut down in order, by what its stop has told. All its WAL was archived then. */
extern bool journal_document_stopped_clean(const JournalDocument *document);

#endif
