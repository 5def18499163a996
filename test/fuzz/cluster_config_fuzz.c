// links: ctl
/*
 * cluster_config_fuzz.c
 *		Any bytes as the configuration file of the control binary: what is taken is URLs in their form and
 *		names that fit, and what is refused is refused with its place.
 */
#include "common/vocabulary.h"
#include "ctl/client/cluster_config.h"
#include "ctl/client/http_call.h"
#include "fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static ClusterSettings settings;
	PgbrError error = PGBR_ERROR_INIT;
	char *text = fuzz_text(data, size);

	memset(&settings, 0, sizeof(settings));
	if (cluster_config_read(&settings, "fuzz", text, &error))
	{
		MUST(settings.url_count >= 0 && settings.url_count <= 8);
		for (int i = 0; i < settings.url_count; i++)
			MUST(http_call_check_url("Patroni", settings.urls[i], PATRONI_URL_SIZE, false, &error));
		for (int i = 0; i < settings.sidecar_count; i++)
			MUST(settings.sidecars[i].name[0] && settings.sidecars[i].url[0]);
	}
	else
		MUST(error.code == PGBR_ERROR_CONFIG && error.message[0] &&
			 pgbr_is_utf8(error.message, strlen(error.message)));
	free(text);
	return 0;
}
