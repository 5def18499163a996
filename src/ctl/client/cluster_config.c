/*
 * cluster_config.c
 *		See cluster_config.h.
 */
#include "ctl/client/cluster_config.h"

#include "common/vocabulary.h"
#include "common/yaml_reader.h"
#include "ctl/client/http_call.h"
#include "program/file.h"
#include "program/private_folder.h"

#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CONFIG_MAX_BYTES ((size_t) 256 * 1024)
#define TIMEOUT_MAX_S	 3600

typedef struct ConfigKey
{
	const char *name;
	bool (*take)(ClusterConfig *config, YamlReader *yaml, size_t target);
	size_t target;
} ConfigKey;

static bool
complain(const YamlReader *yaml, const char *message)
{
	pgbr_error_set(yaml->error, PGBR_ERROR_CONFIG, "%s", message);
	return yaml_reader_place(yaml, yaml->error);
}

static bool
take_file(ClusterConfig *config, YamlReader *yaml, size_t target)
{
	const char *text = yaml_reader_text(&yaml->event);

	if (text == NULL || strlen(text) >= CLUSTER_FILE_SIZE)
		return complain(yaml, "the name of a file is expected");
	strcpy((char *) config + target, text);
	return true;
}

static bool
take_name(ClusterConfig *config, YamlReader *yaml, size_t target)
{
	const char *text = yaml_reader_text(&yaml->event);

	if (text == NULL || text[0] == '\0' || !pgbr_is_plain_text(text, CLUSTER_NAME_SIZE - 1))
		return complain(yaml, "the name of a cluster is expected");
	strcpy((char *) config + target, text);
	return true;
}

static bool
take_url(ClusterConfig *config, YamlReader *yaml, size_t target)
{
	const char *text = yaml_reader_text(&yaml->event);

	if (text == NULL)
		return complain(yaml, "a URL is expected");
	if (!http_call_check_url("sidecar", text, SIDECAR_URL_MAX, true, yaml->error))
		return yaml_reader_place(yaml, yaml->error);
	strcpy((char *) config + target, text);
	return true;
}

static bool
take_seconds(ClusterConfig *config, YamlReader *yaml, size_t target)
{
	const char *text = yaml_reader_text(&yaml->event);
	char *end = NULL;
	long seconds = text ? strtol(text, &end, 10) : 0;

	if (text == NULL || end == text || *end != '\0' || seconds < 1 || seconds > TIMEOUT_MAX_S)
		return complain(yaml, "a number of seconds from 1 to 3600 is expected");
	*(int *) ((char *) config + target) = (int) seconds;
	return true;
}

static bool
take_flag(ClusterConfig *config, YamlReader *yaml, size_t target)
{
	const char *text = yaml_reader_text(&yaml->event);
	bool *flag = (bool *) ((char *) config + target);

	if (text == NULL || (strcmp(text, "true") != 0 && strcmp(text, "false") != 0))
		return complain(yaml, "true or false is expected");
	/* the command line may have set it already */
	*flag = *flag || strcmp(text, "true") == 0;
	return true;
}

static bool
take_urls(ClusterConfig *config, YamlReader *yaml, size_t target)
{
	const char *text = yaml_reader_text(&yaml->event);

	(void) target;
	if (text)
		return cluster_settings_take_urls(&config->cluster, text, yaml->error) ||
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
		if (!cluster_settings_take_urls(&config->cluster, text, yaml->error))
			return yaml_reader_place(yaml, yaml->error);
	}
	return false;
}

static bool
take_sidecars(ClusterConfig *config, YamlReader *yaml, size_t target)
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
		if (!cluster_settings_take_sidecar(&config->cluster, name, text, yaml->error))
			return yaml_reader_place(yaml, yaml->error);
	}
	return false;
}

#define CLUSTER(member) offsetof(ClusterConfig, cluster.member)
#define SIDECAR(member) offsetof(ClusterConfig, member)

static const ConfigKey keys[] = {
	{"cluster", take_name, CLUSTER(scope)},
	{"patroni-url", take_urls, 0},
	{"sidecar", take_sidecars, 0},
	{"patroni-user-file", take_file, CLUSTER(user_file)},
	{"patroni-ca-file", take_file, CLUSTER(ca_file)},
	{"patroni-cert-file", take_file, CLUSTER(cert_file)},
	{"patroni-key-file", take_file, CLUSTER(key_file)},
	{"trust-members", take_flag, CLUSTER(trust_members)},
	{"url", take_url, SIDECAR(url)},
	{"token-file", take_file, SIDECAR(token_file)},
	{"ca-file", take_file, SIDECAR(ca_file)},
	{"cert-file", take_file, SIDECAR(cert_file)},
	{"key-file", take_file, SIDECAR(key_file)},
	{"timeout", take_seconds, SIDECAR(timeout)},
};

#define KEY_COUNT (sizeof(keys) / sizeof(keys[0]))

static bool
unknown_key(YamlReader *yaml, const char *name)
{
	char names[512] = "";

	for (size_t i = 0; i < KEY_COUNT; i++)
	{
		size_t used = strlen(names);

		snprintf(names + used, sizeof(names) - used, "%s%s", i > 0 ? ", " : "", keys[i].name);
	}
	if (name)
		pgbr_error_set(yaml->error, PGBR_ERROR_CONFIG, "unknown key \"%.64s\"",
					   pgbr_is_plain_text(name, 64) ? name : "?");
	else
		pgbr_error_set(yaml->error, PGBR_ERROR_CONFIG, "the name of a key is expected");
	yaml_reader_place(yaml, yaml->error);
	return pgbr_error_hint(yaml->error, "The keys are %s.", names);
}

static bool
take_key(ClusterConfig *config, YamlReader *yaml)
{
	const char *name = yaml_reader_text(&yaml->event);

	for (size_t i = 0; name && i < KEY_COUNT; i++)
	{
		if (strcmp(keys[i].name, name) == 0)
			return yaml_reader_next(yaml) && keys[i].take(config, yaml, keys[i].target);
	}
	return unknown_key(yaml, name);
}

bool
cluster_config_parse(ClusterConfig *config, const char *name, const char *text, PgbrError *error)
{
	YamlReader yaml;
	bool ok = yaml_reader_init(&yaml, name, text, strlen(text), error);

	/* skip the events before the document's first node */
	while (ok && (ok = yaml_reader_next(&yaml)) &&
		   (yaml.event.type == YAML_STREAM_START_EVENT ||
			yaml.event.type == YAML_DOCUMENT_START_EVENT))
		continue;
	if (ok && yaml.event.type != YAML_STREAM_END_EVENT &&
		yaml.event.type != YAML_MAPPING_START_EVENT)
		ok = complain(&yaml, "a mapping of keys to values is expected");
	while (ok && yaml.event.type != YAML_STREAM_END_EVENT && (ok = yaml_reader_next(&yaml)) &&
		   yaml.event.type != YAML_MAPPING_END_EVENT)
		ok = take_key(config, &yaml);
	yaml_reader_done(&yaml);
	/* certificate and key must come from the same place */
	if (ok && (config->cert_file[0] == '\0') != (config->key_file[0] == '\0'))
	{
		pgbr_error_set(error, PGBR_ERROR_CONFIG, "cert-file and key-file belong together");
		ok = pgbr_error_detail(error, "File \"%s\" has only one of them.", name);
	}
	return ok;
}

static bool
read_file(ClusterConfig *config, const char *path, PgbrError *error)
{
	char *data = NULL;
	char *text = NULL;
	size_t length = 0;
	bool ok = file_check_writers(path, error) &&
			  yaml_reader_load(path, CONFIG_MAX_BYTES, &data, &length, error);

	if (ok && (text = strndup(data, length)) == NULL)
		ok = pgbr_error_set(error, PGBR_ERROR_INTERNAL, "out of memory");
	ok = ok && cluster_config_parse(config, path, text, error);
	free(text);
	free(data);
	return ok;
}

/* True when a default file exists. HOME may be another user's and unreadable: sudo and su often
 * keep it. */
static bool
find_default(char *path, size_t size)
{
	const char *home = getenv("HOME");

	if (home && home[0] == '/' &&
		snprintf(path, size, "%s/%s", home, CLUSTER_CONFIG_USER) < (int) size &&
		access(path, F_OK) == 0)
		return true;
	snprintf(path, size, "%s", CLUSTER_CONFIG_SYSTEM);
	return access(path, F_OK) == 0;
}

bool
cluster_config_load(ClusterConfig *config, const char *path, PgbrError *error)
{
	char found[PATH_MAX];

	memset(config, 0, sizeof(*config));
	if (path)
		return read_file(config, path, error);
	return !find_default(found, sizeof(found)) ||
		   (private_folder_check_way(found, error) && read_file(config, found, error));
}

static void
fill(const char **setting, const char *text)
{
	if (*setting == NULL && text[0])
		*setting = text;
}

void
cluster_config_apply(const ClusterConfig *config, SidecarSettings *settings)
{
	fill(&settings->url, config->url);
	/* the environment wins */
	if (getenv("PGBRCTL_TOKEN") == NULL)
		fill(&settings->token_file, config->token_file);
	fill(&settings->ca_file, config->ca_file);
	if (settings->cert_file == NULL && settings->key_file == NULL)
	{
		fill(&settings->cert_file, config->cert_file);
		fill(&settings->key_file, config->key_file);
	}
	if (settings->timeout == 0)
		settings->timeout = config->timeout;
}
