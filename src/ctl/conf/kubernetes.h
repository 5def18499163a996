/*
 * kubernetes.h
 *		The Kubernetes objects that bring the sidecar into the pods of a Patroni StatefulSet: pure.
 *
 * Plain objects of the API as JSON, to be printed as YAML: what belongs beside the StatefulSet, and
 * a strategic merge patch for it. Names are those that existing clients know: ConfigMap
 * pgbackrest-conf, PersistentVolumeClaim pgbackrest-backups, Services backrest, backrest-standby,
 * backrest-headless and postgres-backup-daemon, container pgbackrest-sidecar.
 */
#ifndef PGBR_CTL_CONF_KUBERNETES_H
#define PGBR_CTL_CONF_KUBERNETES_H

#include "common/error.h"
#include "common/values.h"
#include "ctl/conf/pgbackrest_conf.h"

#include <jansson.h>
#include <stdbool.h>

typedef struct ManifestOptions
{
	const char *namespace;	  /* NULL: none is written */
	const char *statefulset;  /* that runs Patroni */
	const char *container;	  /* of PostgreSQL in it */
	const char *selector;	  /* KEY=VALUE: a label that its pods have */
	const char *leader_label; /* KEY=VALUE: that Patroni gives the leader's pod */
	const char *replica_label;
	const char *data_volume; /* the volume with the data directory, and where it is mounted */
	const char *data_mount;
	const char *pg1_path;	  /* the data directory, below data_mount */
	const char *pg_conninfo;  /* how the sidecar reaches PostgreSQL */
	const char *token_secret; /* a Secret with the key "tokens" */
	int user;				  /* uid and gid that PostgreSQL runs as */
	bool has_statefulset;	  /* it lies beside the files, as MANIFEST_STATEFULSET */
} ManifestOptions;

/* The files that kubectl kustomize reads. */
#define MANIFEST_STATEFULSET   "statefulset.yaml"
#define MANIFEST_KUSTOMIZATION "kustomization.yaml"

/* What a file of `manifest --output-dir` holds. */
typedef struct ManifestObject
{
	const char *file; /* without a folder; several objects may share one */
	bool secret;	  /* to be written so that others can't read it */
	json_t *document; /* owned */
} ManifestObject;

#define MANIFEST_OBJECTS_MAX 16

typedef struct Manifest
{
	ManifestObject objects[MANIFEST_OBJECTS_MAX];
	int count;
} Manifest;

/*
 * Make the objects. The secrets of conf become a Secret, unless the values name one that exists.
 * CONFIG for an option that Kubernetes would refuse as a name or a label. The caller ends the
 * manifest with manifest_done, also after a failure.
 */
extern bool manifest_make(const PgbrValues *values, const Conf *conf,
						  const ManifestOptions *options, Manifest *manifest, PgbrError *error);
extern void manifest_done(Manifest *manifest);

#endif
