/*
 * member.c
 *		The route of what this member is.
 */
#include "sidecar/api/member.h"

#include "sidecar/api/handlers.h"

#include "program/restore_options.h"
#include "sidecar/pgbackrest/version.h"
#include "sidecar/postgres/member.h"
#include "sidecar/postgres/member_details.h"
#include "sidecar/postgres/member_identity.h"
#include "sidecar/postgres/member_memory.h"

json_t *
node_describe(Sidecar *sidecar)
{
	Node node;
	char version[32];
	json_t *json;

	node_read(sidecar->config, sidecar->stop_fd, &node);
	node_remember(sidecar->config, sidecar->queue, &node);
	pgbackrest_version_read(sidecar->config, version);
	json = node_json(&node, sidecar->config->stanza, version);
	if (json)
	{
		node_add_details(sidecar->config, sidecar->queue, sidecar->stop_fd, &node, json);
		json_object_set_new(
			json, "restore_options",
			restore_options_json(sidecar->config->pgbackrest_config, sidecar->config->stanza));
		member_identity_add(sidecar->config, sidecar->queue, node.data_directory, json);
	}
	return json;
}

void
handle_node(Sidecar *sidecar, const HttpRequest *request, HttpResponse *response)
{
	(void) request;
	http_answer_json(response, 200, node_describe(sidecar));
}
