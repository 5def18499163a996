/*
 * cluster_config.c
 *		See cluster_config.h.
 */
#include "ctl/client/cluster_config.h"

#include "common/yaml_reader.h"
#include "program/file.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define CONFIG_MAX_BYTES ((size_t) 256 * 1024)

typedef struct ConfigKey
{
	const char *name;
	bool (*take)(ClusterSettings *settings, YamlReader *yaml, size_t target);
	size_t target;
} ConfigKey;

static bool
complain(const YamlReader *yaml, const char *message)
{
	pgbr_error_set(yaml->error, PGBR_ERROR_CONFIG, "%s", message);
	return yaml_reader_place(yaml, yaml->error);
}

static bool
take_file(ClusterSettings *settings, YamlReader *yaml, size_t target)
{
	const char *text = yaml_reader_text(&yaml->event);

	if (text == NULL || strlen(text) >= sizeof(settings->ca_file))
		return complain(yaml, "the name of a file is expected");
	strcpy((char *) settings + target, text);
	return true;
}

static bool
take_flag(ClusterSettings *settings, YamlReader *yaml, size_t target)
{
	const char *text = yaml_reader_text(&yaml->event);
	bool *flag = (bool *) ((char *) settings + target);

	if (text == NULL || (strcmp(text, "true") != 0 && strcmp(text, "false") != 0))
		return complain(yaml, "true or false is expected");
	/* the command line has said so already */
	*flag = *flag || strcmp(text, "true") == 0;
	return true;
}

static bool
take_urls(ClusterSettings *settings, YamlReader *yaml, size_t target)
{
	const char *text = yaml_reader_text(&yaml->event);

	(void) target;
	if (text)
		return cluster_settings_take_urls(settings, text, yaml->error) ||
			   yaml_reader_place(yaml, yaml->error);
	if (yaml->event.type != YAML_SEQUENCE_START_EVENT)
		return complain(yaml, "a URL, or a list of URLs, is expected");
	while (yaml_reader_next(yaml))
	{
		if (yaml->event.type == YAML_SEQUENCE_END_EVENT)
			return true;
		text = yaml_reader_text(&yaml->event);
		if (text == NULL)
			return complain(yaml, "a URL is expected");
		if (!cluster_settings_take_urls(settings, text, yaml->error))
			return yaml_reader_place(yaml, yaml->error);
	}
	return false;
}

static bool
take_sidecars(ClusterSettings *settings, YamlReader *yaml, size_t target)
{
	(void) target;
	if (yaml->event.type != YAML_MAPPING_START_EVENT)
		return complain(yaml, "a mapping of members to the URLs of their sidecars is expected");
	while (yaml_reader_next(yaml))
	{
		char name[64];
		const char *text = yaml_reader_text(&yaml->event);

		if (yaml->event.type == YAML_MAPPING_END_EVENT)
			return true;
		if (text == NULL || text[0] == '\0' || strlen(text) >= sizeof(name))
			return complain(yaml, "the name of a member is expected");
		strcpy(name, text);
		if (!yaml_reader_next(yaml))
			return false;
		text = yaml_reader_text(&yaml->event);
		if (text == NULL)
			return complain(yaml, "a URL is expected");
		if (!cluster_settings_take_sidecar(settings, name, text, yaml->error))
			return yaml_reader_place(yaml, yaml->error);
	}
	return false;
}

static const ConfigKey keys[] = {
	{"patroni-url", take_urls, 0},
	{"sidecar", take_sidecars, 0},
	{"patroni-user-file", take_file, offsetof(ClusterSettings, user_file)},
	{"patroni-ca-file", take_file, offsetof(ClusterSettings, ca_file)},
	{"patroni-cert-file", take_file, offsetof(ClusterSettings, cert_file)},
	{"patroni-key-file", take_file, offsetof(ClusterSettings, key_file)},
	{"trust-members", take_flag, offsetof(ClusterSettings, trust_members)},
};

static bool
take_key(ClusterSettings *settings, YamlReader *yaml)
{
	const char *name = yaml_reader_text(&yaml->event);

	for (size_t i = 0; name && i < sizeof(keys) / sizeof(keys[0]); i++)
	{
		if (strcmp(keys[i].name, name) == 0)
			return yaml_reader_next(yaml) && keys[i].take(settings, yaml, keys[i].target);
	}
	complain(yaml, "unknown key");
	return pgbr_error_hint(yaml->error,
						   "The keys are patroni-url, sidecar, patroni-user-file, patroni-ca-file, "
						   "patroni-cert-file, patroni-key-file and trust-members.");
}

bool
cluster_config_read(ClusterSettings *settings, const char *name, const char *text, PgbrError *error)
{
	YamlReader yaml;
	bool ok = yaml_reader_init(&yaml, name, text, strlen(text), error);

	/* up to what the document begins with */
	while (ok && (ok = yaml_reader_next(&yaml)) &&
		   (yaml.event.type == YAML_STREAM_START_EVENT ||
			yaml.event.type == YAML_DOCUMENT_START_EVENT))
		continue;
	if (ok && yaml.event.type != YAML_STREAM_END_EVENT &&
		yaml.event.type != YAML_MAPPING_START_EVENT)
		ok = complain(&yaml, "a mapping of keys to values is expected");
	while (ok && yaml.event.type != YAML_STREAM_END_EVENT && (ok = yaml_reader_next(&yaml)) &&
		   yaml.event.type != YAML_MAPPING_END_EVENT)
		ok = take_key(settings, &yaml);
	yaml_reader_done(&yaml);
	return ok;
}

static bool
take_sidecar_option(ClusterSettings *settings, const char *text, PgbrError *error)
{
	char word[SIDECAR_URL_MAX + 64];

	while (cluster_settings_next_word(&text, word, sizeof(word)))
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

static bool
read_config_file(ClusterSettings *settings, const char *path, PgbrError *error)
{
	char *data = NULL;
	char *text = NULL;
	size_t length = 0;
	int urls = settings->url_count;
	bool ok = file_check_writers(path, error) &&
			  yaml_reader_load(path, CONFIG_MAX_BYTES, &data, &length, error);

	if (ok && (text = strndup(data, length)) == NULL)
		ok = pgbr_error_set(error, PGBR_ERROR_INTERNAL, "out of memory");
	ok = ok && cluster_config_read(settings, path, text, error);
	/* those of the command line replace the file's */
	if (urls > 0)
		settings->url_count = urls;
	free(text);
	free(data);
	return ok;
}

static bool
choose_file(char *target, size_t size, const char *option, PgbrError *error)
{
	if (option && strlen(option) >= size)
		return pgbr_error_set(error, PGBR_ERROR_CONFIG, "the file name \"%s\" is too long", option);
	if (option)
		strcpy(target, option);
	return true;
}

bool
cluster_config_take(ClusterSettings *settings, const ClusterArguments *arguments, PgbrError *error)
{
	settings->trust_members = arguments->trust_members;
	if (arguments->patroni_url &&
		!cluster_settings_take_urls(settings, arguments->patroni_url, error))
		return false;
	for (int i = 0; i < arguments->sidecars.count; i++)
	{
		if (!take_sidecar_option(settings, arguments->sidecars.values[i], error))
			return false;
	}
	if ((arguments->config && !read_config_file(settings, arguments->config, error)) ||
		!choose_file(settings->user_file, sizeof(settings->user_file), arguments->patroni_user_file,
					 error) ||
		!choose_file(settings->ca_file, sizeof(settings->ca_file), arguments->patroni_ca_file,
					 error) ||
		!choose_file(settings->cert_file, sizeof(settings->cert_file), arguments->patroni_cert_file,
					 error) ||
		!choose_file(settings->key_file, sizeof(settings->key_file), arguments->patroni_key_file,
					 error))
		return false;
	/* a pair is taken from one place */
	if ((settings->cert_file[0] == '\0') != (settings->key_file[0] == '\0'))
		return pgbr_error_set(error, PGBR_ERROR_CONFIG,
							  "--patroni-cert-file and --patroni-key-file belong together");
	return true;
}
