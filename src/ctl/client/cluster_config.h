/*
 * cluster_config.h
 *		The configuration file of the control binary: the options that tell where the cluster and
 *		its sidecars are, as YAML.
 *
 * The file is the one that -c or PGBRCTL_CONFIG names, else ~/.config/pgbackrest_ctl/ctl.yaml, else
 * /etc/pgbackrest_ctl/ctl.yaml; only one of them is read. The file holds no secret, but it says
 * where secrets are sent. So a file that everybody can change is refused, and so is a default file
 * that a user other than we or root could have made. A struct owns nothing but its own memory.
 */
#ifndef PGBR_CTL_CLIENT_CLUSTER_CONFIG_H
#define PGBR_CTL_CLIENT_CLUSTER_CONFIG_H

#include "common/error.h"
#include "ctl/client/cluster_settings.h"
#include "ctl/client/http_call.h"
#include "ctl/client/sidecar_client.h"

#include <stdbool.h>

#define CLUSTER_CONFIG_SYSTEM CTL_CONFIG_FILE
#define CLUSTER_CONFIG_USER	  ".config/pgbackrest_ctl/ctl.yaml" /* in the home directory */

/* "" and 0 stand for what the file does not say. */
typedef struct ClusterConfig
{
	ClusterSettings cluster;
	char url[SIDECAR_URL_MAX]; /* of the sidecar, for verbs that ask only one */
	char token_file[CLUSTER_FILE_SIZE];
	char ca_file[CLUSTER_FILE_SIZE];
	char cert_file[CLUSTER_FILE_SIZE];
	char key_file[CLUSTER_FILE_SIZE];
	int timeout; /* seconds */
} ClusterConfig;

/* Read the file of this name, or the default one when path is NULL; none of these need be there.
 * CONFIG, with the line of what is wrong. */
extern bool cluster_config_load(ClusterConfig *config, const char *path, PgbrError *error);

/* Read a file's text; name is its name for messages. CONFIG. */
extern bool
cluster_config_parse(ClusterConfig *config, const char *name, const char *text, PgbrError *error);

/* Fill in what neither the command line nor the environment gives. The settings then borrow the
 * file's texts, which must live as long. */
extern void cluster_config_apply(const ClusterConfig *config, SidecarSettings *settings);

#endif
