/*
 * patroni_client.c
 *		See patroni_client.h. Decides nothing: when a member is paused, or leads, is its caller's.
 */
#include "ctl/client/patroni_client.h"

#include "common/secret_file.h"
#include "common/strbuf.h"
#include "common/visible.h"
#include "common/vocabulary.h"
#include "ctl/client/http_call.h"
#include "program/file.h"
#include "program/json.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

/* A key that the dynamic configuration never has. */
#define PROGRAM_KEY "pgbackrest_ctl"

bool
patroni_read_user(PatroniClient *client, const char *path, PgbrError *error)
{
	StrBuf text;
	size_t length;
	bool ok = false;

	strbuf_init(&text);
	if (!pgbr_secret_file_check(path, error) || !file_read(path, 1024, &text, error))
		goto done;
	length = strcspn(text.data, "\r\n");
	if (length >= sizeof(client->user) || memchr(text.data, ':', length) == NULL)
	{
		pgbr_error_set(error, PGBR_ERROR_CONFIG,
					   "file \"%s\" does not begin with USER:PASSWORD of at most %zu bytes", path,
					   sizeof(client->user) - 1);
		goto done;
	}
	memcpy(client->user, text.data, length);
	client->user[length] = '\0';
	ok = true;

done:
	strbuf_done(&text);
	return ok;
}

/* Why the password does not go to a URL, or NULL. */
static const char *
withheld(const PatroniClient *client, const char *url)
{
	for (int i = 0; i < client->named_count; i++)
	{
		if (strcmp(client->named[i], url) == 0)
			return NULL;
	}
	return secret_rule_refuses(&client->rule, url);
}

/* One request; true for any status. *answer is NULL when the answer is no JSON object. */
static bool
call(const PatroniClient *client, const char *method, const char *base, const char *path,
	 const json_t *body, int timeout_ms, long *status, json_t **answer, PgbrError *error)
{
	char url[PATRONI_URL_SIZE + 32];
	PgbrHttpRequest request = {
		.method = method,
		.url = url,
		.user = client->user[0] && !withheld(client, base) ? client->user : NULL,
		.ca_file = client->ca_file,
		.cert_file = client->cert_file,
		.key_file = client->key_file,
		.timeout_ms = timeout_ms > 0 ? timeout_ms : client->timeout_ms,
		.connect_ms = HTTP_CALL_CONNECT_MS,
		.should_abort = client->should_abort,
		.abort_argument = client->abort_argument,
	};
	PgbrHttpResponse response;
	StrBuf text;
	bool ok;

	strbuf_init(&text);
	if (body && (!json_write(body, &text) || text.failed))
	{
		strbuf_done(&text);
		return pgbr_error_set(error, PGBR_ERROR_INTERNAL, "out of memory");
	}
	request.body = body ? text.data : NULL;
	snprintf(url, sizeof(url), "%s%s", base, path);
	ok = http_call_perform(&request, &response, error);
	strbuf_done(&text);
	if (!ok)
	{
		PgbrError reason = *error;

		pgbr_error_set(error, reason.code, "could not ask Patroni: %s", reason.message);
		pgbr_error_detail(error, "%s", reason.detail);
		if (reason.code == PGBR_ERROR_UNREACHABLE)
			pgbr_error_hint(error, "Name the REST API of a member with --patroni-url=URL, "
								   "PGBRCTL_PATRONI_URL, or patroni-url in " CTL_CONFIG_FILE
								   ". It is restapi.connect_address in the member's patroni.yml.");
		return false;
	}
	*status = response.status;
	*answer = json_parse(response.body, response.length, NULL);
	pgbr_http_response_done(&response);
	if (!json_is_object(*answer))
	{
		json_decref(*answer);
		*answer = NULL;
	}
	return true;
}

static bool
patroni_refuse(const PatroniClient *client, const char *method, const char *url, const char *path,
			   long status, PgbrError *error)
{
	const char *why = status == 401 && client->user[0] ? withheld(client, url) : NULL;
	PgbrErrorCode code = status == 401 || status == 403					   ? PGBR_ERROR_FORBIDDEN
						 : status == 409								   ? PGBR_ERROR_CONFLICT
						 : status == 502 || status == 503 || status == 500 ? PGBR_ERROR_UNAVAILABLE
																		   : PGBR_ERROR_PROTOCOL;

	if (code == PGBR_ERROR_PROTOCOL)
		pgbr_error_set(error, code, "the server that answered is not Patroni: HTTP status %ld",
					   status);
	else if (why)
		pgbr_error_set(error, code, "the password was not sent to Patroni at %s: %s", url, why);
	else
		pgbr_error_set(error, code, "Patroni refused with HTTP status %ld", status);
	pgbr_error_detail(error, "The request was %s %s%s.", method, url, path);
	if (why)
		pgbr_error_hint(
			error,
			"Name the REST APIs of all members with --patroni-url=URL,URL, or in the "
			"configuration file; or serve them over https and give --patroni-ca-file. "
			"--trust-members sends the password to every address that is reported for a member.");
	else if (status == 401)
		pgbr_error_hint(error, "--patroni-user-file names a file with its REST API's user and "
							   "password.");
	else if (status == 403)
		pgbr_error_hint(error,
						"Its REST API requires a client certificate (--patroni-cert-file, "
						"--patroni-key-file), or its allowlist does not include this machine.");
	return false;
}

/* GET of a document that comes with status 200. */
static bool
get(const PatroniClient *client, const char *url, const char *path, json_t **answer,
	PgbrError *error)
{
	long status;

	if (!call(client, "GET", url, path, NULL, 0, &status, answer, error))
		return false;
	if (status == 200 && *answer)
		return true;
	json_decref(*answer);
	*answer = NULL;
	return patroni_refuse(client, "GET", url, path, status == 200 ? 0 : status, error);
}

static void
take_text(const json_t *object, const char *key, char *target, size_t size)
{
	const char *text = json_text(object, key);

	/* show the value as it was sent */
	pgbr_copy_visible(target, size, text ? text : "");
	target[strcspn(target, "\t\n")] = '\0';
}

static uint32_t
take_timeline(const json_t *object)
{
	long long timeline = json_number(object, "timeline", 0);

	return timeline > 0 && timeline <= UINT32_MAX ? (uint32_t) timeline : 0;
}

static int
take_port(const json_t *object)
{
	long long port = json_number(object, "port", 0);

	return port > 0 && port <= UINT16_MAX ? (int) port : 0;
}

static bool
read_member(const json_t *json, PatroniMember *member, PgbrError *error)
{
	const char *name = json_text(json, "name");
	const char *url = json_text(json, "api_url");
	size_t scheme;

	memset(member, 0, sizeof(*member));
	if (name == NULL || name[0] == '\0' || !pgbr_is_plain_text(name, sizeof(member->name) - 1))
		return pgbr_error_set(error, PGBR_ERROR_PROTOCOL,
							  "Patroni's answer has a member without a usable name");
	strcpy(member->name, name);
	/* a member that is not up yet has none */
	if (url)
	{
		if (!http_call_check_url("Patroni", url, sizeof(member->url), false, error))
			return pgbr_error_set(error, PGBR_ERROR_PROTOCOL,
								  "Patroni's answer has an invalid URL of member \"%s\"",
								  member->name);
		strcpy(member->url, url);
		scheme = strcspn(member->url, ":") + 3;
		member->url[scheme + strcspn(member->url + scheme, "/")] = '\0';
	}
	take_text(json, "host", member->host, sizeof(member->host));
	member->port = take_port(json);
	take_text(json, "role", member->role, sizeof(member->role));
	take_text(json, "state", member->state, sizeof(member->state));
	member->leads =
		strcmp(member->role, "leader") == 0 || strcmp(member->role, "standby_leader") == 0;
	member->timeline = take_timeline(json);
	member->lag = json_number(json, "lag", -1);
	if (member->lag < 0)
		member->lag = -1;
	return true;
}

bool
patroni_read_cluster(const json_t *answer, PatroniCluster *cluster, PgbrError *error)
{
	const json_t *members = json_object_get(answer, "members");
	size_t index;
	json_t *member;

	memset(cluster, 0, sizeof(*cluster));
	if (!json_is_array(members))
		return pgbr_error_set(error, PGBR_ERROR_PROTOCOL, "Patroni's answer has no members");
	if (json_array_size(members) > PATRONI_MEMBERS_MAX)
		return pgbr_error_set(error, PGBR_ERROR_PROTOCOL,
							  "the cluster has %zu members, which is more than %d",
							  json_array_size(members), PATRONI_MEMBERS_MAX);
	json_array_foreach(members, index, member)
	{
		if (!read_member(member, &cluster->members[cluster->count], error))
			return false;
		for (int i = 0; i < cluster->count; i++)
		{
			if (strcmp(cluster->members[i].name, cluster->members[cluster->count].name) == 0)
				return pgbr_error_set(error, PGBR_ERROR_PROTOCOL,
									  "Patroni's answer has the member \"%s\" twice",
									  cluster->members[i].name);
		}
		if (strcmp(cluster->members[cluster->count].role, "standby_leader") == 0)
			cluster->standby = true;
		cluster->count++;
	}
	cluster->paused = json_flag(answer, "pause");
	cluster->switchover_scheduled = json_is_object(json_object_get(answer, "scheduled_switchover"));
	return true;
}

bool
patroni_get_cluster(const PatroniClient *client, const char *url, PatroniCluster *cluster,
					PgbrError *error)
{
	json_t *answer = NULL;
	bool ok = get(client, url, "/cluster", &answer, error) &&
			  patroni_read_cluster(answer, cluster, error);

	json_decref(answer);
	return ok;
}

static void
read_streaming(const json_t *answer, PatroniNode *node)
{
	size_t index;
	json_t *row;

	json_array_foreach(json_object_get(answer, "replication"), index, row)
	{
		const char *state = json_text(row, "state");

		if (state && strcmp(state, "streaming") == 0 && node->streaming_count < PATRONI_MEMBERS_MAX)
			take_text(row, "application_name", node->streaming[node->streaming_count++],
					  sizeof(node->streaming[0]));
	}
}

bool
patroni_read_node(const json_t *answer, PatroniNode *node, PgbrError *error)
{
	const json_t *patroni = json_object_get(answer, "patroni");
	long long replayed;
	long long version;

	memset(node, 0, sizeof(*node));
	if (!json_is_object(patroni) || json_text(answer, "state") == NULL)
		return pgbr_error_set(error, PGBR_ERROR_PROTOCOL,
							  "the server that answered is not Patroni");
	take_text(patroni, "scope", node->scope, sizeof(node->scope));
	take_text(patroni, "version", node->version, sizeof(node->version));
	take_text(answer, "state", node->state, sizeof(node->state));
	take_text(answer, "role", node->role, sizeof(node->role));
	take_text(answer, "database_system_identifier", node->system_identifier,
			  sizeof(node->system_identifier));
	if (node->system_identifier[strspn(node->system_identifier, "0123456789")] != '\0')
		return pgbr_error_set(error, PGBR_ERROR_PROTOCOL,
							  "Patroni's answer has a system identifier that is no number");
	take_text(answer, "postmaster_start_time", node->postmaster_start_time,
			  sizeof(node->postmaster_start_time));
	if (strcmp(node->role, "master") == 0)
		strcpy(node->role, "primary");
	node->running = node->postmaster_start_time[0] != '\0';
	node->primary = strcmp(node->role, "primary") == 0;
	node->paused = json_flag(answer, "pause");
	node->unlocked = json_flag(answer, "cluster_unlocked");
	node->restart_scheduled = json_object_get(answer, "scheduled_restart") != NULL;
	node->timeline = take_timeline(answer);
	replayed = json_number(json_object_get(answer, "xlog"), "replayed_location", 0);
	node->replayed = replayed > 0 ? (uint64_t) replayed : 0;
	version = json_number(answer, "server_version", 0);
	node->server_version = version > 0 && version <= INT_MAX ? (int) version : 0;
	read_streaming(answer, node);
	return true;
}

/* The document of a member. Its status is for load balancers: 503 while PostgreSQL is down, with
 * the same document. */
static bool
get_node(const PatroniClient *client, const char *url, const char *path, long *status,
		 PatroniNode *node, PgbrError *error)
{
	json_t *answer = NULL;
	bool ok;

	if (!call(client, "GET", url, path, NULL, 0, status, &answer, error))
		return false;
	if (answer)
		ok = patroni_read_node(answer, node, error);
	else
		ok = patroni_refuse(client, "GET", url, path, *status == 200 ? 0 : *status, error);
	json_decref(answer);
	return ok;
}

bool
patroni_get_node(const PatroniClient *client, const char *url, PatroniNode *node, PgbrError *error)
{
	long status;

	return get_node(client, url, "/patroni", &status, node, error);
}

bool
patroni_watch_node(const PatroniClient *client, const char *url, PatroniNode *node,
				   PgbrError *error)
{
	long status;

	return get_node(client, url, "/health", &status, node, error);
}

bool
patroni_is_primary(const PatroniClient *client, const char *url, bool *primary, PatroniNode *node,
				   PgbrError *error)
{
	long status;

	if (!get_node(client, url, "/primary", &status, node, error))
		return false;
	*primary = status == 200;
	return status == 200 || status == 503 ||
		   patroni_refuse(client, "GET", url, "/primary", status, error);
}

bool
patroni_get_config(const PatroniClient *client, const char *url, json_t **config, PgbrError *error)
{
	return get(client, url, "/config", config, error);
}

/* A request that changes something; the answer's text says nothing that its status does not. */
static bool
change(const PatroniClient *client, const char *method, const char *url, const char *path,
	   const json_t *body, int timeout_ms, PgbrError *error)
{
	json_t *answer = NULL;
	long status;

	if (!call(client, method, url, path, body, timeout_ms, &status, &answer, error))
		return false;
	json_decref(answer);
	return status / 100 == 2 || patroni_refuse(client, method, url, path, status, error);
}

bool
patroni_patch_config(const PatroniClient *client, const char *url, const json_t *patch,
					 PgbrError *error)
{
	return change(client, "PATCH", url, "/config", patch, 0, error);
}

bool
patroni_check_access(const PatroniClient *client, const char *url, PgbrError *error)
{
	json_t *patch = json_object();
	bool ok;

	/* removing a key that nobody sets needs the same rights as any change, and changes nothing */
	json_object_set_new(patch, PROGRAM_KEY, json_null());
	ok = patroni_patch_config(client, url, patch, error);
	json_decref(patch);
	return ok;
}

bool
patroni_await_round(const PatroniClient *client, const char *url, PgbrError *error)
{
	json_t *answer = NULL;
	long status;

	if (!call(client, "DELETE", url, "/restart", NULL, 0, &status, &answer, error))
		return false;
	json_decref(answer);
	return status == 404 || status == 200 ||
		   patroni_refuse(client, "DELETE", url, "/restart", status, error);
}

bool
patroni_restart(const PatroniClient *client, const char *url, int timeout_ms, PgbrError *error)
{
	json_t *body = json_object();
	bool ok = body ? change(client, "POST", url, "/restart", body, timeout_ms, error)
				   : pgbr_error_set(error, PGBR_ERROR_INTERNAL, "out of memory");

	json_decref(body);
	return ok;
}

bool
patroni_fail_over(const PatroniClient *client, const char *url, const char *candidate,
				  int timeout_ms, PgbrError *error)
{
	json_t *body = json_pack("{ss}", "candidate", candidate);
	bool ok = body ? change(client, "POST", url, "/failover", body, timeout_ms, error)
				   : pgbr_error_set(error, PGBR_ERROR_INTERNAL, "out of memory");

	json_decref(body);
	return ok;
}
