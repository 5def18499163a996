/*
 * cluster.h
 *		The cluster a verb works on: its members as Patroni lists them, each with the sidecar beside
 *		it.
 *
 * A member is known by its name. The address of its sidecar comes from --sidecar or the
 * configuration file, else from a journal. Else the sidecar is expected on the host of the member's
 * REST API: at port 8430, or at the default socket of this host. secret_rule.h decides whether
 * token and password go to an address that the user has not named. A Cluster owns nothing but its
 * own memory, borrows the texts of the sidecars' settings, and is used by one thread; its clients
 * ask should_abort when it is set.
 */
#ifndef PGBR_CTL_CLIENT_CLUSTER_H
#define PGBR_CTL_CLIENT_CLUSTER_H

#include "ctl/client/cluster_settings.h"
#include "ctl/client/patroni_client.h"
#include "ctl/client/secret_rule.h"
#include "ctl/client/sidecar_client.h"

#include <stdbool.h>

typedef struct ClusterMember
{
	char name[64];
	char api_url[PATRONI_URL_SIZE]; /* "" when Patroni does not list the member */
	PatroniMember patroni;			/* as it was listed last; its name is empty when it is not */
	SidecarClient sidecar;
} ClusterMember;

typedef struct Cluster
{
	char scope[64]; /* "" while no Patroni has answered */
	PatroniClient patroni;
	PatroniCluster view; /* as it was listed last */
	bool patroni_answered;
	PgbrError patroni_error;					 /* why not */
	ClusterMember *members[CLUSTER_MEMBERS_MAX]; /* by name */
	int count;
	ClusterMember places[CLUSTER_MEMBERS_MAX]; /* their storage, in order of arrival */

	ClusterSettings named;			 /* where things are, as the user said */
	SecretRule rule;				 /* for the token */
	const SidecarSettings *settings; /* what all sidecars share */
	SidecarClient sidecar;			 /* what the members' clients are made from */
} Cluster;

/* Read the options, and the configuration file unless it is NULL. No request is sent yet. CONFIG.
 * The cluster must not be moved afterwards. */
extern bool
cluster_init(Cluster *cluster, const ClusterArguments *arguments, const ClusterSettings *file,
			 const SidecarSettings *settings, PgbrError *error);

/*
 * Ask Patroni for its members, at the URLs given and at those of the members known, and add those
 * that --sidecar names. False when no Patroni answers, with the reason also in patroni_error. The
 * members are then those known from --sidecar and journals, which is enough for verbs that can do
 * without Patroni.
 */
extern bool cluster_refresh(Cluster *cluster, PgbrError *error);

/* Add a member that a response or a journal names, or complete a known one. */
extern bool cluster_add(Cluster *cluster, const char *name, const char *api_url,
						const char *sidecar_url, PgbrError *error);

/* Note the URL of the host that reports members from now on. What another host says about addresses
 * of this host is not trusted with secrets. */
extern void cluster_hear(Cluster *cluster, const char *url);

/* The member of a name; NULL when there is none. The pointer stays valid when others are added. */
extern ClusterMember *cluster_find(Cluster *cluster, const char *name);

/* The leader that Patroni reported at the last refresh; NULL when there is none. */
extern const ClusterMember *cluster_find_leading(const Cluster *cluster);

extern bool cluster_is_leading(const Cluster *cluster, const char *name);

/* True when neither the sidecar nor Patroni of a member answers; also for an unknown member. */
extern bool cluster_is_silent(Cluster *cluster, const char *name);

/* The same, and the member did not hold the leader key at the last refresh: a member that renews
 * its key is running. */
extern bool cluster_is_gone(Cluster *cluster, const char *name);

/* Have all clients call this several times a second; when it returns true they give up. */
extern void
cluster_set_abort(Cluster *cluster, bool (*should_abort)(void *argument), void *argument);

#endif
