/*
 * config.h
 *		The sidecar's settings: command line and environment, checked.
 *
 * Filled once by main before other threads exist, and read-only from then on. Texts are borrowed
 * from argv and the environment.
 */
#ifndef PGBR_SIDECAR_CONFIG_CONFIG_H
#define PGBR_SIDECAR_CONFIG_CONFIG_H

#include "common/error.h"
#include "program/log.h"
#include "program/options.h"
#include "sidecar/config/caller.h"
#include "sidecar/config/listener.h"

#define LISTENERS_MAX 16

typedef struct SidecarConfig
{
	const char *stanza;
	const char *pgbackrest;		   /* program, looked for in PATH */
	const char *pgbackrest_config; /* its configuration file, or NULL for its own default */
	bool repository_host;		   /* this host has the repository, and no PostgreSQL */
	bool pgbackrest_server;		   /* keep pgbackrest's TLS server running */
	const char *psql;			   /* program, looked for in PATH */
	const char *pg_conninfo;
	const char *pg_data; /* the data directory, or NULL: what PostgreSQL said last */
	const char *pg_bin;	 /* folder of its programs, or NULL: those of the server that ran last */
	const char *state_dir;
	Listener listeners[LISTENERS_MAX]; /* of our own API first */
	int listener_count;
	OptionList allowed_hosts; /* NAME[,NAME...] each, that a Host may have: http_guard.h */
	Scope socket_others;	  /* what others than root and our own user may do at the socket */
	const char *token_file;
	const char *tls_cert_file;
	const char *tls_key_file;
	const char *tls_client_ca_file;
	const char *tls_crl_file;	 /* of that CA, or NULL */
	OptionList tls_client_names; /* CN[=SCOPE] each: client_name.h */
	bool insecure_no_auth;		 /* every client over TCP may do everything */
	bool metrics_no_auth;		 /* let anyone read the metrics at their own address */
	bool compat_no_auth;		 /* let anyone in at the addresses of existing clients */
	int info_interval;			 /* seconds between refreshes of info */
	int job_retention;			 /* days that ended jobs are kept */
	int audit_retention;		 /* days that rows of the audit are kept */
	int max_queued;				 /* jobs that may wait */
	int max_connections;
	int max_connections_per_address;
	int stop_timeout; /* seconds pgbackrest gets to end after SIGTERM */
	LogLevel log_level;
	bool log_json;
} SidecarConfig;

typedef enum ConfigResult
{
	CONFIG_OK,
	CONFIG_DONE, /* --help or --version was answered: exit 0 */
	CONFIG_ERROR,
} ConfigResult;

/* Read and check all settings. Fails when an address is not a loopback address and nothing guards
 * it. Also carries out --init-tokens, --help and --version. */
extern ConfigResult config_read(SidecarConfig *config, int argc, char **argv, PgbrError *error);

#endif
