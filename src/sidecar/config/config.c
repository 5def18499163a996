/*
 * config.c
 *		See config.h. The table of options is the one place that names them;
 *		docs/reference/sidecar.md is held against it.
 */
#include "sidecar/config/config.h"

#include "common/conninfo.h"
#include "common/secret_file.h"
#include "common/vocabulary.h"
#include "program/file.h"
#include "program/options.h"
#include "sidecar/config/host_names.h"
#include "sidecar/config/client_name.h"
#include "sidecar/config/token_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TEXT(name, field, argument, help)                                       \
	{                                                                           \
		name, 0, OPTION_TEXT, &config->field, argument, NULL, 0, 0, help, false \
	}
#define COUNT(name, field, argument, least, most, help)                                 \
	{                                                                                   \
		name, 0, OPTION_COUNT, &config->field, argument, NULL, least, most, help, false \
	}
#define FLAG(name, variable, help)                                    \
	{                                                                 \
		name, 0, OPTION_FLAG, variable, NULL, NULL, 0, 0, help, false \
	}

#define FACE(name, face, help)                                                                    \
	{                                                                                             \
		name, 0, OPTION_TEXT, &addresses.faces[FACE_##face], "HOST:PORT", NULL, 0, 0, help, false \
	}

/* Where to listen, as given. */
typedef struct Addresses
{
	const char *socket;
	const char *socket_others;
	OptionList own;
	const char *faces[FACE_COUNT];
} Addresses;

/* Every setting can come from the environment as PGBR_SIDECAR_ and its name:
 * PGBR_SIDECAR_STATE_DIR. */
static void
name_environment(OptionSpec *specs, char (*names)[64])
{
	for (int i = 0; specs[i].name; i++)
	{
		if (strcmp(specs[i].name, "help") == 0 || strcmp(specs[i].name, "version") == 0 ||
			strcmp(specs[i].name, "init-tokens") == 0)
			continue;
		snprintf(names[i], sizeof(names[i]), "PGBR_SIDECAR_%s", specs[i].name);
		for (char *p = names[i]; *p; p++)
			*p = *p == '-' ? '_' : *p >= 'a' && *p <= 'z' ? (char) (*p - 'a' + 'A') : *p;
		specs[i].environment = names[i];
	}
}

static bool
check_listener(const SidecarConfig *config, const Listener *listener, PgbrError *error)
{
	const char *open = listener->face == FACE_API		? "--insecure-no-auth"
					   : listener->face == FACE_METRICS ? "--metrics-no-auth"
														: "--compat-no-auth";

	if (listener->is_socket || listener_is_loopback(listener) || listener->open ||
		config->insecure_no_auth || config->token_file || config->tls_client_ca_file)
		return true;
	pgbr_error_set(error, PGBR_ERROR_CONFIG, "refusing to listen on \"%s\" without authentication",
				   listener->listen);
	return pgbr_error_hint(
		error,
		"Give --token-file (--init-tokens makes one) or --tls-client-ca-file, or "
		"listen on 127.0.0.1; %s lets anyone in who reaches the port.",
		open);
}

static bool
check_security(const SidecarConfig *config, PgbrError *error)
{
	ClientNames names;

	if ((config->tls_cert_file == NULL) != (config->tls_key_file == NULL))
		return pgbr_error_set(error, PGBR_ERROR_CONFIG,
							  "--tls-cert-file and --tls-key-file go together");
	if (config->tls_client_ca_file && config->tls_cert_file == NULL)
		return pgbr_error_set(error, PGBR_ERROR_CONFIG,
							  "--tls-client-ca-file needs --tls-cert-file and --tls-key-file");
	if (config->tls_client_ca_file == NULL &&
		(config->tls_crl_file || config->tls_client_names.count))
		return pgbr_error_set(error, PGBR_ERROR_CONFIG, "%s needs --tls-client-ca-file",
							  config->tls_crl_file ? "--tls-crl-file" : "--tls-client-name");
	if (!client_names_read(&config->tls_client_names, &names, error))
		return false;
	if (config->tls_key_file && !pgbr_secret_file_check(config->tls_key_file, error))
		return false;
	if (config->token_file && !pgbr_secret_file_check(config->token_file, error))
		return false;
	for (int i = 0; i < config->listener_count; i++)
	{
		if (!check_listener(config, &config->listeners[i], error))
			return false;
	}
	return true;
}

static bool
add_listener(SidecarConfig *config, Face face, const char *listen, PgbrError *error)
{
	Listener *listener = &config->listeners[config->listener_count];

	if (config->listener_count == LISTENERS_MAX)
		return pgbr_error_set(error, PGBR_ERROR_CONFIG, "more than %d addresses to listen on",
							  LISTENERS_MAX);
	if (!listener_init(listener, face, listen, error))
		return false;
	listener->open = face == FACE_METRICS  ? config->metrics_no_auth
					 : face >= FACE_COMPAT ? config->compat_no_auth
										   : false;
	config->listener_count++;
	return true;
}

/* The addresses of one option, separated by commas. */
static bool
add_listeners(SidecarConfig *config, Face face, const char *text, PgbrError *error)
{
	char word[LISTENER_TEXT_SIZE];
	bool ok = true;

	for (const char *end = text; ok && end; text = end ? end + 1 : text)
	{
		end = strchr(text, ',');
		snprintf(word, sizeof(word), "%.*s", (int) (end ? (size_t) (end - text) : strlen(text)),
				 text);
		ok = add_listener(config, face, word, error);
	}
	return ok;
}

/* Our own socket and addresses, and those of the other listener profiles. */
static bool
list_listeners(SidecarConfig *config, const Addresses *addresses, PgbrError *error)
{
	if (addresses->socket[0] && !listener_init_socket(&config->listeners[config->listener_count++],
													  addresses->socket, error))
		return false;
	for (int i = 0; i < addresses->own.count; i++)
	{
		if (!add_listeners(config, FACE_API, addresses->own.values[i], error))
			return false;
	}
	if (config->listener_count == 0)
		return pgbr_error_set(error, PGBR_ERROR_CONFIG, "neither --socket nor --listen is given");
	for (int face = FACE_API + 1; face < FACE_COUNT; face++)
	{
		if (addresses->faces[face] &&
			!add_listener(config, (Face) face, addresses->faces[face], error))
			return false;
	}
	return true;
}

static bool
parse_others(SidecarConfig *config, const char *text, PgbrError *error)
{
	config->socket_others = strcmp(text, "read") == 0 ? SCOPE_READ : SCOPE_NONE;
	return config->socket_others == SCOPE_READ || strcmp(text, "none") == 0 ||
		   pgbr_error_set(error, PGBR_ERROR_CONFIG,
						  "invalid value \"%s\" for --socket-others: use read or none", text);
}

static bool
check_allowed_hosts(const SidecarConfig *config, PgbrError *error)
{
	for (int i = 0; i < config->allowed_hosts.count; i++)
	{
		if (host_names_is_list(config->allowed_hosts.values[i]))
			continue;
		pgbr_error_set(error, PGBR_ERROR_CONFIG, "invalid value \"%s\" for --allowed-host",
					   config->allowed_hosts.values[i]);
		return pgbr_error_hint(error, "Give names of hosts, without a port, as in "
									  "backrest,backrest.default.svc.");
	}
	return true;
}

static bool
check(SidecarConfig *config, const Addresses *addresses, const char *log_level,
	  const char *log_format, PgbrError *error)
{
	if (config->stanza == NULL)
	{
		pgbr_error_set(error, PGBR_ERROR_CONFIG, "no stanza is given");
		return pgbr_error_hint(error, "Give --stanza=NAME, as in pgbackrest.conf.");
	}
	if (!pgbr_is_stanza(config->stanza))
		return pgbr_error_set(error, PGBR_ERROR_CONFIG, "invalid stanza name \"%.64s\"",
							  config->stanza);
	if (!log_level_parse(log_level, &config->log_level))
		return pgbr_error_set(error, PGBR_ERROR_CONFIG,
							  "invalid value \"%s\" for --log-level: use debug, info, warning or "
							  "error",
							  log_level);
	config->log_json = strcmp(log_format, "json") == 0;
	if (!config->log_json && strcmp(log_format, "human") != 0)
		return pgbr_error_set(error, PGBR_ERROR_CONFIG,
							  "invalid value \"%s\" for --log-format: use human or json",
							  log_format);
	if ((config->pg_data && config->pg_data[0] != '/') ||
		(config->pg_bin && config->pg_bin[0] != '/'))
		return pgbr_error_set(error, PGBR_ERROR_CONFIG,
							  "--pg-data and --pg-bin must be absolute paths");
	return pgbr_conninfo_check("--pg-conninfo", config->pg_conninfo, error) &&
		   list_listeners(config, addresses, error) &&
		   parse_others(config, addresses->socket_others, error) &&
		   check_allowed_hosts(config, error) && check_security(config, error);
}

ConfigResult
config_read(SidecarConfig *config, int argc, char **argv, PgbrError *error)
{
	const char *log_level = "info";
	const char *log_format = "human";
	const char *init_tokens = NULL;
	Addresses addresses = {.socket = PGBR_DEFAULT_SOCKET, .socket_others = "read"};
	bool help = false;
	bool version = false;
	int operands;
	char names[64][64];
	OptionSpec specs[] = {
		TEXT("stanza", stanza, "NAME", "stanza of this cluster in pgbackrest.conf (required)"),
		TEXT("config", pgbackrest_config, "FILE", "pgbackrest.conf (default: pgbackrest's own)"),
		TEXT("state-dir", state_dir, "DIR",
			 "where jobs and restore points are kept (default: /var/lib/pgbackrest_sidecar)"),
		{"socket", 0, OPTION_TEXT, &addresses.socket, "PATH", NULL, 0, 0,
		 "Unix socket to serve, empty: none (default: " PGBR_DEFAULT_SOCKET ")", false},
		{"socket-others", 0, OPTION_TEXT, &addresses.socket_others, "SCOPE", NULL, 0, 0,
		 "what users other than root and the sidecar's own may do there: read or none (default: "
		 "read)",
		 false},
		{"listen", 0, OPTION_TEXT, &addresses.own, "HOST:PORT", NULL, 0, 0,
		 "address to serve, usually port 8430; may be repeated", true},
		FACE("metrics-listen", METRICS, "separate address for /metrics only, usually port 9854"),
		FACE("compat-listen", COMPAT,
			 "serve clients of pgskipper's pgbackrest sidecar, usually port 3000"),
		FACE("daemon-listen", DAEMON,
			 "serve clients of pgskipper's backup daemon, usually port 8080"),
		FACE("daemon-list-listen", DAEMON_LIST,
			 "serve that daemon's list of backups, usually port 8081"),
		FACE("daemon-backup-listen", DAEMON_BACKUP,
			 "serve that daemon's diff and incr backups, usually port 9000"),
		{"allowed-host", 0, OPTION_TEXT, &config->allowed_hosts, "NAME[,NAME...]", NULL, 0, 0,
		 "host names that clients may use besides IP addresses and localhost; may be repeated",
		 true},
		TEXT("pg-conninfo", pg_conninfo, "CONNINFO",
			 "how psql reaches the local PostgreSQL (default: dbname=postgres)"),
		TEXT("pg-data", pg_data, "DIR",
			 "data directory of the local PostgreSQL (default: as reported by the running server)"),
		TEXT("pg-bin", pg_bin, "DIR",
			 "folder of PostgreSQL's programs (default: that of the last server seen running)"),
		TEXT("token-file", token_file, "FILE",
			 "bearer tokens, one a line: TOKEN [read|operate|restore [NAME]]"),
		{"init-tokens", 0, OPTION_TEXT, &init_tokens, "FILE", NULL, 0, 0,
		 "create a token file with three new tokens, and exit", false},
		TEXT("tls-cert-file", tls_cert_file, "FILE",
			 "certificate chain of the server; reloaded when the file changes"),
		TEXT("tls-key-file", tls_key_file, "FILE",
			 "private key of that certificate; reloaded when the file changes"),
		TEXT("tls-client-ca-file", tls_client_ca_file, "FILE",
			 "CA that signs client certificates; reloaded when the file changes"),
		{"tls-client-name", 0, OPTION_TEXT, &config->tls_client_names, "CN[=SCOPE]", NULL, 0, 0,
		 "scope of client certificates with this common name: read, operate (default) or restore; "
		 "* stands for all other names (default: *=read); may be repeated",
		 true},
		TEXT("tls-crl-file", tls_crl_file, "FILE",
			 "certificates revoked by that CA; reloaded when the file changes"),
		FLAG("insecure-no-auth", &config->insecure_no_auth,
			 "let every client that reaches an address do everything"),
		FLAG("metrics-no-auth", &config->metrics_no_auth,
			 "serve --metrics-listen without authentication"),
		FLAG("compat-no-auth", &config->compat_no_auth,
			 "serve --compat-listen and --daemon-* without authentication, over plain HTTP"),
		TEXT("pgbackrest", pgbackrest, "PROGRAM",
			 "program to run as pgbackrest (default: pgbackrest)"),
		FLAG("repository-host", &config->repository_host,
			 "serve the host of the repository, which has no PostgreSQL"),
		FLAG("pgbackrest-server", &config->pgbackrest_server,
			 "keep \"pgbackrest server\" running, for backups from a standby"),
		TEXT("psql", psql, "PROGRAM", "program to run as psql (default: psql)"),
		COUNT("info-interval", info_interval, "SECONDS", 1, 86400,
			  "interval between refreshes of the backup information (default: 120)"),
		COUNT("job-retention", job_retention, "DAYS", 1, 36500,
			  "how long ended jobs are kept (default: 90)"),
		COUNT("audit-retention", audit_retention, "DAYS", 1, 36500,
			  "how long the audit is kept (default: 365)"),
		COUNT("max-queued", max_queued, "COUNT", 1, 1000, "how many jobs may wait (default: 100)"),
		COUNT("max-connections", max_connections, "COUNT", 4, 10000,
			  "maximum connections at each address (default: 256)"),
		COUNT("max-connections-per-address", max_connections_per_address, "COUNT", 1, 10000,
			  "maximum connections from one client's address (default: 128)"),
		COUNT("stop-timeout", stop_timeout, "SECONDS", 1, 3600,
			  "how long pgbackrest may take to end after SIGTERM (default: 30)"),
		{"log-level", 0, OPTION_TEXT, &log_level, "LEVEL", NULL, 0, 0,
		 "debug, info, warning or error (default: info)", false},
		{"log-format", 0, OPTION_TEXT, &log_format, "FORMAT", NULL, 0, 0,
		 "human or json (default: human)", false},
		FLAG("help", &help, "print this and exit"),
		FLAG("version", &version, "print the version and exit"),
		{0},
	};

	*config = (SidecarConfig){
		.pgbackrest = "pgbackrest",
		.psql = "psql",
		.pg_conninfo = "dbname=postgres",
		.state_dir = "/var/lib/pgbackrest_sidecar",
		.info_interval = 120,
		.job_retention = 90,
		.audit_retention = 365,
		.max_queued = 100,
		.max_connections = 256,
		.max_connections_per_address = 128,
		.stop_timeout = 30,
	};
	name_environment(specs, names);
	if (!options_parse(specs, argc, argv, &operands, error))
		return CONFIG_ERROR;
	if (help)
	{
		printf("pgbackrest_sidecar serves the pgbackrest of its node over HTTP.\n\n"
			   "Usage: pgbackrest_sidecar --stanza=NAME [OPTION]...\n\n");
		options_print(stdout, specs);
		return CONFIG_DONE;
	}
	if (version)
	{
		printf("pgbackrest_sidecar %s\n", PGBR_VERSION);
		return CONFIG_DONE;
	}
	if (operands > 0)
	{
		pgbr_error_set(error, PGBR_ERROR_CONFIG, "unexpected argument \"%s\"", argv[1]);
		return CONFIG_ERROR;
	}
	if (init_tokens)
		return token_file_init(init_tokens, error) ? CONFIG_DONE : CONFIG_ERROR;
	if (geteuid() == 0)
	{
		/* it would run every program as root, and leave files that PostgreSQL's user can't read */
		pgbr_error_set(error, PGBR_ERROR_CONFIG, "the sidecar must not be run as root");
		pgbr_error_hint(error,
						"Run it as PostgreSQL's user: systemctl start pgbackrest_sidecar, or "
						"runuser -u postgres -- pgbackrest_sidecar --stanza=NAME");
		return CONFIG_ERROR;
	}
	return check(config, &addresses, log_level, log_format, error) ? CONFIG_OK : CONFIG_ERROR;
}
