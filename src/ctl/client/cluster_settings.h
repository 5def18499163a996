/*
 * cluster_settings.h
 *		Where a cluster is, as the user says: the options that tell it, and what they are read into.
 *
 * The settings own their memory. Pure.
 */
#ifndef PGBR_CTL_CLIENT_CLUSTER_SETTINGS_H
#define PGBR_CTL_CLIENT_CLUSTER_SETTINGS_H

#include "common/error.h"
#include "ctl/client/patroni_client.h"
#include "ctl/client/sidecar_client.h"
#include "program/options.h"

#include <stdbool.h>

#define CLUSTER_MEMBERS_MAX PATRONI_MEMBERS_MAX

/* Members for a verb's struct of arguments, and the rows that fill them. */
typedef struct ClusterArguments
{
	const char *config;
	const char *patroni_url;
	const char *patroni_user_file;
	const char *patroni_ca_file;
	const char *patroni_cert_file;
	const char *patroni_key_file;
	OptionList sidecars; /* NAME=URL, several separated by commas */
	bool trust_members;
} ClusterArguments;

#define CLUSTER_TEXT(type, member, name, letter, value, variable, help, repeats)                \
	{                                                                                           \
		name, letter, OPTION_TEXT, ARGUMENT(type, member), value, variable, 0, 0, help, repeats \
	}

#define CLUSTER_OPTIONS(t, m)                                                                \
	CLUSTER_TEXT(t, m.config, "config", 'c', "FILE", "PGBRCTL_CONFIG",                       \
				 "YAML with the options that tell where the cluster is", false),             \
		CLUSTER_TEXT(t, m.patroni_url, "patroni-url", 0, "URL[,URL]", "PGBRCTL_PATRONI_URL", \
					 "REST API of any member (default: http://127.0.0.1:8008)", false),      \
		CLUSTER_TEXT(t, m.patroni_user_file, "patroni-user-file", 0, "FILE",                 \
					 "PGBRCTL_PATRONI_USER_FILE",                                            \
					 "USER:PASSWORD of the REST API, on its first line", false),             \
		CLUSTER_TEXT(t, m.patroni_ca_file, "patroni-ca-file", 0, "FILE",                     \
					 "PGBRCTL_PATRONI_CA_FILE",                                              \
					 "certificates to trust for it (default: --ca-file)", false),            \
		CLUSTER_TEXT(t, m.patroni_cert_file, "patroni-cert-file", 0, "FILE",                 \
					 "PGBRCTL_PATRONI_CERT_FILE",                                            \
					 "client certificate for it (default: --cert-file)", false),             \
		CLUSTER_TEXT(t, m.patroni_key_file, "patroni-key-file", 0, "FILE",                   \
					 "PGBRCTL_PATRONI_KEY_FILE", "its key (default: --key-file)", false),    \
		CLUSTER_TEXT(t, m.sidecars, "sidecar", 0, "NAME=URL", "PGBRCTL_SIDECARS",            \
					 "the sidecar of a member; may be repeated", true),                      \
	{                                                                                        \
		"trust-members", 0, OPTION_FLAG, ARGUMENT(t, m.trust_members), NULL,                 \
			"PGBRCTL_TRUST_MEMBERS", 0, 0,                                                   \
			"send token and password also over http to members that others name", false      \
	}

typedef struct ClusterSettings
{
	char urls[8][PATRONI_URL_SIZE]; /* of Patroni */
	int url_count;
	struct
	{
		char name[64];
		char url[SIDECAR_URL_MAX];
	} sidecars[CLUSTER_MEMBERS_MAX];
	int sidecar_count;
	char user_file[256];
	char ca_file[256];
	char cert_file[256];
	char key_file[256];
	bool trust_members;
} ClusterSettings;

/* Add URLs of Patroni, separated by commas; and the sidecar of a member, unless one was given before.
 * CONFIG. */
extern bool
cluster_settings_take_urls(ClusterSettings *settings, const char *text, PgbrError *error);
extern bool cluster_settings_take_sidecar(ClusterSettings *settings, const char *name,
										  const char *url, PgbrError *error);

/* Copy up to the next comma, and move on past it; false at the end of the text. */
extern bool cluster_settings_next_word(const char **text, char *word, size_t size);

#endif
