/*
 * cluster_config.c
 *		The configuration file of the verbs that work on a cluster: the options that tell where it is,
 *		as YAML. See cluster.h.
 */
#include "ctl/client/cluster.h"

#include "common/yaml_reader.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

typedef struct ConfigKey
{
	const char *name;
	bool (*take)(Cluster *cluster, YamlReader *yaml, size_t target);
	size_t target;
} ConfigKey;

static bool
complain(const YamlReader *yaml, const char *message)
{
	pgbr_error_set(yaml->error, PGBR_ERROR_CONFIG, "%s", message);
	return yaml_reader_place(yaml, yaml->error);
}

static bool
take_file(Cluster *cluster, YamlReader *yaml, size_t target)
{
	const char *text = yaml_reader_text(&yaml->event);

	if (text == NULL || strlen(text) >= sizeof(cluster->ca_file))
		return complain(yaml, "the name of a file is expected");
	strcpy((char *) cluster + target, text);
	return true;
}

static bool
take_flag(Cluster *cluster, YamlReader *yaml, size_t target)
{
	const char *text = yaml_reader_text(&yaml->event);
	bool *flag = (bool *) ((char *) cluster + target);

	if (text == NULL || (strcmp(text, "true") != 0 && strcmp(text, "false") != 0))
		return complain(yaml, "true or false is expected");
	/* the command line has said so already */
	*flag = *flag || strcmp(text, "true") == 0;
	return true;
}

static bool
take_urls(Cluster *cluster, YamlReader *yaml, size_t target)
{
	const char *text = yaml_reader_text(&yaml->event);

	(void) target;
	if (text)
		return cluster_take_urls(cluster, text, yaml->error) ||
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
		if (!cluster_take_urls(cluster, text, yaml->error))
			return yaml_reader_place(yaml, yaml->error);
	}
	return false;
}

static bool
take_sidecars(Cluster *cluster, YamlReader *yaml, size_t target)
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
		if (!cluster_take_sidecar(cluster, name, text, yaml->error))
			return yaml_reader_place(yaml, yaml->error);
	}
	return false;
}

static const ConfigKey keys[] = {
	{"patroni-url", take_urls, 0},
	{"sidecar", take_sidecars, 0},
	{"patroni-user-file", take_file, offsetof(Cluster, user_file)},
	{"patroni-ca-file", take_file, offsetof(Cluster, ca_file)},
	{"patroni-cert-file", take_file, offsetof(Cluster, cert_file)},
	{"patroni-key-file", take_file, offsetof(Cluster, key_file)},
	{"trust-members", take_flag, offsetof(Cluster, trust_members)},
};

static bool
take_key(Cluster *cluster, YamlReader *yaml)
{
	const char *name = yaml_reader_text(&yaml->event);

	for (size_t i = 0; name && i < sizeof(keys) / sizeof(keys[0]); i++)
	{
		if (strcmp(keys[i].name, name) == 0)
			return yaml_reader_next(yaml) && keys[i].take(cluster, yaml, keys[i].target);
	}
	complain(yaml, "unknown key");
	return pgbr_error_hint(yaml->error,
						   "The keys are patroni-url, sidecar, patroni-user-file, patroni-ca-file, "
						   "patroni-cert-file, patroni-key-file and trust-members.");
}

bool
cluster_read_config(Cluster *cluster, const char *name, const char *text, PgbrError *error)
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
		ok = take_key(cluster, &yaml);
	yaml_reader_done(&yaml);
	return ok;
}
