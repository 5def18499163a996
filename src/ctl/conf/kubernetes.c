/*
 * kubernetes.c
 *		See kubernetes.h. The objects can't hold comments, so the reasons are here.
 */
#include "ctl/conf/kubernetes.h"

#include "common/sidecar_url.h"

#include "common/strbuf.h"
#include "common/vocabulary.h"
#include "ctl/conf/conf_write.h"

#include <stdio.h>
#include <string.h>

#define CONF_DIR	   "/etc/pgbackrest"
#define TOKEN_DIR	   "/etc/pgbackrest_ctl"
#define SOCKET_ON_DATA "/pgbackrest_sidecar/sidecar.sock" /* in the state folder */
#define DEFAULT_IMAGE  "pgbackrest-sidecar"
#define CONFIG_MAP	   "pgbackrest-conf"
#define CLAIM		   "pgbackrest-backups"
#define OWN_SECRET	   "pgbackrest-secret"
#define SIDECAR		   "pgbackrest-sidecar"
#define NAME_MAX_BYTES 63
#define CLIENT_PORT	   3000 /* the ports that existing clients call */
#define DAEMON_PORT	   8080
#define LIST_PORT	   8081
#define BACKUP_PORT	   9000

/* A volume of the pod and where both containers see it. */
typedef struct Mount
{
	const char *name;
	const char *path;
} Mount;

/* Shared by the container of PostgreSQL, whose archive_command runs pgbackrest, and the sidecar:
 * the locks and the spool must be the same for both. */
static const Mount shared_mounts[] = {
	{"pgbackrest-lock", "/tmp/pgbackrest"},
	{"pgbackrest-spool", "/var/spool/pgbackrest"},
	{"pgbackrest-log", "/var/log/pgbackrest"},
};

#define SHARED_MOUNT_COUNT (sizeof(shared_mounts) / sizeof(shared_mounts[0]))

/* Services: whose pods they lead to, and their ports. */
typedef struct Service
{
	const char *name;
	bool leader;
	bool standby;
	bool headless;
	struct
	{
		const char *name;
		int port;
	} ports[4];
} Service;

static const Service services[] = {
	{"backrest", true, false, false, {{"sidecar", PGBR_DEFAULT_PORT}, {"clients", CLIENT_PORT}}},
	{"backrest-standby",
	 false,
	 true,
	 false,
	 {{"sidecar", PGBR_DEFAULT_PORT}, {"clients", CLIENT_PORT}}},
	{"backrest-headless",
	 false,
	 false,
	 true,
	 {{"sidecar", PGBR_DEFAULT_PORT}, {"clients", CLIENT_PORT}}},
	{"postgres-backup-daemon",
	 true,
	 false,
	 false,
	 {{"daemon", DAEMON_PORT}, {"list", LIST_PORT}, {"backup", BACKUP_PORT}}},
};

static bool
manifest_add(Manifest *manifest, const char *file, bool secret, json_t *document)
{
	if (document == NULL || manifest->count == MANIFEST_OBJECTS_MAX)
	{
		json_decref(document);
		return false;
	}
	manifest->objects[manifest->count++] =
		(ManifestObject){.file = file, .secret = secret, .document = document};
	return true;
}

static json_t *
metadata(const ManifestOptions *options, const char *name)
{
	return json_pack("{s:s, s:s*, s:{s:s, s:s}}", "name", name, "namespace", options->namespace,
					 "labels", "app.kubernetes.io/name", "pgbackrest_ctl",
					 "app.kubernetes.io/part-of", options->statefulset);
}

/* KEY=VALUE into an object. */
static bool
put_label(json_t *object, const char *label)
{
	char key[128];
	const char *value = strchr(label, '=');

	snprintf(key, sizeof(key), "%.*s", (int) (value - label), label);
	return json_object_set_new(object, key, json_string(value + 1)) == 0;
}

static bool
add_config_map(Manifest *manifest, const ManifestOptions *options, const Conf *conf)
{
	StrBuf text;
	bool ok;

	strbuf_init(&text);
	conf_write(conf, &text);
	ok = !text.failed &&
		 manifest_add(manifest, "resources.yaml", false,
					  json_pack("{s:s, s:s, s:o, s:{s:s}}", "apiVersion", "v1", "kind", "ConfigMap",
								"metadata", metadata(options, CONFIG_MAP), "data",
								"pgbackrest.conf", text.data));
	strbuf_done(&text);
	return ok;
}

static bool
add_secret(Manifest *manifest, const ManifestOptions *options, const Conf *conf)
{
	json_t *data = json_object();
	char variable[CONF_VARIABLE_SIZE];

	for (size_t i = 0; i < conf->count; i++)
	{
		if (conf->options[i].secret)
			json_object_set_new(data, conf_variable(conf->options[i].name, variable),
								json_string(conf->options[i].value));
	}
	return manifest_add(manifest, "secret.yaml", true,
						json_pack("{s:s, s:s, s:o, s:s, s:o}", "apiVersion", "v1", "kind", "Secret",
								  "metadata", metadata(options, OWN_SECRET), "type", "Opaque",
								  "stringData", data));
}

/* The volume of all members: one that exists, bound by its name, or one that a class provides. */
static bool
add_claim(Manifest *manifest, const PgbrValues *values, const ManifestOptions *options)
{
	bool bound = values->rwx.volumes.count > 0;
	const char *class = values->rwx.storage_class.text;

	/* a claim without a class would get the default class, which provides another volume */
	if (bound && class == NULL)
		class = "";
	return manifest_add(manifest, "resources.yaml", false,
						json_pack("{s:s, s:s, s:o, s:{s:[s], s:{s:{s:s}}, s:s*, s:s*}}",
								  "apiVersion", "v1", "kind", "PersistentVolumeClaim", "metadata",
								  metadata(options, CLAIM), "spec", "accessModes", "ReadWriteMany",
								  "resources", "requests", "storage", values->rwx.size.text,
								  "storageClassName", class, "volumeName",
								  bound ? values->rwx.volumes.items[0].text : NULL));
}

static bool
add_service(Manifest *manifest, const ManifestOptions *options, const Service *service)
{
	json_t *selector = json_object();
	json_t *ports = json_array();
	json_t *spec;

	if (!put_label(selector, options->selector) ||
		(service->leader && !put_label(selector, options->leader_label)) ||
		(service->standby && !put_label(selector, options->replica_label)))
		return false;
	for (int i = 0; i < 4 && service->ports[i].name; i++)
		json_array_append_new(ports, json_pack("{s:s, s:i, s:s}", "name", service->ports[i].name,
											   "port", service->ports[i].port, "targetPort",
											   service->ports[i].name));
	spec = json_pack("{s:o, s:o}", "selector", selector, "ports", ports);
	/* a restore must reach the sidecars of pods whose PostgreSQL is down */
	if (spec && service->headless)
	{
		json_object_set_new(spec, "clusterIP", json_string("None"));
		json_object_set_new(spec, "publishNotReadyAddresses", json_true());
	}
	return manifest_add(manifest, "resources.yaml", false,
						json_pack("{s:s, s:s, s:o, s:o}", "apiVersion", "v1", "kind", "Service",
								  "metadata", metadata(options, service->name), "spec", spec));
}

static bool
is_rwx(const PgbrValues *values)
{
	return values->repo_type.text && strcmp(values->repo_type.text, "rwx") == 0;
}

static void
put_mount(json_t *mounts, const char *name, const char *path, bool read_only)
{
	json_array_append_new(mounts, json_pack("{s:s, s:s, s:o*}", "name", name, "mountPath", path,
											"readOnly", read_only ? json_true() : NULL));
}

/* What PostgreSQL's container and the sidecar both mount. */
static json_t *
make_mounts(const PgbrValues *values)
{
	json_t *mounts = json_array();

	put_mount(mounts, CONFIG_MAP, CONF_DIR, true);
	for (size_t i = 0; i < SHARED_MOUNT_COUNT; i++)
		put_mount(mounts, shared_mounts[i].name, shared_mounts[i].path, false);
	if (is_rwx(values))
		put_mount(mounts, CLAIM,
				  values->repo_path.text ? values->repo_path.text : CONF_DEFAULT_REPO_PATH, false);
	return mounts;
}

static json_t *
make_volumes(const PgbrValues *values, const ManifestOptions *options)
{
	json_t *volumes = json_array();

	json_array_append_new(
		volumes, json_pack("{s:s, s:{s:s}}", "name", CONFIG_MAP, "configMap", "name", CONFIG_MAP));
	for (size_t i = 0; i < SHARED_MOUNT_COUNT; i++)
		json_array_append_new(volumes,
							  json_pack("{s:s, s:{}}", "name", shared_mounts[i].name, "emptyDir"));
	json_array_append_new(volumes, json_pack("{s:s, s:{}}", "name", "pgbackrest-tmp", "emptyDir"));
	if (is_rwx(values))
		json_array_append_new(volumes, json_pack("{s:s, s:{s:s}}", "name", CLAIM,
												 "persistentVolumeClaim", "claimName", CLAIM));
	/* read by the group that the pod's fsGroup gives, which is the sidecar's own */
	json_array_append_new(volumes,
						  json_pack("{s:s, s:{s:s, s:i}}", "name", "pgbackrest-tokens", "secret",
									"secretName", options->token_secret, "defaultMode", 0440));
	return volumes;
}

static const char *
secret_name(const Conf *conf)
{
	if (conf->secret_name)
		return conf->secret_name;
	return conf_has_secrets(conf) ? OWN_SECRET : NULL;
}

/* The Secret's keys are the names of variables that pgbackrest reads. */
static json_t *
make_env_from(const char *secret)
{
	return secret ? json_pack("[{s:{s:s}}]", "secretRef", "name", secret) : NULL;
}

/* The data directory differs between members; they all share one pgbackrest.conf. */
static json_t *
make_env(const ManifestOptions *options)
{
	return json_pack("[{s:s, s:s}, {s:s, s:s}]", "name", "PGBACKREST_PG1_PATH", "value",
					 options->pg1_path, "name", "STORAGE_TYPE", "value", "pgbackrest");
}

/* The sidecar's own: with the name that $(POD_NAMESPACE) stands for in its arguments. */
static json_t *
make_sidecar_env(const ManifestOptions *options)
{
	json_t *env = make_env(options);

	json_array_append_new(env, json_pack("{s:s, s:{s:{s:s}}}", "name", "POD_NAMESPACE", "valueFrom",
										 "fieldRef", "fieldPath", "metadata.namespace"));
	return env;
}

/* The names of the Services, in each form that a pod can call them by. */
static void
add_allowed_hosts(json_t *arguments)
{
	static const char namespace[] = "$(POD_NAMESPACE)";

	for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++)
	{
		const char *name = services[i].name;

		json_array_append_new(
			arguments, json_sprintf("--allowed-host=%s,%s.%s,%s.%s.svc,%s.%s.svc.cluster.local",
									name, name, namespace, name, namespace, name, namespace));
	}
}

static json_t *
make_probe(const char *path, int period, int failures)
{
	return json_pack("{s:{s:s, s:s}, s:i, s:i}", "httpGet", "path", path, "port", "sidecar",
					 "periodSeconds", period, "failureThreshold", failures);
}

static json_t *
make_arguments(const ManifestOptions *options, const Conf *conf)
{
	char state_dir[1200];
	char socket[1200];
	char conninfo[1200];
	char stanza[128];
	json_t *arguments;

	snprintf(stanza, sizeof(stanza), "--stanza=%s", conf->stanza);
	snprintf(conninfo, sizeof(conninfo), "--pg-conninfo=%s", options->pg_conninfo);
	/* the queue must survive the pod, so it is on the volume of the data directory */
	snprintf(state_dir, sizeof(state_dir), "--state-dir=%s/pgbackrest_sidecar",
			 options->data_mount);
	/* PostgreSQL's container has that volume, too. A volume for the socket alone would be one in
	 * which everybody may remove it: emptyDir has no other mode. */
	snprintf(socket, sizeof(socket), "--socket=%s" SOCKET_ON_DATA, options->data_mount);
	/* existing clients send no token to these ports */
	arguments = json_pack("[s, s, s, s, s, s, s, s, s, s, s]", stanza, conninfo, state_dir, socket,
						  "--listen=0.0.0.0:8430", "--compat-listen=0.0.0.0:3000",
						  "--daemon-listen=0.0.0.0:8080", "--daemon-list-listen=0.0.0.0:8081",
						  "--daemon-backup-listen=0.0.0.0:9000", "--compat-no-auth",
						  "--token-file=" TOKEN_DIR "/tokens");
	add_allowed_hosts(arguments);
	return arguments;
}

static json_t *
make_ports(void)
{
	static const struct
	{
		const char *name;
		int port;
	} ports[] = {
		{"sidecar", PGBR_DEFAULT_PORT}, {"clients", CLIENT_PORT},
		{"daemon", DAEMON_PORT},		{"list", LIST_PORT},
		{"backup", BACKUP_PORT},
	};
	json_t *array = json_array();

	for (size_t i = 0; i < sizeof(ports) / sizeof(ports[0]); i++)
		json_array_append_new(
			array, json_pack("{s:s, s:i}", "name", ports[i].name, "containerPort", ports[i].port));
	return array;
}

static json_t *
make_quantities(const PgbrValuesQuantities *values)
{
	return json_pack("{s:s*, s:s*, s:s*}", "cpu", values->cpu.text, "memory", values->memory.text,
					 "ephemeral-storage", values->ephemeral_storage.text);
}

/* The resources from the values file. There is no default memory limit: a restore starts PostgreSQL
 * here, with its own shared_buffers. */
static json_t *
make_resources(const PgbrValues *values)
{
	if (values->resources.place.line == 0)
		return json_pack("{s:{s:s, s:s}}", "requests", "cpu", "50m", "memory", "64Mi");
	return json_pack("{s:o, s:o}", "requests", make_quantities(&values->resources.requests),
					 "limits", make_quantities(&values->resources.limits));
}

static json_t *
make_sidecar(const PgbrValues *values, const Conf *conf, const ManifestOptions *options)
{
	json_t *mounts = make_mounts(values);

	put_mount(mounts, options->data_volume, options->data_mount, false);
	put_mount(mounts, "pgbackrest-tmp", "/tmp", false);
	put_mount(mounts, "pgbackrest-tokens", TOKEN_DIR, true);
	/* The probe checks that the sidecar answers, not that a backup is possible: an unreachable
	 * repository must not remove PostgreSQL from its Services. */
	return json_pack("{s:s, s:s, s:o, s:o, s:o*, s:o, s:o, s:o, s:o, s:o, s:o,"
					 " s:{s:b, s:b, s:b, s:i, s:i, s:{s:[s]}, s:{s:s}}}",
					 "name", SIDECAR, "image",
					 values->docker_image.text ? values->docker_image.text : DEFAULT_IMAGE, "args",
					 make_arguments(options, conf), "env", make_sidecar_env(options), "envFrom",
					 make_env_from(secret_name(conf)), "ports", make_ports(), "volumeMounts",
					 mounts, "startupProbe", make_probe("/livez", 1, 60), "livenessProbe",
					 make_probe("/livez", 10, 6), "readinessProbe", make_probe("/livez", 5, 3),
					 "resources", make_resources(values), "securityContext",
					 "allowPrivilegeEscalation", false, "readOnlyRootFilesystem", true,
					 "runAsNonRoot", true, "runAsUser", options->user, "runAsGroup", options->user,
					 "capabilities", "drop", "ALL", "seccompProfile", "type", "RuntimeDefault");
}

/*
 * The patch: the sidecar, and for PostgreSQL's container what its archive_command needs. The pod
 * shares its processes, so that the sidecar can stop PostgreSQL for a restore.
 */
static bool
add_patch(Manifest *manifest, const PgbrValues *values, const Conf *conf,
		  const ManifestOptions *options)
{
	json_t *postgres =
		json_pack("{s:s, s:o, s:o*, s:o}", "name", options->container, "env", make_env(options),
				  "envFrom", make_env_from(secret_name(conf)), "volumeMounts", make_mounts(values));

	return manifest_add(manifest, "statefulset-patch.yaml", false,
						json_pack("{s:s, s:s, s:{s:s, s:s*}, s:{s:{s:{s:b, s:[o, o], s:o}}}}",
								  "apiVersion", "apps/v1", "kind", "StatefulSet", "metadata",
								  "name", options->statefulset, "namespace", options->namespace,
								  "spec", "template", "spec", "shareProcessNamespace", true,
								  "containers", postgres, make_sidecar(values, conf, options),
								  "volumes", make_volumes(values, options)));
}

/* A name as Kubernetes has it (RFC 1123): small letters, digits, and - . inside. */
static bool
is_name(const char *text)
{
	size_t length = strlen(text);

	return length > 0 && length <= NAME_MAX_BYTES &&
		   strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-.") == length &&
		   strchr("-.", text[0]) == NULL && strchr("-.", text[length - 1]) == NULL;
}

/* KEY=VALUE of letters, digits and - _ . and, in the key, one / after a domain. */
static bool
is_label(const char *text)
{
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
	const char *value = strchr(text, '=');
	size_t key = value ? (size_t) (value - text) : 0;
	size_t domain = strspn(text, letters);

	if (key == 0 || key > 2 * NAME_MAX_BYTES || strlen(value + 1) > NAME_MAX_BYTES ||
		strspn(value + 1, letters) != strlen(value + 1))
		return false;
	if (domain < key && text[domain] == '/')
		domain += 1 + strspn(text + domain + 1, letters);
	return domain == key;
}

static bool
check_path(const char *option, const char *path, PgbrError *error)
{
	if (path[0] == '/' && pgbr_is_plain_text(path, 1000))
		return true;
	pgbr_error_set(error, PGBR_ERROR_CONFIG, "invalid value \"%s\" for --%s", path, option);
	return pgbr_error_hint(error, "It must be an absolute path.");
}

static bool
check_socket(const ManifestOptions *options, PgbrError *error)
{
	char path[1200];

	snprintf(path, sizeof(path), "%s" SOCKET_ON_DATA, options->data_mount);
	return pgbr_is_socket_path(path) ||
		   pgbr_error_set(error, PGBR_ERROR_CONFIG,
						  "the sidecar's socket can't be \"%s\", below --data-mount: at most %d "
						  "letters, digits and any of ./-_+@%%=~",
						  path, PGBR_SOCKET_PATH_SIZE - 1);
}

static bool
check_options(const ManifestOptions *options, PgbrError *error)
{
	const struct
	{
		const char *option;
		const char *value;
		bool (*is_right)(const char *text);
		const char *wanted;
	} checks[] = {
		{"namespace", options->namespace, is_name, "a name of Kubernetes"},
		{"statefulset", options->statefulset, is_name, "a name of Kubernetes"},
		{"container", options->container, is_name, "a name of Kubernetes"},
		{"data-volume", options->data_volume, is_name, "a name of Kubernetes"},
		{"token-secret", options->token_secret, is_name, "a name of Kubernetes"},
		{"selector", options->selector, is_label, "KEY=VALUE, a label of the pods"},
		{"leader-label", options->leader_label, is_label, "KEY=VALUE, a label of the leader's pod"},
		{"replica-label", options->replica_label, is_label,
		 "KEY=VALUE, a label of the replicas' pods"},
	};

	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++)
	{
		if (checks[i].value == NULL || checks[i].is_right(checks[i].value))
			continue;
		pgbr_error_set(error, PGBR_ERROR_CONFIG, "invalid value \"%s\" for --%s", checks[i].value,
					   checks[i].option);
		return pgbr_error_hint(error, "It must be %s.", checks[i].wanted);
	}
	return check_path("data-mount", options->data_mount, error) &&
		   check_path("pg1-path", options->pg1_path, error) && check_socket(options, error);
}

/* For `kubectl kustomize`, which patches a StatefulSet from a file, in a form that old and new
 * versions read. */
static bool
add_kustomization(Manifest *manifest, const ManifestOptions *options, bool has_secret)
{
	json_t *resources = json_pack("[s]", "resources.yaml");

	if (has_secret)
		json_array_append_new(resources, json_string("secret.yaml"));
	if (options->has_statefulset)
		json_array_append_new(resources, json_string(MANIFEST_STATEFULSET));
	return manifest_add(
		manifest, MANIFEST_KUSTOMIZATION, false,
		json_pack("{s:s, s:s, s:o, s:o*}", "apiVersion", "kustomize.config.k8s.io/v1beta1", "kind",
				  "Kustomization", "resources", resources, "patchesStrategicMerge",
				  options->has_statefulset ? json_pack("[s]", "statefulset-patch.yaml") : NULL));
}

bool
manifest_make(const PgbrValues *values, const Conf *conf, const ManifestOptions *options,
			  Manifest *manifest, PgbrError *error)
{
	bool has_secret = conf->secret_name == NULL && conf_has_secrets(conf);
	bool ok;

	manifest->count = 0;
	if (!check_options(options, error))
		return false;
	if (is_rwx(values) && values->rwx.size.text == NULL)
	{
		pgbr_error_set(error, PGBR_ERROR_CONFIG,
					   "the values give no size for the volume of the backups");
		return pgbr_error_hint(error, "Set pgBackRest.rwx.size, as in 3Gi.");
	}
	ok = add_config_map(manifest, options, conf);
	for (size_t i = 0; ok && i < sizeof(services) / sizeof(services[0]); i++)
		ok = add_service(manifest, options, &services[i]);
	if (ok && is_rwx(values))
		ok = add_claim(manifest, values, options);
	if (ok && has_secret)
		ok = add_secret(manifest, options, conf);
	ok = ok && add_patch(manifest, values, conf, options) &&
		 add_kustomization(manifest, options, has_secret);
	return ok || pgbr_error_set(error, PGBR_ERROR_INTERNAL, "out of memory");
}

void
manifest_done(Manifest *manifest)
{
	for (int i = 0; i < manifest->count; i++)
		json_decref(manifest->objects[i].document);
	manifest->count = 0;
}
