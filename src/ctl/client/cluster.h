/*
 * cluster.h
 *		The cluster a verb works on: its members as Patroni lists them, each with the sidecar beside
 *		it.
 *
 * A member is known by its name. Where its sidecar is comes from --sidecar or the configuration file,
 * else from a journal, else it is on the host of the member's REST API: port 8430, or the default
 * socket of this host. Token and password go to what the user has not named by secret_rule.h alone. A
 * Cluster owns nothing but its own memory, borrows the texts of the sidecars' settings, and is used by
 * one thread; its clients ask should_abort when it is set.
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
	ClusterMember places[CLUSTER_MEMBERS_MAX]; /* what they point to, as they came */

	ClusterSettings named;			 /* where things are, as the user said */
	SecretRule rule;				 /* for the token */
	const SidecarSettings *settings; /* what all sidecars share */
	SidecarClient sidecar;			 /* what the members' clients are made from */
} Cluster;

/* Take where things are from the options and from what the configuration file says, NULL without one.
 * Nothing is asked yet. CONFIG. The cluster must not be moved afterwards. */
extern bool
cluster_init(Cluster *cluster, const ClusterArguments *arguments, const ClusterSettings *file,
			 const SidecarSettings *settings, PgbrError *error);

/*
 * Ask Patroni for its members, at the URLs given and at those of the members known, and add those
 * that --sidecar names. False when no Patroni answers: patroni_error says so as well, and the members
 * are those known otherwise, which is enough for verbs that can do without Patroni.
 */
extern bool cluster_refresh(Cluster *cluster, PgbrError *error);

/* Add a member that somebody else knows of, or fill in what is not known of it. */
extern bool cluster_add(Cluster *cluster, const char *name, const char *api_url,
						const char *sidecar_url, PgbrError *error);

/* Say at whose word members are added from now on, by the URL that answered: what another host says of
 * addresses of this one is not trusted with secrets. */
extern void cluster_hear(Cluster *cluster, const char *url);

/* The member of a name; NULL when there is none. It stays where it is, whoever is added. */
extern ClusterMember *cluster_find(Cluster *cluster, const char *name);

/* Who leads by Patroni's word when the cluster was last refreshed; NULL when nobody does. */
extern const ClusterMember *cluster_find_leading(const Cluster *cluster);

extern bool cluster_is_leading(const Cluster *cluster, const char *name);

/* Whether neither the sidecar nor Patroni of a member answers, also one that is not known. */
extern bool cluster_is_silent(Cluster *cluster, const char *name);

/* The same, and it had not the leader key when the cluster was last refreshed: one that keeps it runs. */
extern bool cluster_is_gone(Cluster *cluster, const char *name);

/* Have all clients ask this several times a second whether to give up. */
extern void
cluster_set_abort(Cluster *cluster, bool (*should_abort)(void *argument), void *argument);

#endif
