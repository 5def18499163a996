/*
 * doctor_gather.h
 *		Ask Patroni and the sidecar of each member what "doctor" must know. Decides nothing.
 *
 * All members are asked at once. One thread uses a gathering at a time.
 */
#ifndef PGBR_CTL_FACTS_DOCTOR_GATHER_H
#define PGBR_CTL_FACTS_DOCTOR_GATHER_H

#include "ctl/client/cluster.h"

#include <jansson.h>
#include <stdbool.h>

/* How long a sidecar may take: it asks PostgreSQL and runs programs, each with a limit. Seconds. */
#define DOCTOR_WAIT_S 30

typedef struct DoctorMember
{
	char name[64];
	char api_url[PATRONI_URL_SIZE];	   /* "" when Patroni does not list the member */
	char sidecar_url[SIDECAR_URL_MAX]; /* "" when it is not known */
	bool leads;
	PatroniNode patroni;
	PgbrError patroni_error; /* code NONE: it answered */
	PgbrError write_error;	 /* code NONE: it takes changes from us */
	json_t *doctor;			 /* what GET /v1/doctor says; NULL: no answer */
	PgbrError sidecar_error; /* why */
} DoctorMember;

typedef struct DoctorCluster
{
	DoctorMember members[CLUSTER_MEMBERS_MAX];
	int count;
	PatroniCluster listed; /* as Patroni lists them */
	bool has_leader;
	bool paused;
	PgbrError patroni_error; /* code NONE: some Patroni has listed the members */
} DoctorCluster;

/* Ask. False when no member is known. The caller ends it with doctor_cluster_done in any case. */
extern bool doctor_gather(Cluster *cluster, DoctorCluster *facts, PgbrError *error);
extern void doctor_cluster_done(DoctorCluster *facts);

#endif
