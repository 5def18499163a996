/*
 * gather.c
 *		See gather.h.
 *
 * The archive is listed after the leader was asked for its LSN: the list has all that was archived
 * by then.
 */
#include "ctl/facts/gather.h"

#include "common/vocabulary.h"
#include "ctl/client/at_once.h"
#include "ctl/facts/archive_view.h"
#include "ctl/facts/damaged.h"
#include "ctl/facts/doctor_gather.h"
#include "ctl/facts/member_checks.h"
#include "ctl/facts/same_server.h"
#include "program/clock.h"
#include "program/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What one member has answered. All are asked at once; their answers are read one after another. */
typedef struct Answer
{
	json_t *doctor; /* of GET /v1/doctor */
	json_t *points;
	json_t *restores;  /* NULL: they can't be told */
	PgbrError error;   /* why one of them is missing */
	PgbrError refusal; /* FORBIDDEN: Patroni takes no changes from us */
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
	/* the pause would be refused as well, after the locks were taken */
	if (member->patroni.name[0] && member->api_url[0])
		(void) patroni_check_access(&question->cluster->patroni, member->api_url, &answer->refusal);
	if (member->sidecar.url[0] == '\0')
		pgbr_error_set(&answer->error, PGBR_ERROR_UNREACHABLE,
					   "the URL of its sidecar is not known");
	else if (sidecar_client_call(&member->sidecar, "GET", PGBR_PATH_DOCTOR, NULL, DOCTOR_WAIT_S,
								 &answer->doctor, &answer->error) &&
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

static void
compare_with_patroni(RestoreFacts *facts, FactMember *fact, const PatroniCluster *listed,
					 const Answer *answer)
{
	const PatroniNode *patroni = answer->has_patroni ? &answer->patroni : NULL;

	if (patroni && facts->system_identifier[0] == '\0')
		strcpy(facts->system_identifier, patroni->system_identifier);
	fact->uncompared = patroni == NULL;
	fact->mismatch[0] = '\0';
	(void) same_server(json_object_get(answer->doctor, "node"), patroni, listed, fact->name,
					   fact->mismatch, sizeof(fact->mismatch));
}

static bool
take_member(RestoreFacts *facts, const Cluster *cluster, const ClusterMember *member,
			Answer *answer, PgbrError *error)
{
	FactMember *fact = restore_facts_add_member(facts, member->name);

	if (fact == NULL)
		return pgbr_error_set(error, PGBR_ERROR_CONFLICT, "the cluster has too many members");
	pgbr_copy_text(fact->role, sizeof(fact->role), member->patroni.role);
	pgbr_copy_text(fact->state, sizeof(fact->state), member->patroni.state);
	fact->asked_ms = answer->asked_ms;
	restore_facts_read_damaged(facts, answer->restores);
	if (answer->refusal.code == PGBR_ERROR_FORBIDDEN)
	{
		*error = answer->refusal;
		return false;
	}
	fact->unlisted = member->patroni.name[0] == '\0';
	pgbr_copy_text(fact->sidecar_url, sizeof(fact->sidecar_url), member->sidecar.url);
	if (answer->doctor && restore_facts_read_doctor(fact, answer->doctor, &answer->error) &&
		answer->points && restore_facts_read_points(facts, answer->points, &answer->error))
	{
		compare_with_patroni(facts, fact, &cluster->view, answer);
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
	{
		ok = ok && take_member(facts, cluster, cluster->members[i], &question->answers[i], error);
		json_decref(question->answers[i].doctor);
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

		if (facts->members[i].error[0])
			snprintf(text + used, sizeof(text) - used, "%sThe sidecar of \"%s\": %s.",
					 used > 0 ? " " : "", facts->members[i].name, facts->members[i].error);
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
