/*
 * cluster_settings.c
 *		See cluster_settings.h.
 */
#include "ctl/client/cluster_settings.h"

#include "ctl/client/http_call.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATRONI_URL "http://127.0.0.1:8008"

/* Copy up to the next comma, and move on past it; false at the end of the text. */
static bool
next_word(const char **text, char *word, size_t size)
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

	while (next_word(&text, word, sizeof(word)))
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
	/* the first one wins: the command line is read before the file */
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

static bool
take_sidecar_option(ClusterSettings *settings, const char *text, PgbrError *error)
{
	char word[SIDECAR_URL_MAX + 64];

	while (next_word(&text, word, sizeof(word)))
	{
		char *equals = strchr(word, '=');

		if (equals == NULL || equals == word || equals - word >= 64)
		{
			pgbr_error_set(error, PGBR_ERROR_CONFIG, "invalid value \"%s\" for --sidecar", word);
			return pgbr_error_hint(error, "It has the form NAME=URL, with a member's name.");
		}
		*equals = '\0';
		if (!cluster_settings_take_sidecar(settings, word, equals + 1, error))
			return false;
	}
	return true;
}

/* Take the file's value where the command line gives none. */
static bool
merge(ClusterSettings *settings, const ClusterSettings *file, PgbrError *error)
{
	if (settings->url_count == 0)
	{
		memcpy(settings->urls, file->urls, sizeof(settings->urls));
		settings->url_count = file->url_count;
	}
	for (int i = 0; i < file->sidecar_count; i++)
	{
		if (!cluster_settings_take_sidecar(settings, file->sidecars[i].name, file->sidecars[i].url,
										   error))
			return false;
	}
	memcpy(settings->scope, file->scope, sizeof(settings->scope));
	memcpy(settings->user_file, file->user_file, sizeof(settings->user_file));
	memcpy(settings->ca_file, file->ca_file, sizeof(settings->ca_file));
	memcpy(settings->cert_file, file->cert_file, sizeof(settings->cert_file));
	memcpy(settings->key_file, file->key_file, sizeof(settings->key_file));
	settings->trust_members = settings->trust_members || file->trust_members;
	return true;
}

static bool
choose_file(char *target, const char *option, PgbrError *error)
{
	if (option && strlen(option) >= CLUSTER_FILE_SIZE)
		return pgbr_error_set(error, PGBR_ERROR_CONFIG, "the file name \"%s\" is too long", option);
	if (option)
		strcpy(target, option);
	return true;
}

bool
cluster_settings_read(ClusterSettings *settings, const ClusterArguments *arguments,
					  const ClusterSettings *file, PgbrError *error)
{
	memset(settings, 0, sizeof(*settings));
	settings->trust_members = arguments->trust_members;
	if (arguments->patroni_url &&
		!cluster_settings_take_urls(settings, arguments->patroni_url, error))
		return false;
	for (int i = 0; i < arguments->sidecars.count; i++)
	{
		if (!take_sidecar_option(settings, arguments->sidecars.values[i], error))
			return false;
	}
	/* an option replaces the variable for the members that it names, not for all */
	if (getenv(CLUSTER_SIDECARS_VARIABLE) &&
		!take_sidecar_option(settings, getenv(CLUSTER_SIDECARS_VARIABLE), error))
		return false;
	if ((file && !merge(settings, file, error)) ||
		!choose_file(settings->user_file, arguments->patroni_user_file, error) ||
		!choose_file(settings->ca_file, arguments->patroni_ca_file, error) ||
		!choose_file(settings->cert_file, arguments->patroni_cert_file, error) ||
		!choose_file(settings->key_file, arguments->patroni_key_file, error))
		return false;
	/* certificate and key must come from the same place */
	if ((settings->cert_file[0] == '\0') != (settings->key_file[0] == '\0'))
		return pgbr_error_set(error, PGBR_ERROR_CONFIG,
							  "--patroni-cert-file and --patroni-key-file belong together");
	if (settings->url_count == 0)
		strcpy(settings->urls[settings->url_count++], PATRONI_URL);
	return true;
}
