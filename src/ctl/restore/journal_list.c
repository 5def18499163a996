/*
 * journal_list.c
 *		See journal_list.h.
 */
#include "ctl/restore/journal_list.h"

#include "common/visible.h"
#include "common/vocabulary.h"
#include "ctl/client/at_once.h"
#include "program/clock.h"
#include "program/json.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Time for a lease that nobody renews to run out. */
#define SETTLE_LIMIT_MS 20000
#define SETTLE_RETRY_MS 250

/* How many restores each sidecar is asked for: the newest ones. */
#define ASK_FOR 10

/* More than any restore has, and the next number still fits; and no lease is as long as an hour. */
#define REVISION_MAX INT32_MAX
#define LEASE_MAX_S	 3600

/* A word that is safe to show. */
static void
take_word(char *target, size_t size, const char *text)
{
	pgbr_copy_visible(target, size, text);
	target[strcspn(target, "\t\n")] = '\0';
}

static bool
read_record(const json_t *json, JournalRecord *record, PgbrError *error)
{
	const char *id = json_text(json, "id");
	const char *state = json_text(json, "state");
	const char *created = json_text(json, "created_at");
	const char *updated = json_text(json, "updated_at");
	long long revision = json_number(json, "revision", 0);
	long long seconds_left = json_number(json, "holder_seconds_left", 0);

	memset(record, 0, sizeof(*record));
	record->json = json_object_get(json, "document");
	if (id == NULL || !pgbr_is_job_id(id) || strlen(id) >= sizeof(record->id) || state == NULL ||
		created == NULL || !json_is_object(record->json) || revision < 0 ||
		revision > REVISION_MAX || seconds_left < 0 || seconds_left > LEASE_MAX_S)
		return pgbr_error_set(error, PGBR_ERROR_PROTOCOL,
							  "invalid response from the sidecar: a restore in it is not valid");
	strcpy(record->id, id);
	take_word(record->state, sizeof(record->state), state);
	take_word(record->created_at, sizeof(record->created_at), created);
	take_word(record->updated_at, sizeof(record->updated_at), updated ? updated : "");
	record->revision = revision;
	record->holder_seconds_left = (int) seconds_left;
	record->document = malloc(sizeof(*record->document));
	if (record->document == NULL)
		return pgbr_error_set(error, PGBR_ERROR_INTERNAL, "out of memory");
	/* the plan is checked where it is needed */
	(void) journal_document_read(record->document, record->json);
	return true;
}

/*
 * 2: replaced by another; 1: ended; 0: active, or given up by a sidecar that did not hear of more.
 */
static int
end_of(const JournalRecord *record)
{
	if (strcmp(record->state, "replaced") == 0)
		return 2;
	return strcmp(record->state, "done") == 0 && !record->document->harmless &&
		   record->document->outcome != NULL;
}

/*
 * Merge two views of one restore. If it has ended anywhere, it is over, whatever a member that was
 * cut off heard last: the next restore tells that member.
 */
static void
list_merge(JournalRecord *known, JournalRecord *other)
{
	int lease = known->holder_seconds_left > other->holder_seconds_left
					? known->holder_seconds_left
					: other->holder_seconds_left;
	int further = end_of(other) - end_of(known);

	if (further > 0 || (further == 0 && (other->revision > known->revision ||
										 (other->revision == known->revision &&
										  strcmp(known->state, "active") == 0))))
	{
		JournalRecord less = *known;

		*known = *other;
		*other = less;
	}
	known->holder_seconds_left = lease;
}

static void
done_record(JournalRecord *record)
{
	journal_document_done(record->document);
	free(record->document);
	record->document = NULL;
}

/* Takes over the record. */
static void
list_insert(RestoreList *list, JournalRecord *record)
{
	int at = list->count;

	for (int i = 0; i < list->count; i++)
	{
		if (strcmp(list->records[i].id, record->id) == 0)
		{
			list_merge(&list->records[i], record);
			done_record(record);
			return;
		}
	}
	if (list->count == RESTORE_RECORDS_MAX)
	{
		done_record(record);
		return;
	}
	/* IDs begin with their time */
	while (at > 0 && strcmp(list->records[at - 1].id, record->id) < 0)
	{
		list->records[at] = list->records[at - 1];
		at--;
	}
	list->records[at] = *record;
	list->count++;
}

bool
restore_list_add(RestoreList *list, const char *member, json_t *answer, PgbrError *error)
{
	const json_t *restores = json_object_get(answer, "restores");
	size_t index;
	json_t *json;

	if (list->answers == NULL)
		list->answers = json_object();
	if (json_object_set_new(list->answers, member, answer) != 0)
		return pgbr_error_set(error, PGBR_ERROR_INTERNAL, "out of memory");
	if (!json_is_array(restores))
		return pgbr_error_set(error, PGBR_ERROR_PROTOCOL,
							  "invalid response from the sidecar: it has no list of restores");
	json_array_foreach(restores, index, json)
	{
		JournalRecord record;

		if (!read_record(json, &record, error))
			return false;
		list_insert(list, &record);
	}
	list->answered++;
	return true;
}

bool
restore_list_answered(const RestoreList *list, const char *member)
{
	return json_object_get(list->answers, member) != NULL;
}

const json_t *
restore_list_told(const RestoreList *list, const char *member, const char *id)
{
	size_t index;
	json_t *json;

	json_array_foreach(json_object_get(json_object_get(list->answers, member), "restores"), index,
					   json)
	{
		const char *other = json_text(json, "id");

		if (other && strcmp(other, id) == 0)
			return json;
	}
	return NULL;
}

/*
 * A member that was away when another restore replaced this one may have a higher revision than
 * all others.
 */
static bool
is_over(const RestoreList *list, const JournalRecord *record)
{
	for (int i = 0; i < list->count; i++)
	{
		if (strcmp(list->records[i].document->replaces, record->id) == 0)
			return true;
	}
	return strcmp(record->state, "active") != 0;
}

static void
list_settle(const JournalRecord *record, long long revision, const ClusterMember *member)
{
	int64_t until = clock_monotonic_ms() + SETTLE_LIMIT_MS;
	json_t *body = json_object();
	json_t *answer = NULL;
	PgbrError reason = PGBR_ERROR_INIT;
	char path[64];

	snprintf(path, sizeof(path), "/v1/restores/%s", record->id);
	json_put_text(body, "holder", "settle");
	json_object_set_new(body, "lease_seconds", json_integer(0));
	/* it may have a higher revision than the others, from a run that was cut off from them */
	if (revision < record->revision)
		revision = record->revision;
	json_object_set_new(body, "revision", json_integer(revision + 1));
	json_put_text(body, "state", "done");
	json_object_set(body, "document", (json_t *) record->json);
	/* the lease of a holder that is gone may not have run out yet */
	while (!sidecar_client_call(&member->sidecar, "PUT", path, body, 0, &answer, &reason) &&
		   reason.code == PGBR_ERROR_RESTORE_IN_PROGRESS && clock_monotonic_ms() < until)
		poll(NULL, 0, SETTLE_RETRY_MS);
	json_decref(answer);
	json_decref(body);
}

void
restore_list_settle(const RestoreList *list, Cluster *cluster)
{
	for (int i = 0; i < list->count; i++)
	{
		const JournalRecord *record = &list->records[i];

		for (int j = 0; is_over(list, record) && j < cluster->count; j++)
		{
			const json_t *told = restore_list_told(list, cluster->members[j]->name, record->id);
			const char *state = told ? json_text(told, "state") : NULL;

			if (state && strcmp(state, "active") == 0)
				list_settle(record, json_number(told, "revision", 0), cluster->members[j]);
		}
	}
}

typedef struct Question
{
	const Cluster *cluster;
	int most;							  /* restores of each */
	json_t *answers[CLUSTER_MEMBERS_MAX]; /* by the cluster's order of members; NULL: none */
	PgbrError errors[CLUSTER_MEMBERS_MAX];
} Question;

static void
ask_member(void *argument, int index)
{
	Question *question = argument;
	const SidecarClient *sidecar = &question->cluster->members[index]->sidecar;
	char path[64];

	snprintf(path, sizeof(path), "/v1/restores?limit=%d", question->most);
	if (sidecar->url[0] == '\0')
		pgbr_error_set(&question->errors[index], PGBR_ERROR_UNREACHABLE,
					   "the URL of its sidecar is not known");
	else
		sidecar_client_call(sidecar, "GET", path, NULL, 0, &question->answers[index],
							&question->errors[index]);
}

/* Why nobody answers: the first reason, and in the detail each member's. Always false. */
static bool
list_reasons(const RestoreList *list, PgbrError *error)
{
	char text[sizeof(error->detail)] = "";

	*error = list->unasked[0].error;
	for (int i = 0; list->unasked_count > 1 && i < list->unasked_count; i++)
	{
		size_t used = strlen(text);

		snprintf(text + used, sizeof(text) - used, "%sThe sidecar of \"%s\": %s.",
				 used > 0 ? " " : "", list->unasked[i].member, list->unasked[i].error.message);
	}
	if (text[0])
		pgbr_error_detail(error, "%s", text);
	return false;
}

static bool
list_get(RestoreList *list, Cluster *cluster, int most, PgbrError *error)
{
	Question *question = calloc(1, sizeof(*question));

	memset(list, 0, sizeof(*list));
	if (question == NULL)
		return pgbr_error_set(error, PGBR_ERROR_INTERNAL, "out of memory");
	question->cluster = cluster;
	question->most = most;
	at_once(cluster->count, ask_member, question);
	for (int i = 0; i < cluster->count; i++)
	{
		const ClusterMember *member = cluster->members[i];

		if (question->answers[i] &&
			restore_list_add(list, member->name, question->answers[i], &question->errors[i]))
		{
			cluster_hear(cluster, member->sidecar.url);
			continue;
		}
		strcpy(list->unasked[list->unasked_count].member, member->name);
		list->unasked[list->unasked_count++].error = question->errors[i];
	}
	free(question);
	if (list->answered > 0)
		return true;
	if (cluster->count == 0)
		return pgbr_error_set(error, PGBR_ERROR_UNREACHABLE, "no member of the cluster is known");
	return list_reasons(list, error);
}

bool
restore_list_get(RestoreList *list, Cluster *cluster, PgbrError *error)
{
	return list_get(list, cluster, ASK_FOR, error);
}

bool
restore_list_get_all(RestoreList *list, Cluster *cluster, PgbrError *error)
{
	return list_get(list, cluster, RESTORE_RECORDS_MAX, error);
}

void
restore_list_done(RestoreList *list)
{
	for (int i = 0; i < list->count; i++)
		done_record(&list->records[i]);
	json_decref(list->answers);
	list->answers = NULL;
	list->count = 0;
}

const JournalRecord *
restore_list_active(const RestoreList *list)
{
	for (int i = 0; i < list->count; i++)
	{
		if (!is_over(list, &list->records[i]))
			return &list->records[i];
	}
	return NULL;
}

const JournalRecord *
restore_list_find(const RestoreList *list, const char *id)
{
	for (int i = 0; i < list->count; i++)
	{
		if (strcmp(list->records[i].id, id) == 0)
			return &list->records[i];
	}
	return NULL;
}

RestoreStepState
journal_record_state(const JournalRecord *record, RestoreStep step)
{
	return journal_document_state(record->document, step);
}

const RestorePlan *
journal_record_plan(const JournalRecord *record, PgbrError *error)
{
	if (record->document->plan_error.code == PGBR_ERROR_NONE)
		return &record->document->plan;
	*error = record->document->plan_error;
	return NULL;
}
