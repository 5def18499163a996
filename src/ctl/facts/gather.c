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
#include "ctl/facts/archive_view.h"
#include "program/clock.h"
#include "program/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Two reports of the same start time may differ by this much, since their precision differs. */
#define SAME_START_US SECOND_OF_US
#define SECOND_OF_US  1000000

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

/* True when Patroni and the sidecar see the same server: it started at the same moment. */
static void
compare_with_patroni(RestoreFacts *facts, FactMember *fact, Cluster *cluster,
					 const ClusterMember *member, const json_t *node)
{
	const char *start = json_text(node, "postmaster_start_time");
	PatroniNode patroni;
	PgbrError ignored;

	if (member->api_url[0] == '\0' ||
		!patroni_get_node(&cluster->patroni, member->api_url, &patroni, &ignored))
		return;
	if (facts->system_identifier[0] == '\0')
		strcpy(facts->system_identifier, patroni.system_identifier);
	if (start && fact->running && patroni.running && patroni.postmaster_start_time[0])
		fact->mismatch = !gather_same_start(start, patroni.postmaster_start_time);
}

static bool
ask_member(RestoreFacts *facts, Cluster *cluster, ClusterMember *member, PgbrError *error)
{
	FactMember *fact = restore_facts_add_member(facts, member->name);
	PgbrError reason = PGBR_ERROR_INIT;
	json_t *node = NULL;
	json_t *points = NULL;

	if (fact == NULL)
		return pgbr_error_set(error, PGBR_ERROR_CONFLICT, "the cluster has too many members");
	pgbr_copy_text(fact->role, sizeof(fact->role), member->patroni.role);
	pgbr_copy_text(fact->state, sizeof(fact->state), member->patroni.state);
	fact->asked_ms = clock_now_ms();
	if (member->sidecar.url[0] == '\0')
		pgbr_copy_text(fact->error, sizeof(fact->error), "its address is not known");
	else if (!sidecar_client_call(&member->sidecar, "GET", PGBR_PATH_NODE, NULL, 0, &node,
								  &reason) ||
			 !restore_facts_read_node(fact, node, &reason) ||
			 !sidecar_client_call(&member->sidecar, "GET", PGBR_PATH_RESTORE_POINTS, NULL, 0,
								  &points, &reason) ||
			 !restore_facts_read_points(facts, points, &reason))
	{
		pgbr_copy_text(fact->error, sizeof(fact->error), reason.message);
		/* these errors affect all members alike, so report them at once */
		if (reason.code == PGBR_ERROR_ABORTED || reason.code == PGBR_ERROR_UNAUTHORIZED ||
			reason.code == PGBR_ERROR_FORBIDDEN)
		{
			*error = reason;
			return false;
		}
	}
	else
		compare_with_patroni(facts, fact, cluster, member, node);
	json_decref(node);
	json_decref(points);
	return true;
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
	for (int i = 0; i < cluster->count; i++)
	{
		if (!ask_member(facts, cluster, cluster->members[i], error))
			return false;
	}
	teller = choose_teller(facts);
	if (teller)
		return ask_repository(facts, teller, cluster, error);
	pgbr_error_set(error, PGBR_ERROR_UNREACHABLE,
				   "no sidecar of cluster \"%s\" can tell what it has", facts->scope);
	for (int i = 0; i < facts->member_count; i++)
	{
		if (facts->members[i].error[0])
		{
			pgbr_error_detail(error, "The sidecar of \"%s\": %s.", facts->members[i].name,
							  facts->members[i].error);
			break;
		}
	}
	return pgbr_error_hint(error, "--sidecar=NAME=URL tells where the sidecar of a member is.");
}
