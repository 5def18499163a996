// links: ctl/client/secret_rule ctl/client/cluster_config ctl/client/cluster_settings ctl/client/patroni_client ctl/client/http_call ctl/client/sidecar_client
/*
 * cluster_config_test.c
 *		The control binary's configuration file: what it takes, what it refuses and where, which
 *		file is read, and what wins over it.
 */
#include "ctl/client/cluster_config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static const char everything[] = "cluster: pgbr\n"
								 "patroni-url: [http://a:8008, http://b:8008]\n"
								 "sidecar: {m1: 'https://a:8430'}\n"
								 "url: https://a:8430\n"
								 "token-file: /etc/pgbackrest_ctl/token\n"
								 "ca-file: /etc/ca.pem\n"
								 "cert-file: /etc/cert.pem\n"
								 "key-file: /etc/key.pem\n"
								 "timeout: 7\n";

/* Put a file into a new home directory; gives its path. */
static void
make_home(char *home, char *path, size_t size, const char *text)
{
	char folder[256];
	FILE *file;

	strcpy(home, "/tmp/cluster_config_test.XXXXXX");
	assert_non_null(mkdtemp(home));
	snprintf(folder, sizeof(folder), "%s/.config", home);
	assert_int_equal(mkdir(folder, 0755), 0);
	snprintf(folder, sizeof(folder), "%s/.config/pgbackrest_ctl", home);
	assert_int_equal(mkdir(folder, 0755), 0);
	snprintf(path, size, "%s/ctl.yaml", folder);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
	assert_int_equal(chmod(path, 0644), 0);
	setenv("HOME", home, 1);
}

static void
remove_home(const char *home, const char *path)
{
	char folder[256];

	unlink(path);
	snprintf(folder, sizeof(folder), "%s/.config/pgbackrest_ctl", home);
	rmdir(folder);
	snprintf(folder, sizeof(folder), "%s/.config", home);
	rmdir(folder);
	rmdir(home);
}

static void
test_everything(void **state)
{
	ClusterConfig config = {.url = ""};
	SidecarSettings settings = {.url = NULL};
	PgbrError error;

	(void) state;
	assert_true(cluster_config_parse(&config, "file", everything, &error));
	assert_string_equal(config.cluster.scope, "pgbr");
	assert_int_equal(config.cluster.url_count, 2);
	assert_string_equal(config.cluster.sidecars[0].name, "m1");
	cluster_config_apply(&config, &settings);
	assert_string_equal(settings.url, "https://a:8430");
	assert_string_equal(settings.token_file, "/etc/pgbackrest_ctl/token");
	assert_string_equal(settings.ca_file, "/etc/ca.pem");
	assert_string_equal(settings.cert_file, "/etc/cert.pem");
	assert_string_equal(settings.key_file, "/etc/key.pem");
	assert_int_equal(settings.timeout, 7);
}

static void
test_what_was_given_wins(void **state)
{
	ClusterConfig config = {.url = ""};
	SidecarSettings settings = {.url = "http://b:1",
								.token_file = "/t",
								.ca_file = "/ca",
								.cert_file = "/cert",
								.timeout = 9};
	SidecarSettings bare = {.url = NULL};
	PgbrError error;

	(void) state;
	assert_true(cluster_config_parse(&config, "file", everything, &error));
	cluster_config_apply(&config, &settings);
	assert_string_equal(settings.url, "http://b:1");
	assert_string_equal(settings.token_file, "/t");
	assert_string_equal(settings.ca_file, "/ca");
	assert_int_equal(settings.timeout, 9);
	/* half a pair is not completed by another's half */
	assert_null(settings.key_file);
	/* the token itself, in the environment, wins over the file's token-file */
	setenv("PGBRCTL_TOKEN", "x", 1);
	cluster_config_apply(&config, &bare);
	unsetenv("PGBRCTL_TOKEN");
	assert_null(bare.token_file);
}

static void
test_refused(void **state)
{
	static const struct
	{
		const char *text;
		const char *place; /* NULL: the file as a whole is wrong */
	} rows[] = {
		{"- a list", "line 1"},
		{"sidecars: {m1: 'http://a:1'}", "line 1"},
		{"timeout: 5\ntokenfile: /x\n", "line 2"},
		{"sidecar: http://a:1", "line 1"},
		{"sidecar: {m1: a}", "line 1"},
		{"patroni-url: 'gopher://a:1'", "line 1"},
		{"patroni-user-file: [a]", "line 1"},
		{"patroni-url: [http://a:1", ""},
		{"trust-members: maybe", "line 1"},
		{"trust-members: [true]", "line 1"},
		{"cluster: ''", "line 1"},
		{"cluster: \"a\\x1bb\"", "line 1"},
		{"cluster: [a]", "line 1"},
		{"url: ftp://a", "line 1"},
		{"url: {}", "line 1"},
		{"token-file: {}", "line 1"},
		{"\n\ntimeout: 0", "line 3"},
		{"timeout: 3601", "line 1"},
		{"timeout: 5s", "line 1"},
		{"timeout: ''", "line 1"},
		{"cert-file: /c", NULL},
		{"key-file: /k", NULL},
	};

	(void) state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
	{
		PgbrError error = PGBR_ERROR_INIT;
		ClusterConfig config = {.url = ""};

		assert_false(cluster_config_parse(&config, "file", rows[i].text, &error));
		assert_int_equal(error.code, PGBR_ERROR_CONFIG);
		assert_non_null(strstr(error.detail, "ile \"file\""));
		if (rows[i].place)
			assert_non_null(strstr(error.detail, rows[i].place));
	}
}

static void
test_unknown_key_is_named(void **state)
{
	PgbrError error = PGBR_ERROR_INIT;
	ClusterConfig config = {.url = ""};

	(void) state;
	assert_false(cluster_config_parse(&config, "file", "token_file: /x", &error));
	assert_string_equal(error.message, "unknown key \"token_file\"");
	assert_non_null(strstr(error.hint, "token-file"));
}

static void
test_default_file(void **state)
{
	char home[64];
	char path[512];
	ClusterConfig config;
	PgbrError error = PGBR_ERROR_INIT;

	(void) state;
	make_home(home, path, sizeof(path), everything);
	assert_true(cluster_config_load(&config, NULL, &error));
	assert_string_equal(config.url, "https://a:8430");
	/* a path that was given wins, and must be there */
	assert_false(cluster_config_load(&config, "/tmp/cluster_config_test.none", &error));
	assert_int_equal(error.code, PGBR_ERROR_CONFIG);
	/* a file that others can change may have been made by them */
	assert_int_equal(chmod(path, 0646), 0);
	assert_false(cluster_config_load(&config, NULL, &error));
	assert_int_equal(error.code, PGBR_ERROR_CONFIG);
	assert_non_null(strstr(error.message, path));
	assert_int_equal(chmod(path, 0644), 0);
	if (geteuid() == 0)
	{
		assert_int_equal(chown(path, 65534, 65534), 0);
		assert_false(cluster_config_load(&config, NULL, &error));
		assert_int_equal(error.code, PGBR_ERROR_CONFIG);
		assert_non_null(strstr(error.message, "belongs to another user"));
	}
	/* none is fine */
	remove_home(home, path);
	if (access(CLUSTER_CONFIG_SYSTEM, F_OK) != 0)
	{
		assert_true(cluster_config_load(&config, NULL, &error));
		assert_string_equal(config.url, "");
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_everything),	 cmocka_unit_test(test_what_was_given_wins),
		cmocka_unit_test(test_refused),		 cmocka_unit_test(test_unknown_key_is_named),
		cmocka_unit_test(test_default_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
