/*
 * cluster_config.h
 *		Fills the settings of a cluster from the options, and from the configuration file that they
 *		name: the same options as YAML. The command line wins over the file.
 */
#ifndef PGBR_CTL_CLIENT_CLUSTER_CONFIG_H
#define PGBR_CTL_CLIENT_CLUSTER_CONFIG_H

#include "ctl/client/cluster_settings.h"

/* Options, then the file. The settings are all zeroes before. CONFIG. */
extern bool
cluster_config_take(ClusterSettings *settings, const ClusterArguments *arguments, PgbrError *error);

/* Add what a configuration file's text says; name is the file's, for messages. Pure. CONFIG. */
extern bool cluster_config_read(ClusterSettings *settings, const char *name, const char *text,
								PgbrError *error);

#endif
