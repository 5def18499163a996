/*
 * cluster.h
 *		The cluster a verb works on: its members as Patroni lists them, each with the sidecar beside
 *		it; and the options that tell where they are.
 *
 * A member is known by its name. Where its sidecar is comes from --sidecar or the configuration file,
 * else from a journal, else it is on the host of the member's REST API: port 8430, or the default
 * socket of this host. The command line wins over the environment, and that over the file. To what the
 * user has not named, token and password go by secret_rule.h alone. A Cluster owns nothing but its own memory, borrows the texts
 * of the sidecars' settings, and is used by one thread; its clients ask should_abort when it is set.
 */
#ifndef PGBR_CTL_CLIENT_CLUSTER_H
#define PGBR_CTL_CLIENT_CLUSTER_H

#include "ctl/verbs/command.h"
#include "ctl/client/patroni_client.h"
#include "ctl/client/secret_rule.h"
#include "ctl/client/sidecar_client.h"

#include <stdbool.h>

#define CLUSTER_MEMBERS_MAX PATRONI_MEMBERS_MAX

/* Members for a verb's struct of arguments, and the rows that fill them. */
typedef struct ClusterArguments
{
	const char *config;
	const char *patroni_url;
	const char *patroni_user_file;
	const char *patroni_ca_file;
	const char *patroni_cert_file;
	const char *patroni_key_file;
	OptionList sidecars; /* NAME=URL, several separated by commas */
	bool trust_members;
} ClusterArguments;

#define CLUSTER_OPTIONS(type, member)                                                   \
	{"config",                                                                          \
	 'c',                                                                               \
	 OPTION_TEXT,                                                                       \
	 ARGUMENT(type, member.config),                                                     \
	 "FILE",                                                                            \
	 "PGBRCTL_CONFIG",                                                                  \
	 0,                                                                                 \
	 0,                                                                                 \
	 "YAML with the options that tell where the cluster is",                            \
	 false},                                                                            \
		{"patroni-url",                                                                 \
		 0,                                                                             \
		 OPTION_TEXT,                                                                   \
		 ARGUMENT(type, member.patroni_url),                                            \
		 "URL[,URL]",                                                                   \
		 "PGBRCTL_PATRONI_URL",                                                         \
		 0,                                                                             \
		 0,                                                                             \
		 "REST API of any member (default: http://127.0.0.1:8008)",                     \
		 false},                                                                        \
		{"patroni-user-file",                                                           \
		 0,                                                                             \
		 OPTION_TEXT,                                                                   \
		 ARGUMENT(type, member.patroni_user_file),                                      \
		 "FILE",                                                                        \
		 "PGBRCTL_PATRONI_USER_FILE",                                                   \
		 0,                                                                             \
		 0,                                                                             \
		 "USER:PASSWORD of the REST API, on its first line",                            \
		 false},                                                                        \
		{"patroni-ca-file",                                                             \
		 0,                                                                             \
		 OPTION_TEXT,                                                                   \
		 ARGUMENT(type, member.patroni_ca_file),                                        \
		 "FILE",                                                                        \
		 "PGBRCTL_PATRONI_CA_FILE",                                                     \
		 0,                                                                             \
		 0,                                                                             \
		 "certificates to trust for it (default: --ca-file)",                           \
		 false},                                                                        \
		{"patroni-cert-file",                                                           \
		 0,                                                                             \
		 OPTION_TEXT,                                                                   \
		 ARGUMENT(type, member.patroni_cert_file),                                      \
		 "FILE",                                                                        \
		 "PGBRCTL_PATRONI_CERT_FILE",                                                   \
		 0,                                                                             \
		 0,                                                                             \
		 "client certificate for it (default: --cert-file)",                            \
		 false},                                                                        \
		{"patroni-key-file",                                                            \
		 0,                                                                             \
		 OPTION_TEXT,                                                                   \
		 ARGUMENT(type, member.patroni_key_file),                                       \
		 "FILE",                                                                        \
		 "PGBRCTL_PATRONI_KEY_FILE",                                                    \
		 0,                                                                             \
		 0,                                                                             \
		 "its key (default: --key-file)",                                               \
		 false},                                                                        \
		{"sidecar",                                                                     \
		 0,                                                                             \
		 OPTION_TEXT,                                                                   \
		 ARGUMENT(type, member.sidecars),                                               \
		 "NAME=URL",                                                                    \
		 "PGBRCTL_SIDECARS",                                                            \
		 0,                                                                             \
		 0,                                                                             \
		 "the sidecar of a member; may be repeated",                                    \
		 true},                                                                         \
	{                                                                                   \
		"trust-members", 0, OPTION_FLAG, ARGUMENT(type, member.trust_members), NULL,    \
			"PGBRCTL_TRUST_MEMBERS", 0, 0,                                              \
			"send token and password also over http to members that others name", false \
	}

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

	/* where things are, as the user said */
	char urls[8][PATRONI_URL_SIZE];
	int url_count;
	struct
	{
		char name[64];
		char url[SIDECAR_URL_MAX];
	} sidecars[CLUSTER_MEMBERS_MAX];
	int sidecar_count;
	char user_file[256];
	char ca_file[256];
	char cert_file[256];
	char key_file[256];
	bool trust_members;
	SecretRule rule;				 /* for the token */
	const SidecarSettings *settings; /* what all sidecars share */
	SidecarClient sidecar;			 /* what the members' clients are made from */
} Cluster;

/* Read where things are. Nothing is asked yet. CONFIG. The cluster must not be moved afterwards. */
extern bool cluster_init(Cluster *cluster, const ClusterArguments *arguments,
						 const SidecarSettings *settings, PgbrError *error);

/*
 * Ask Patroni for its members, at the URLs given and at those of the members known, and add those
 * that --sidecar names. False when no Patroni answers: patroni_error says so as well, and the members
 * are those known otherwise, which is enough for verbs that can do without Patroni.
 */
extern bool cluster_refresh(Cluster *cluster, PgbrError *error);

/* Parts of cluster_init: URLs of Patroni, separated by commas; the sidecar of a member, unless one was
 * given before; and a configuration file's text. CONFIG. */
extern bool cluster_take_urls(Cluster *cluster, const char *text, PgbrError *error);
extern bool
cluster_take_sidecar(Cluster *cluster, const char *name, const char *url, PgbrError *error);
extern bool
cluster_read_config(Cluster *cluster, const char *name, const char *text, PgbrError *error);

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
