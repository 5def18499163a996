/*
 * doctor_gather.c
 *		See doctor_gather.h.
 */
#include "ctl/facts/doctor_gather.h"

#include "common/vocabulary.h"
#include "ctl/client/at_once.h"

#include <string.h>

typedef struct Question
{
	const Cluster *cluster;
	DoctorCluster *facts;
} Question;

static void
ask_patroni(const Cluster *cluster, DoctorMember *member)
{
	if (member->api_url[0] == '\0')
	{
		pgbr_error_set(&member->patroni_error, PGBR_ERROR_UNREACHABLE,
					   "Patroni does not list the member");
		member->write_error = member->patroni_error;
		return;
	}
	if (patroni_get_node(&cluster->patroni, member->api_url, &member->patroni,
						 &member->patroni_error))
		member->patroni_error.code = PGBR_ERROR_NONE;
	if (patroni_check_access(&cluster->patroni, member->api_url, &member->write_error))
		member->write_error.code = PGBR_ERROR_NONE;
}

static void
ask_sidecar(const ClusterMember *asked, DoctorMember *member)
{
	if (member->sidecar_url[0] == '\0')
		pgbr_error_set(&member->sidecar_error, PGBR_ERROR_UNREACHABLE,
					   "it is not known where the sidecar is");
	else if (sidecar_client_call(&asked->sidecar, "GET", PGBR_PATH_DOCTOR, NULL, DOCTOR_WAIT_S,
								 &member->doctor, &member->sidecar_error))
		member->sidecar_error.code = PGBR_ERROR_NONE;
}

static void
ask_member(void *argument, int index)
{
	const Question *question = argument;
	DoctorMember *member = &question->facts->members[index];

	ask_patroni(question->cluster, member);
	ask_sidecar(question->cluster->members[index], member);
}

bool
doctor_gather(Cluster *cluster, DoctorCluster *facts, PgbrError *error)
{
	Question question = {.cluster = cluster, .facts = facts};

	memset(facts, 0, sizeof(*facts));
	if (cluster_refresh(cluster, error))
		facts->patroni_error.code = PGBR_ERROR_NONE;
	else if (cluster->count == 0)
		return false;
	else
		facts->patroni_error = *error;
	facts->count = cluster->count;
	facts->listed = cluster->view;
	facts->paused = cluster->view.paused;
	facts->has_leader = cluster_find_leading(cluster) != NULL;
	for (int i = 0; i < cluster->count; i++)
	{
		const ClusterMember *listed = cluster->members[i];
		DoctorMember *member = &facts->members[i];

		strcpy(member->name, listed->name);
		strcpy(member->api_url, listed->api_url);
		strcpy(member->sidecar_url, listed->sidecar.url);
		member->leads = listed->patroni.leads;
	}
	at_once(facts->count, ask_member, &question);
	return true;
}

void
doctor_cluster_done(DoctorCluster *facts)
{
	for (int i = 0; i < facts->count; i++)
		json_decref(facts->members[i].doctor);
	facts->count = 0;
}
