/*
 * cluster.c
 *		See cluster.h. What is done with the members is the verbs' business.
 */
#include "ctl/client/cluster.h"

#include "common/sidecar_url.h"
#include "common/vocabulary.h"
#include "ctl/client/http_call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A member that starts PostgreSQL can take seconds to answer; one that is gone must not hold up the
 * others. */
#define PATRONI_TIMEOUT_MS 5000

/* Decide by which rule the token and Patroni's password go to hosts that the user has not named. */
static void
set_rules(Cluster *cluster)
{
	cluster->rule = (SecretRule){.private_ca = cluster->settings->ca_file != NULL,
								 .on_this_host = true,
								 .trust_members = cluster->named.trust_members};
	cluster->patroni.rule = cluster->rule;
	cluster->patroni.rule.private_ca = cluster->patroni.ca_file != NULL;
	cluster->patroni.named = cluster->named.urls;
	cluster->patroni.named_count = cluster->named.url_count;
	for (int i = 0; i < cluster->named.url_count; i++)
		cluster_hear(cluster, cluster->named.urls[i]);
}

void
cluster_hear(Cluster *cluster, const char *url)
{
	if (!secret_rule_is_this_host(url))
		cluster->rule.on_this_host = cluster->patroni.rule.on_this_host = false;
}

bool
cluster_init(Cluster *cluster, const ClusterArguments *arguments, const ClusterSettings *file,
			 const SidecarSettings *settings, PgbrError *error)
{
	ClusterSettings *named = &cluster->named;

	memset(cluster, 0, sizeof(*cluster));
	cluster->settings = settings;
	if (!sidecar_client_init(&cluster->sidecar, settings, error) ||
		!cluster_settings_read(named, arguments, file, error))
		return false;
	cluster->patroni.timeout_ms = PATRONI_TIMEOUT_MS;
	cluster->patroni.ca_file = named->ca_file[0] ? named->ca_file : settings->ca_file;
	cluster->patroni.cert_file = named->cert_file[0] ? named->cert_file : settings->cert_file;
	cluster->patroni.key_file = named->key_file[0] ? named->key_file : settings->key_file;
	set_rules(cluster);
	return named->user_file[0] == '\0' ||
		   patroni_read_user(&cluster->patroni, named->user_file, error);
}

/* Guess the sidecar of a member where the user names none: it is on the host of the member's REST
 * API. On this host it is at the default socket, where only PostgreSQL's user can listen. */
static void
guess_sidecar(const Cluster *cluster, const char *api_url, char *url, size_t size)
{
	const char *host = strstr(api_url, "://") + 3;
	const char *end = host[0] == '[' ? strchr(host, ']') : NULL;
	size_t length = end ? (size_t) (end - host) + 1 : strcspn(host, ":/");

	if (cluster->rule.on_this_host && secret_rule_is_this_host(api_url))
		snprintf(url, size, "%s", PGBR_DEFAULT_URL);
	else
		snprintf(url, size, "%.*s%.*s:%d", (int) (host - api_url), api_url, (int) length, host,
				 PGBR_DEFAULT_PORT);
}

static const char *
named_sidecar(const Cluster *cluster, const char *name)
{
	for (int i = 0; i < cluster->named.sidecar_count; i++)
	{
		if (strcmp(cluster->named.sidecars[i].name, name) == 0)
			return cluster->named.sidecars[i].url;
	}
	return NULL;
}

ClusterMember *
cluster_find(Cluster *cluster, const char *name)
{
	for (int i = 0; i < cluster->count; i++)
	{
		if (strcmp(cluster->members[i]->name, name) == 0)
			return cluster->members[i];
	}
	return NULL;
}

const ClusterMember *
cluster_find_leading(const Cluster *cluster)
{
	for (int i = 0; i < cluster->count; i++)
	{
		if (cluster->members[i]->patroni.leads)
			return cluster->members[i];
	}
	return NULL;
}

bool
cluster_is_silent(Cluster *cluster, const char *name)
{
	const ClusterMember *member = cluster_find(cluster, name);
	PgbrError sidecar = {.code = PGBR_ERROR_UNREACHABLE};
	PgbrError api = {.code = PGBR_ERROR_UNREACHABLE};
	json_t *node = NULL;
	PatroniNode patroni;

	if (member && member->sidecar.url[0] &&
		sidecar_client_call(&member->sidecar, "GET", PGBR_PATH_NODE, NULL, 0, &node, &sidecar))
	{
		json_decref(node);
		return false;
	}
	/* an error response is a sign of life, too */
	return (member == NULL || member->api_url[0] == '\0' ||
			!patroni_watch_node(&cluster->patroni, member->api_url, &patroni, &api)) &&
		   (sidecar.code == PGBR_ERROR_UNREACHABLE || sidecar.code == PGBR_ERROR_TIMEOUT) &&
		   (api.code == PGBR_ERROR_UNREACHABLE || api.code == PGBR_ERROR_TIMEOUT);
}

bool
cluster_is_leading(const Cluster *cluster, const char *name)
{
	const ClusterMember *leading = cluster_find_leading(cluster);

	return leading && strcmp(leading->name, name) == 0;
}

bool
cluster_is_gone(Cluster *cluster, const char *name)
{
	return !cluster_is_leading(cluster, name) && cluster_is_silent(cluster, name);
}

/* Find a member by name, or make it; the members are sorted by name. */
static ClusterMember *
find_or_make(Cluster *cluster, const char *name)
{
	ClusterMember *member = cluster_find(cluster, name);
	int at = cluster->count;

	if (member || cluster->count == CLUSTER_MEMBERS_MAX)
		return member;
	/* callers keep pointers to members, so none may move */
	member = &cluster->places[cluster->count];
	for (; at > 0 && strcmp(cluster->members[at - 1]->name, name) > 0; at--)
		cluster->members[at] = cluster->members[at - 1];
	cluster->members[at] = member;
	cluster->count++;
	memset(member, 0, sizeof(*member));
	pgbr_copy_text(member->name, sizeof(member->name), name);
	member->sidecar = cluster->sidecar;
	member->sidecar.url[0] = '\0';
	return member;
}

/* A response with a bad URL is a protocol error, not the user's mistake. */
static bool
invalid_url(const char *what, const char *name, PgbrError *error)
{
	return pgbr_error_set(error, PGBR_ERROR_PROTOCOL,
						  "an answer has an invalid URL of the %s of member \"%s\"", what, name);
}

bool
cluster_add(Cluster *cluster, const char *name, const char *api_url, const char *sidecar_url,
			PgbrError *error)
{
	ClusterMember *member = find_or_make(cluster, name);
	const char *named = named_sidecar(cluster, name);

	if (member == NULL)
		return pgbr_error_set(error, PGBR_ERROR_CONFIG, "the cluster has more than %d members",
							  CLUSTER_MEMBERS_MAX);
	if (api_url && api_url[0] && member->api_url[0] == '\0')
	{
		if (!http_call_check_url("Patroni", api_url, sizeof(member->api_url), false, error))
			return invalid_url("Patroni", name, error);
		strcpy(member->api_url, api_url);
	}
	if (sidecar_url && sidecar_url[0] &&
		!http_call_check_url("sidecar", sidecar_url, SIDECAR_URL_MAX, true, error))
		return invalid_url("sidecar", name, error);
	if (named)
		strcpy(member->sidecar.url, named);
	/* a socket of a journal is on the host that wrote it: here it would be another member's */
	else if (sidecar_url && sidecar_url[0] && pgbr_url_glue(sidecar_url)[0] == '\0')
		strcpy(member->sidecar.url, sidecar_url);
	else if (member->sidecar.url[0] == '\0' && member->api_url[0])
		guess_sidecar(cluster, member->api_url, member->sidecar.url, sizeof(member->sidecar.url));
	member->sidecar.withheld =
		named ? NULL : secret_rule_refuses(&cluster->rule, member->sidecar.url);
	return true;
}

/* Ask one member for all; true when it answered. */
static bool
cluster_ask(Cluster *cluster, const char *url, PgbrError *error)
{
	PatroniNode node;

	if (!patroni_get_cluster(&cluster->patroni, url, &cluster->view, error))
		return false;
	if (cluster->scope[0] == '\0')
	{
		if (!patroni_get_node(&cluster->patroni, url, &node, error))
			return false;
		/* the user is asked to type this name */
		if (node.scope[0] == '\0' || !pgbr_is_plain_text(node.scope, sizeof(node.scope) - 1))
			return pgbr_error_set(error, PGBR_ERROR_PROTOCOL,
								  "Patroni's answer has no usable name of the cluster");
		if (cluster->named.scope[0] && strcmp(cluster->named.scope, node.scope) != 0)
		{
			pgbr_error_set(error, PGBR_ERROR_CONFIG,
						   "Patroni at %s is of cluster \"%s\", not of \"%s\"", url, node.scope,
						   cluster->named.scope);
			return pgbr_error_hint(error, "Correct patroni-url or cluster in the configuration "
										  "file, or --patroni-url.");
		}
		strcpy(cluster->scope, node.scope);
	}
	return true;
}

/* Ask the URLs given, then those of the members, until one answers. */
static bool
cluster_ask_any(Cluster *cluster, PgbrError *error)
{
	for (int i = 0; i < cluster->named.url_count; i++)
	{
		if (cluster_ask(cluster, cluster->named.urls[i], error))
			return true;
		if (error->code == PGBR_ERROR_ABORTED)
			return false;
	}
	for (int i = 0; i < cluster->count; i++)
	{
		const char *url = cluster->members[i]->api_url;
		PgbrError ignored;

		if (url[0] && cluster_ask(cluster, url, &ignored))
		{
			cluster_hear(cluster, url);
			return true;
		}
	}
	return false;
}

bool
cluster_refresh(Cluster *cluster, PgbrError *error)
{
	PgbrError reason = PGBR_ERROR_INIT;

	for (int i = 0; i < cluster->named.sidecar_count; i++)
	{
		if (!cluster_add(cluster, cluster->named.sidecars[i].name, NULL, NULL, error))
			return false;
	}
	cluster->patroni_answered = cluster_ask_any(cluster, &reason);
	cluster->patroni_error = reason;
	if (!cluster->patroni_answered)
	{
		*error = reason;
		return false;
	}
	for (int i = 0; i < cluster->count; i++)
		memset(&cluster->members[i]->patroni, 0, sizeof(cluster->members[i]->patroni));
	for (int i = 0; i < cluster->view.count; i++)
	{
		const PatroniMember *listed = &cluster->view.members[i];

		if (!cluster_add(cluster, listed->name, listed->url, NULL, error))
			return false;
		cluster_find(cluster, listed->name)->patroni = *listed;
	}
	return true;
}

void
cluster_set_abort(Cluster *cluster, bool (*should_abort)(void *argument), void *argument)
{
	cluster->patroni.should_abort = should_abort;
	cluster->patroni.abort_argument = argument;
	cluster->sidecar.should_abort = should_abort;
	cluster->sidecar.abort_argument = argument;
	for (int i = 0; i < cluster->count; i++)
	{
		cluster->members[i]->sidecar.should_abort = should_abort;
		cluster->members[i]->sidecar.abort_argument = argument;
	}
}
