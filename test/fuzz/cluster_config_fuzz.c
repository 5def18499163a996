// links: ctl
/*
 * cluster_config_fuzz.c
 *		Any bytes as the configuration file of the control binary: what is taken is URLs in their form and
 *		names that fit, and what is refused is refused with its place.
 */
#include "common/vocabulary.h"
#include "ctl/client/cluster.h"
#include "ctl/client/http_call.h"
#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static Cluster cluster;
	PgbrError error = PGBR_ERROR_INIT;
	char *text = fuzz_text(data, size);

	memset(&cluster, 0, sizeof(cluster));
	if (cluster_read_config(&cluster, "fuzz", text, &error))
	{
		MUST(cluster.url_count >= 0 && cluster.url_count <= 8);
		for (int i = 0; i < cluster.url_count; i++)
			MUST(http_call_check_url("Patroni", cluster.urls[i], PATRONI_URL_SIZE, false, &error));
		for (int i = 0; i < cluster.sidecar_count; i++)
			MUST(cluster.sidecars[i].name[0] && cluster.sidecars[i].url[0]);
	}
	else
		MUST(error.code == PGBR_ERROR_CONFIG && error.message[0] &&
			 pgbr_is_utf8(error.message, strlen(error.message)));
	free(text);
	return 0;
}
