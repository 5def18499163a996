/*
 * manifest.c
 *		The verb manifest: Kubernetes objects out of a values file, printed or put into a folder. It
 *		needs neither a sidecar nor a cluster of Kubernetes.
 */
#include "ctl/verbs/verbs.h"

#include "common/conninfo.h"
#include "ctl/conf/kubernetes.h"
#include "ctl/print/message.h"
#include "program/file.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEFAULT_STATEFULSET	  "patroni"
#define DEFAULT_CONTAINER	  "patroni"
#define DEFAULT_SELECTOR	  "app=patroni"
#define DEFAULT_LEADER_LABEL  "role=master"
#define DEFAULT_REPLICA_LABEL "role=replica"
#define DEFAULT_DATA_VOLUME	  "data"
#define DEFAULT_DATA_MOUNT	  "/var/lib/postgresql"
#define DEFAULT_CONNINFO	  "host=127.0.0.1 user=postgres dbname=postgres"
#define DEFAULT_TOKEN_SECRET  "pgbackrest-tokens"
#define DEFAULT_USER		  999

typedef struct ManifestArguments
{
	const char *file;
	const char *output_dir;
	const char *stanza;
	ManifestOptions objects;
} ManifestArguments;

#define TEXT_OPTION(name, member, argument, help)                                              \
	{                                                                                          \
		name, 0, OPTION_TEXT, ARGUMENT(ManifestArguments, member), argument, NULL, 0, 0, help, \
			false                                                                              \
	}

static const OptionSpec options[] = {
	{"file", 'f', OPTION_TEXT, ARGUMENT(ManifestArguments, file), "FILE", NULL, 0, 0,
	 "the values file; must be given", false},
	TEXT_OPTION("output-dir", output_dir, "DIR",
				"write files to this directory, for kubectl kustomize"),
	TEXT_OPTION("pg1-path", objects.pg1_path, "PATH", "the data directory; must be given"),
	TEXT_OPTION("stanza", stanza, "NAME", "the stanza (default: " CONF_DEFAULT_STANZA ")"),
	TEXT_OPTION("namespace", objects.namespace, "NAME", "(default: none is written)"),
	TEXT_OPTION("statefulset", objects.statefulset, "NAME",
				"that runs Patroni (default: " DEFAULT_STATEFULSET ")"),
	TEXT_OPTION("container", objects.container, "NAME",
				"of PostgreSQL in it (default: " DEFAULT_CONTAINER ")"),
	TEXT_OPTION("data-volume", objects.data_volume, "NAME",
				"its volume with the data directory (default: " DEFAULT_DATA_VOLUME ")"),
	TEXT_OPTION("data-mount", objects.data_mount, "PATH",
				"where it is mounted (default: " DEFAULT_DATA_MOUNT ")"),
	TEXT_OPTION("selector", objects.selector, "KEY=VALUE",
				"a label that its pods have (default: " DEFAULT_SELECTOR ")"),
	TEXT_OPTION("leader-label", objects.leader_label, "KEY=VALUE",
				"that Patroni gives the leader's pod (default: " DEFAULT_LEADER_LABEL ")"),
	TEXT_OPTION("replica-label", objects.replica_label, "KEY=VALUE",
				"that Patroni gives the others (default: " DEFAULT_REPLICA_LABEL ")"),
	TEXT_OPTION("pg-conninfo", objects.pg_conninfo, "CONNINFO",
				"how the sidecar reaches PostgreSQL (default: " DEFAULT_CONNINFO ")"),
	TEXT_OPTION("token-secret", objects.token_secret, "NAME",
				"whose key tokens is the sidecar's --token-file (default: " DEFAULT_TOKEN_SECRET
				")"),
	{"user", 0, OPTION_COUNT, ARGUMENT(ManifestArguments, objects.user), "UID", NULL, 1, 2147483647,
	 "that PostgreSQL runs as (default: 999)", false},
	{NULL},
};

static void
set_default(const char **value, const char *otherwise)
{
	if (*value == NULL)
		*value = otherwise;
}

static ManifestOptions
complete(const ManifestArguments *arguments)
{
	ManifestOptions objects = arguments->objects;
	char path[4096];

	set_default(&objects.statefulset, DEFAULT_STATEFULSET);
	set_default(&objects.container, DEFAULT_CONTAINER);
	set_default(&objects.selector, DEFAULT_SELECTOR);
	set_default(&objects.leader_label, DEFAULT_LEADER_LABEL);
	set_default(&objects.replica_label, DEFAULT_REPLICA_LABEL);
	set_default(&objects.data_volume, DEFAULT_DATA_VOLUME);
	set_default(&objects.data_mount, DEFAULT_DATA_MOUNT);
	set_default(&objects.pg_conninfo, DEFAULT_CONNINFO);
	set_default(&objects.token_secret, DEFAULT_TOKEN_SECRET);
	if (objects.user == 0)
		objects.user = DEFAULT_USER;
	if (arguments->output_dir)
	{
		snprintf(path, sizeof(path), "%s/" MANIFEST_STATEFULSET, arguments->output_dir);
		objects.has_statefulset = access(path, F_OK) == 0;
	}
	return objects;
}

/* Never write a Secret to a file that others can read. */
static bool
check_output(const Manifest *manifest, PgbrError *error)
{
	struct stat status;
	bool secret = false;

	for (int i = 0; i < manifest->count; i++)
		secret = secret || manifest->objects[i].secret;
	if (!secret || fstat(STDOUT_FILENO, &status) != 0 || !S_ISREG(status.st_mode) ||
		(status.st_mode & 077) == 0)
		return true;
	pgbr_error_set(error, PGBR_ERROR_CONFIG, "others could read the file with the Secret");
	return pgbr_error_hint(error, "Use --output-dir, or \"umask 077\" first.");
}

/* The documents of one file, or of all files; a kustomization is useful only in a directory. */
static void
put_documents(const Manifest *manifest, const char *file, StrBuf *out)
{
	for (int i = 0; i < manifest->count; i++)
	{
		const ManifestObject *object = &manifest->objects[i];

		if (file ? strcmp(object->file, file) != 0
				 : strcmp(object->file, MANIFEST_KUSTOMIZATION) == 0)
			continue;
		if (out->length > 0)
			strbuf_puts(out, "---\n");
		output_put_yaml(object->document, out);
	}
}

static bool
print_manifest(const Manifest *manifest, PgbrError *error)
{
	StrBuf out;
	bool ok;

	if (!check_output(manifest, error))
		return false;
	strbuf_init(&out);
	put_documents(manifest, NULL, &out);
	ok = output_print(stdout, &out, error);
	explicit_bzero(out.data, out.length);
	strbuf_done(&out);
	return ok;
}

static bool
write_file(const char *folder, const Manifest *manifest, const ManifestObject *object,
		   PgbrError *error)
{
	char path[4096];
	StrBuf out;
	bool ok;

	if (snprintf(path, sizeof(path), "%s/%s", folder, object->file) >= (int) sizeof(path))
		return pgbr_error_set(error, PGBR_ERROR_CONFIG, "the path of --output-dir is too long");
	strbuf_init(&out);
	put_documents(manifest, object->file, &out);
	ok = out.failed ? pgbr_error_set(error, PGBR_ERROR_INTERNAL, "out of memory")
					: file_write_secret(path, out.data, out.length, error);
	explicit_bzero(out.data, out.length);
	strbuf_done(&out);
	if (ok && !object->secret)
		ok = chmod(path, 0644) == 0 ||
			 pgbr_error_set(error, PGBR_ERROR_CONFIG, "could not change the mode of \"%s\": %m",
							path);
	return ok;
}

static bool
write_files(const char *folder, const Manifest *manifest, PgbrError *error)
{
	bool ok = access(folder, F_OK) == 0 || file_make_folder(folder, error);

	for (int i = 0; ok && i < manifest->count; i++)
	{
		/* objects of one file are neighbours */
		if (i == 0 || strcmp(manifest->objects[i].file, manifest->objects[i - 1].file) != 0)
			ok = write_file(folder, manifest, &manifest->objects[i], error);
	}
	return ok;
}

static bool
make(const ManifestArguments *arguments, const PgbrValues *values, const Conf *conf,
	 PgbrError *error)
{
	ManifestOptions objects = complete(arguments);
	Manifest manifest = {.count = 0};
	bool ok = manifest_make(values, conf, &objects, &manifest, error);

	if (ok)
		ok = arguments->output_dir ? write_files(arguments->output_dir, &manifest, error)
								   : print_manifest(&manifest, error);
	manifest_done(&manifest);
	return ok;
}

static bool
check_arguments(const ManifestArguments *arguments, PgbrError *error)
{
	const char *conninfo = arguments->objects.pg_conninfo;

	/* everyone who can read the StatefulSet can read its command lines */
	if (conninfo && !pgbr_conninfo_check("--pg-conninfo", conninfo, error))
		return false;
	if (arguments->file && arguments->objects.pg1_path)
		return true;
	pgbr_error_set(error, PGBR_ERROR_CONFIG, "manifest needs --%s",
				   arguments->file ? "pg1-path" : "file");
	return pgbr_error_hint(error, "Try \"" PROGRAM_NAME " help manifest\".");
}

static ExitCode
run_manifest(Context *context, const void *argument, const char *operand, PgbrError *error)
{
	const ManifestArguments *arguments = argument;
	const ConfMember member = {.stanza = arguments->stanza};
	PgbrValues values;
	Conf conf;
	bool ok;

	(void) context;
	(void) operand;
	if (!check_arguments(arguments, error) || !pgbr_values_read(arguments->file, &values, error))
		return exit_code_of(error);
	ok = conf_make(arguments->file, &values, &member, &conf, error);
	if (ok)
	{
		ok = conf.problem_count == 0 ? make(arguments, &values, &conf, error)
									 : message_problems(conf.problems, conf.problem_count, error);
		conf_done(&conf);
	}
	pgbr_values_done(&values);
	return ok ? EXIT_OK : exit_code_of(error);
}

const Verb verb_manifest = {
	.name = "manifest",
	.summary = "make Kubernetes objects from a values file",
	.description =
		"Prints the ConfigMap, Secret, PersistentVolumeClaim and Services that the section "
		"pgBackRest\n"
		"of a values file describes, and a patch that adds the sidecar to Patroni's StatefulSet.\n"
		"With --output-dir it writes them as files with a kustomization, which also patches a\n"
		"statefulset.yaml that is already there.\n",
	.options = options,
	.arguments_size = sizeof(ManifestArguments),
	.alone = true,
	.run = run_manifest,
};
