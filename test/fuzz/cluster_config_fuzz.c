// links: ctl
// runs: 150000
/*
 * cluster_config_fuzz.c
 *		Any bytes as the configuration file of the control binary: what is taken is URLs in their
 *		form and names that fit, and what is refused is refused with its place.
 */
#include "common/vocabulary.h"
#include "ctl/client/cluster_config.h"
#include "ctl/client/http_call.h"
#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static ClusterConfig config;
	const ClusterSettings *cluster = &config.cluster;
	PgbrError error = PGBR_ERROR_INIT;
	char *text = fuzz_text(data, size);

	memset(&config, 0, sizeof(config));
	if (cluster_config_parse(&config, "fuzz", text, &error))
	{
		MUST(cluster->url_count >= 0 && cluster->url_count <= 8);
		for (int i = 0; i < cluster->url_count; i++)
			MUST(http_call_check_url("Patroni", cluster->urls[i], PATRONI_URL_SIZE, false, &error));
		for (int i = 0; i < cluster->sidecar_count; i++)
			MUST(cluster->sidecars[i].name[0] && cluster->sidecars[i].url[0]);
		MUST(config.url[0] == '\0' ||
			 http_call_check_url("sidecar", config.url, SIDECAR_URL_MAX, true, &error));
		MUST(config.timeout >= 0 && config.timeout <= 3600);
		MUST((config.cert_file[0] == '\0') == (config.key_file[0] == '\0'));
	}
	else
		MUST(error.code == PGBR_ERROR_CONFIG && error.message[0] &&
			 pgbr_is_utf8(error.message, strlen(error.message)));
	free(text);
	return 0;
}
