/*
 * node.c
 *		The route of what this member is.
 */
#include "sidecar/api/jobs.h"

#include "sidecar/postgres/member.h"
#include "sidecar/postgres/member_details.h"
#include "sidecar/postgres/member_memory.h"

void
handle_node(Sidecar *sidecar, const HttpRequest *request, HttpResponse *response)
{
	Node node;
	char version[32];
	json_t *json;

	(void) request;
	node_read(sidecar->config, sidecar->stop_fd, &node);
	node_remember(sidecar->config, sidecar->queue, &node);
	node_pgbackrest_version(sidecar->config, version);
	json = node_json(&node, sidecar->config->stanza, version);
	if (json)
		node_add_details(sidecar->config, sidecar->queue, sidecar->stop_fd, &node, json);
	http_answer_json(response, 200, json);
}
