/*
 * cluster_settings.h
 *		Where a cluster is, as the user says: the options that tell it, and the settings that they
 *		and the configuration file make.
 *
 * The command line wins over the environment, and both over the file. URLs of Patroni replace those
 * of a weaker source. A sidecar replaces the one that a weaker source gives for the same member.
 * The settings own their memory. Pure, but for PGBRCTL_SIDECARS.
 */
#ifndef PGBR_CTL_CLIENT_CLUSTER_SETTINGS_H
#define PGBR_CTL_CLIENT_CLUSTER_SETTINGS_H

#include "common/error.h"
#include "ctl/client/patroni_client.h"
#include "ctl/client/sidecar_client.h"
#include "program/options.h"

#include <stdbool.h>

#define CLUSTER_MEMBERS_MAX PATRONI_MEMBERS_MAX
#define CLUSTER_FILE_SIZE	256
#define CLUSTER_NAME_SIZE	64

#define CLUSTER_SIDECARS_VARIABLE "PGBRCTL_SIDECARS"

/* Members for a verb's struct of arguments, and the rows that fill them. */
typedef struct ClusterArguments
{
	const char *patroni_url;
	const char *patroni_user_file;
	const char *patroni_ca_file;
	const char *patroni_cert_file;
	const char *patroni_key_file;
	OptionList sidecars; /* NAME=URL, several separated by commas */
	bool trust_members;
} ClusterArguments;

#define CLUSTER_TEXT(type, member, name, value, variable, help, repeats)                   \
	{                                                                                      \
		name, 0, OPTION_TEXT, ARGUMENT(type, member), value, variable, 0, 0, help, repeats \
	}

#define CLUSTER_OPTIONS(t, m)                                                                      \
	CLUSTER_TEXT(t, m.patroni_url, "patroni-url", "URL[,URL]", "PGBRCTL_PATRONI_URL",              \
				 "REST API of any member (default: http://127.0.0.1:8008)", false),                \
		CLUSTER_TEXT(t, m.patroni_user_file, "patroni-user-file", "FILE",                          \
					 "PGBRCTL_PATRONI_USER_FILE",                                                  \
					 "USER:PASSWORD of the REST API, on its first line", false),                   \
		CLUSTER_TEXT(t, m.patroni_ca_file, "patroni-ca-file", "FILE", "PGBRCTL_PATRONI_CA_FILE",   \
					 "certificates to trust for it (default: --ca-file)", false),                  \
		CLUSTER_TEXT(t, m.patroni_cert_file, "patroni-cert-file", "FILE",                          \
					 "PGBRCTL_PATRONI_CERT_FILE",                                                  \
					 "client certificate for it (default: --cert-file)", false),                   \
		CLUSTER_TEXT(t, m.patroni_key_file, "patroni-key-file", "FILE",                            \
					 "PGBRCTL_PATRONI_KEY_FILE", "its key (default: --key-file)", false),          \
		CLUSTER_TEXT(t, m.sidecars, "sidecar", "NAME=URL", CLUSTER_SIDECARS_VARIABLE,              \
					 "the sidecar of a member; may be repeated", true),                            \
	{                                                                                              \
		"trust-members", 0, OPTION_FLAG, ARGUMENT(t, m.trust_members), NULL,                       \
			"PGBRCTL_TRUST_MEMBERS", 0, 0,                                                         \
			"send token and password over http, too, to members that only a response names", false \
	}

typedef struct ClusterSettings
{
	char scope[CLUSTER_NAME_SIZE];	/* the cluster's name; "" is any */
	char urls[8][PATRONI_URL_SIZE]; /* of Patroni */
	int url_count;
	struct
	{
		char name[64];
		char url[SIDECAR_URL_MAX];
	} sidecars[CLUSTER_MEMBERS_MAX];
	int sidecar_count;
	char user_file[CLUSTER_FILE_SIZE]; /* of Patroni, as the next three; "" is not given */
	char ca_file[CLUSTER_FILE_SIZE];
	char cert_file[CLUSTER_FILE_SIZE];
	char key_file[CLUSTER_FILE_SIZE];
	bool trust_members;
} ClusterSettings;

/* Make settings of the options and of what the file says, NULL without one. CONFIG. */
extern bool cluster_settings_read(ClusterSettings *settings, const ClusterArguments *arguments,
								  const ClusterSettings *file, PgbrError *error);

/* Add URLs of Patroni, separated by commas; and the sidecar of a member, unless one was given
 * before. CONFIG. */
extern bool
cluster_settings_take_urls(ClusterSettings *settings, const char *text, PgbrError *error);
extern bool cluster_settings_take_sidecar(ClusterSettings *settings, const char *name,
										  const char *url, PgbrError *error);

#endif
