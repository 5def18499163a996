/*
 * cluster_settings.c
 *		See cluster_settings.h.
 */
#include "ctl/client/cluster_settings.h"

#include "ctl/client/http_call.h"

#include <string.h>

bool
cluster_settings_next_word(const char **text, char *word, size_t size)
{
	size_t length = strcspn(*text, ",");

	if (**text == '\0')
		return false;
	if (length >= size)
		length = size - 1;
	memcpy(word, *text, length);
	word[length] = '\0';
	*text += strcspn(*text, ",");
	*text += **text == ',' ? 1 : 0;
	return true;
}

static void
trim_slashes(char *url)
{
	for (size_t end = strlen(url); end > 0 && url[end - 1] == '/'; end--)
		url[end - 1] = '\0';
}

bool
cluster_settings_take_urls(ClusterSettings *settings, const char *text, PgbrError *error)
{
	char word[PATRONI_URL_SIZE + 1];

	while (cluster_settings_next_word(&text, word, sizeof(word)))
	{
		if (!http_call_check_url("Patroni", word, PATRONI_URL_SIZE, false, error))
			return false;
		if (settings->url_count == (int) (sizeof(settings->urls) / sizeof(settings->urls[0])))
			return pgbr_error_set(error, PGBR_ERROR_CONFIG, "too many URLs of Patroni");
		trim_slashes(word);
		strcpy(settings->urls[settings->url_count++], word);
	}
	return true;
}

bool
cluster_settings_take_sidecar(ClusterSettings *settings, const char *name, const char *url,
							  PgbrError *error)
{
	if (!http_call_check_url("sidecar", url, SIDECAR_URL_MAX, true, error))
		return false;
	/* the first one counts: the command line is read before the file */
	for (int i = 0; i < settings->sidecar_count; i++)
	{
		if (strcmp(settings->sidecars[i].name, name) == 0)
			return true;
	}
	if (settings->sidecar_count == CLUSTER_MEMBERS_MAX)
		return pgbr_error_set(error, PGBR_ERROR_CONFIG, "too many sidecars");
	pgbr_copy_text(settings->sidecars[settings->sidecar_count].name, 64, name);
	strcpy(settings->sidecars[settings->sidecar_count].url, url);
	trim_slashes(settings->sidecars[settings->sidecar_count].url);
	settings->sidecar_count++;
	return true;
}
