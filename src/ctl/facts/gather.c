/*
 * gather.c
 *		See gather.h.
 *
 * The archive is listed after the leader was asked for its LSN: the list has all that was archived
 * by then.
 */
#include "ctl/facts/gather.h"

#include "common/moment.h"
#include "common/vocabulary.h"
#include "ctl/client/at_once.h"
#include "ctl/facts/archive_view.h"
#include "ctl/facts/damaged.h"
#include "program/clock.h"
#include "program/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * Two reports of the same start may differ by this much, in case that one of them tells
 * milliseconds. Members that Patroni restarts together may start within the same second.
 */
#define SAME_START_US 1000

bool
gather_same_start(const char *a, const char *b)
{
	const char *ignored;
	int64_t a_us;
	int64_t b_us;

	/* an unreadable time proves nothing */
	if (!moment_parse(a, true, &a_us, &ignored) || !moment_parse(b, true, &b_us, &ignored))
		return true;
	return llabs(a_us - b_us) <= SAME_START_US;
}

/* What one member has answered. All are asked at once; their answers are read one after another. */
typedef struct Answer
{
	json_t *node;
	json_t *points;
	json_t *restores; /* NULL: they can't be told */
	PgbrError error;  /* why one of them is missing */
	bool has_patroni;
	PatroniNode patroni;
	int64_t asked_ms;
} Answer;

typedef struct Question
{
	const Cluster *cluster;
	Answer answers[CLUSTER_MEMBERS_MAX];
} Question;

static void
ask_member(void *argument, int index)
{
	Question *question = argument;
	Answer *answer = &question->answers[index];
	const ClusterMember *member = question->cluster->members[index];
	PgbrError ignored;

	answer->asked_ms = clock_now_ms();
	if (member->sidecar.url[0] == '\0')
		pgbr_error_set(&answer->error, PGBR_ERROR_UNREACHABLE,
					   "the URL of its sidecar is not known");
	else if (sidecar_client_call(&member->sidecar, "GET", PGBR_PATH_NODE, NULL, 0, &answer->node,
								 &answer->error) &&
			 sidecar_client_call(&member->sidecar, "GET", PGBR_PATH_RESTORE_POINTS, NULL, 0,
								 &answer->points, &answer->error))
	{
		(void) sidecar_client_call(&member->sidecar, "GET", PGBR_PATH_RESTORES, NULL, 0,
								   &answer->restores, &ignored);
		answer->has_patroni =
			member->api_url[0] && patroni_get_node(&question->cluster->patroni, member->api_url,
												   &answer->patroni, &ignored);
	}
}

/* True when Patroni and the sidecar see the same server: it started at the same moment. */
static void
compare_with_patroni(RestoreFacts *facts, FactMember *fact, const Answer *answer)
{
	const char *start = json_text(answer->node, "postmaster_start_time");
	const PatroniNode *patroni = &answer->patroni;

	if (!answer->has_patroni)
		return;
	if (facts->system_identifier[0] == '\0')
		strcpy(facts->system_identifier, patroni->system_identifier);
	if (start && fact->running && patroni->running && patroni->postmaster_start_time[0])
		fact->mismatch = !gather_same_start(start, patroni->postmaster_start_time);
}

static bool
take_member(RestoreFacts *facts, const ClusterMember *member, Answer *answer, PgbrError *error)
{
	FactMember *fact = restore_facts_add_member(facts, member->name);

	if (fact == NULL)
		return pgbr_error_set(error, PGBR_ERROR_CONFLICT, "the cluster has too many members");
	pgbr_copy_text(fact->role, sizeof(fact->role), member->patroni.role);
	pgbr_copy_text(fact->state, sizeof(fact->state), member->patroni.state);
	fact->asked_ms = answer->asked_ms;
	restore_facts_read_damaged(facts, answer->restores);
	if (answer->node && restore_facts_read_node(fact, answer->node, &answer->error) &&
		answer->points && restore_facts_read_points(facts, answer->points, &answer->error))
	{
		compare_with_patroni(facts, fact, answer);
		return true;
	}
	pgbr_copy_text(fact->error, sizeof(fact->error), answer->error.message);
	/* these errors affect all members alike, so report them at once */
	if (answer->error.code != PGBR_ERROR_ABORTED && answer->error.code != PGBR_ERROR_UNAUTHORIZED &&
		answer->error.code != PGBR_ERROR_FORBIDDEN)
		return true;
	*error = answer->error;
	return false;
}

static bool
ask_members(RestoreFacts *facts, const Cluster *cluster, PgbrError *error)
{
	Question *question = calloc(1, sizeof(*question));
	bool ok = true;

	if (question == NULL)
		return pgbr_error_set(error, PGBR_ERROR_INTERNAL, "out of memory");
	question->cluster = cluster;
	at_once(cluster->count, ask_member, question);
	for (int i = 0; i < cluster->count; i++)
		ok = ok && take_member(facts, cluster->members[i], &question->answers[i], error);
	for (int i = 0; i < cluster->count; i++)
	{
		restore_facts_read_undone(facts, question->answers[i].restores);
		json_decref(question->answers[i].node);
		json_decref(question->answers[i].points);
		json_decref(question->answers[i].restores);
	}
	free(question);
	return ok;
}

/* The repository is the same for all: the leader's sidecar tells it, or any other that answers. */
static bool
ask_repository(RestoreFacts *facts, const FactMember *fact, Cluster *cluster, PgbrError *error)
{
	const ClusterMember *member = cluster_find(cluster, fact->name);
	json_t *info = NULL;
	json_t *archive = NULL;
	bool ok;

	if (fact->segment_size > 0)
		facts->archive.segment_size = (uint64_t) fact->segment_size;
	ok = sidecar_client_call(&member->sidecar, "GET", PGBR_PATH_INFO "?refresh=true&wait=60", NULL,
							 60, &info, error) &&
		 restore_facts_read_info(facts, info, fact->stanza, error) &&
		 sidecar_client_call(&member->sidecar, "GET", PGBR_PATH_ARCHIVE, NULL, ARCHIVE_WAIT_S,
							 &archive, error) &&
		 restore_facts_read_archive(facts, archive, error);
	if (ok && json_text(json_object_get(info, "error"), "message"))
	{
		size_t length = strlen(facts->repo_errors);

		snprintf(facts->repo_errors + length, sizeof(facts->repo_errors) - length, "%s%s",
				 length > 0 ? "; " : "", json_text(json_object_get(info, "error"), "message"));
	}
	json_decref(info);
	json_decref(archive);
	return ok;
}

/* Without the size of a segment, the names of WAL mean nothing. */
static bool
can_tell(const RestoreFacts *facts, const FactMember *member)
{
	return member && member->error[0] == '\0' &&
		   (member->segment_size > 0 || facts->archive.segment_size > 0);
}

static const FactMember *
choose_teller(const RestoreFacts *facts)
{
	const FactMember *leader = restore_facts_member(facts, facts->leader);

	if (can_tell(facts, leader))
		return leader;
	for (int i = 0; i < facts->member_count; i++)
	{
		if (can_tell(facts, &facts->members[i]))
			return &facts->members[i];
	}
	return NULL;
}

/* Why each sidecar can't tell. */
static void
list_reasons(const RestoreFacts *facts, PgbrError *error)
{
	char text[sizeof(error->detail)] = "";

	for (int i = 0; i < facts->member_count; i++)
	{
		size_t used = strlen(text);

		snprintf(text + used, sizeof(text) - used, "%sThe sidecar of \"%s\": %s.",
				 used > 0 ? " " : "", facts->members[i].name,
				 facts->members[i].error[0] ? facts->members[i].error
											: "can't tell the size of a WAL segment");
	}
	pgbr_error_detail(error, "%s", text);
}

bool
restore_facts_gather(Cluster *cluster, RestoreFacts *facts, PgbrError *error)
{
	const ClusterMember *leading;
	const FactMember *teller;

	facts->now_ms = clock_now_ms();
	if (!cluster_refresh(cluster, error))
		return false;
	strcpy(facts->scope, cluster->scope);
	facts->paused = cluster->view.paused;
	facts->scheduled_switchover = cluster->view.switchover_scheduled;
	leading = cluster_find_leading(cluster);
	if (leading)
		strcpy(facts->leader, leading->name);
	if (!ask_members(facts, cluster, error))
		return false;
	teller = choose_teller(facts);
	if (teller)
		return ask_repository(facts, teller, cluster, error);
	pgbr_error_set(error, PGBR_ERROR_UNREACHABLE,
				   "no sidecar of cluster \"%s\" can tell what it has", facts->scope);
	list_reasons(facts, error);
	return pgbr_error_hint(error, "--sidecar=NAME=URL tells where the sidecar of a member is.");
}
