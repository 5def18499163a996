// links: ctl
// runs: 70000
/*
 * patroni_fuzz.c
 *		Any answer of what claims to be Patroni: names can be shown, and a member's URL is of a host
 *		alone.
 *
 * The answer is read both as GET /cluster and as GET /patroni.
 */
#include "common/vocabulary.h"
#include "ctl/client/http_call.h"
#include "ctl/client/patroni_client.h"
#include "program/json.h"
#include "fuzz_json.h"

static void
check_cluster(const PatroniCluster *cluster)
{
	PgbrError error;

	MUST(cluster->count >= 0 && cluster->count <= PATRONI_MEMBERS_MAX);
	for (int i = 0; i < cluster->count; i++)
	{
		const PatroniMember *member = &cluster->members[i];

		MUST(member->name[0] && pgbr_is_plain_text(member->name, sizeof(member->name) - 1));
		MUST(pgbr_is_plain_text(member->role, sizeof(member->role) - 1));
		MUST(pgbr_is_plain_text(member->state, sizeof(member->state) - 1));
		MUST(member->lag >= -1);
		for (int j = 0; j < i; j++)
			MUST(strcmp(member->name, cluster->members[j].name) != 0);
		if (member->url[0] == '\0')
			continue;
		MUST(http_call_check_url("Patroni", member->url, sizeof(member->url), false, &error));
		MUST(strpbrk(strchr(member->url, ':') + 3, "/?#@") == NULL);
	}
}

static void
check_node(const PatroniNode *node)
{
	MUST(pgbr_is_plain_text(node->scope, sizeof(node->scope) - 1));
	MUST(pgbr_is_plain_text(node->version, sizeof(node->version) - 1));
	MUST(pgbr_is_plain_text(node->state, sizeof(node->state) - 1));
	MUST(pgbr_is_plain_text(node->role, sizeof(node->role) - 1));
	MUST(pgbr_is_plain_text(node->postmaster_start_time, sizeof(node->postmaster_start_time) - 1));
	MUST(node->system_identifier[strspn(node->system_identifier, "0123456789")] == '\0');
	MUST(node->server_version >= 0);
	MUST(node->streaming_count >= 0 && node->streaming_count <= PATRONI_MEMBERS_MAX);
	MUST(!node->primary || strcmp(node->role, "primary") == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static PatroniCluster cluster;
	static PatroniNode node;
	PgbrError error;
	json_t *answer = json_parse((const char *) data, size, &error);

	/* as who asks does */
	if (json_is_object(answer))
	{
		if (patroni_read_cluster(answer, &cluster, &error))
			check_cluster(&cluster);
		if (patroni_read_node(answer, &node, &error))
			check_node(&node);
	}
	json_decref(answer);
	return 0;
}
