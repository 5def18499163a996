// links: ctl/client/secret_rule ctl/client/cluster ctl/client/cluster_config ctl/client/cluster_settings ctl/client/patroni_client ctl/client/http_call ctl/client/sidecar_client ctl/restore/journal_list ctl/restore/journal_document ctl/plan/state ctl/plan/plan_json ctl/plan/plan ctl/plan/step ctl/plan/request ctl/client/at_once
/*
 * cluster_test.c
 *		Where the members are, as options and files tell it; what Patroni 3 and 4 answer; and the
 *		restores that several sidecars tell of.
 */
#include "common/vocabulary.h"
#include "ctl/client/cluster_config.h"
#include "ctl/restore/journal.h"
#include "program/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static json_t *
parse(const char *text)
{
	PgbrError error;
	json_t *json = json_parse(text, strlen(text), &error);

	assert_non_null(json);
	return json;
}

static void
test_patroni_3(void **state)
{
	json_t *json = parse(
		"{\"members\": [{\"name\": \"m1\", \"role\": \"leader\", \"state\": \"running\","
		" \"api_url\": \"http://10.0.0.1:8008/patroni\", \"timeline\": 3},"
		" {\"name\": \"m2\", \"role\": \"sync_standby\", \"state\": \"running\","
		" \"api_url\": \"http://10.0.0.2:8008/patroni\", \"timeline\": 3, \"lag\": \"unknown\"}],"
		" \"pause\": true, \"scheduled_switchover\": {\"at\": \"2027-01-01T00:00:00+00:00\"}}");
	PatroniCluster cluster;
	PgbrError error;

	(void) state;
	assert_true(patroni_read_cluster(json, &cluster, &error));
	assert_int_equal(cluster.count, 2);
	assert_true(cluster.paused && cluster.switchover_scheduled && !cluster.standby);
	assert_true(cluster.members[0].leads && !cluster.members[1].leads);
	assert_string_equal(cluster.members[0].url, "http://10.0.0.1:8008");
	assert_int_equal(cluster.members[0].timeline, 3);
	assert_int_equal(cluster.members[1].lag, -1);
	json_decref(json);
}

static void
test_patroni_refused(void **state)
{
	static const char *const texts[] = {
		"{}",
		"{\"members\": [{\"role\": \"leader\"}]}",
		"{\"members\": [{\"name\": \"m1\", \"api_url\": \"file:///etc/passwd\"}]}",
		"{\"members\": [{\"name\": \"m1\", \"api_url\": \"http://user@host/\"}]}",
		"{\"members\": [{\"name\": \"m1\"}, {\"name\": \"m2\"}, {\"name\": \"m1\"}]}",
	};
	PatroniCluster cluster;
	PgbrError error;

	(void) state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
	{
		json_t *json = parse(texts[i]);

		assert_false(patroni_read_cluster(json, &cluster, &error));
		json_decref(json);
	}
}

static void
test_node(void **state)
{
	json_t *json =
		parse("{\"state\": \"running\", \"postmaster_start_time\": \"2026-11-24 11:41:32.1+00:00\","
			  " \"role\": \"master\", \"server_version\": 150020, \"timeline\": 4, \"pause\": true,"
			  " \"replication\": [{\"application_name\": \"m2\", \"state\": \"streaming\"},"
			  " {\"application_name\": \"m3\", \"state\": \"catchup\"}],"
			  " \"database_system_identifier\": \"7443\","
			  " \"patroni\": {\"version\": \"3.0.2\", \"scope\": \"pgbr\"}}");
	PatroniNode node;
	PgbrError error;

	(void) state;
	assert_true(patroni_read_node(json, &node, &error));
	assert_true(node.running && node.primary && node.paused);
	assert_string_equal(node.role, "primary");
	assert_string_equal(node.scope, "pgbr");
	assert_int_equal(node.streaming_count, 1);
	assert_string_equal(node.streaming[0], "m2");
	json_object_del(json, "postmaster_start_time");
	assert_true(patroni_read_node(json, &node, &error));
	assert_false(node.running);
	/* what is shown is shown as it can be */
	json_object_set_new(json, "role", json_string("replica\x1b[2J\nx"));
	json_object_set_new(json, "server_version", json_integer(INT64_MAX));
	json_object_set_new(json, "timeline", json_integer(4294967297));
	assert_true(patroni_read_node(json, &node, &error));
	assert_string_equal(node.role, "replica\\x1B[2J");
	assert_int_equal(node.server_version, 0);
	assert_int_equal(node.timeline, 0);
	json_object_set_new(json, "database_system_identifier", json_string("7443/.."));
	assert_false(patroni_read_node(json, &node, &error));
	json_object_set_new(json, "database_system_identifier", json_null());
	json_object_del(json, "patroni");
	assert_false(patroni_read_node(json, &node, &error));
	json_decref(json);
}

static void
test_options_win_over_file(void **state)
{
	const SidecarSettings settings = {.url = "http://127.0.0.1:8430", .timeout = 30};
	ClusterArguments arguments = {.patroni_url = "http://a:8008,http://b:8008/"};
	Cluster *cluster = calloc(1, sizeof(*cluster));
	ClusterConfig config = {.url = ""};
	const ClusterMember *held;
	PgbrError error;

	(void) state;
	arguments.sidecars.values[arguments.sidecars.count++] = "m1=http://one:1,m2=http://two:2/";
	assert_true(cluster_config_parse(&config, "file",
									 "patroni-url: http://c:8008\n"
									 "sidecar:\n  m1: http://other:1\n  m3: https://three:3\n"
									 "patroni-ca-file: /ca.pem\n",
									 &error));
	assert_true(cluster_init(cluster, &arguments, &config.cluster, &settings, &error));
	assert_int_equal(cluster->named.url_count, 2);
	assert_string_equal(cluster->named.urls[1], "http://b:8008");
	assert_int_equal(cluster->named.sidecar_count, 3);
	assert_string_equal(cluster->named.sidecars[0].url, "http://one:1");
	assert_string_equal(cluster->named.sidecars[1].url, "http://two:2");
	assert_string_equal(cluster->named.ca_file, "/ca.pem");
	assert_string_equal(cluster->patroni.ca_file, "/ca.pem");
	/* one that nobody named is beside its member's REST API */
	assert_true(cluster_add(cluster, "m4", "http://four:8008", NULL, &error));
	assert_true(cluster_add(cluster, "m0", "http://[::1]:8008", NULL, &error));
	assert_true(cluster_add(cluster, "m3", "http://4:8008", NULL, &error));
	assert_string_equal(cluster_find(cluster, "m4")->sidecar.url, "http://four:8430");
	assert_string_equal(cluster_find(cluster, "m0")->sidecar.url, "http://[::1]:8430");
	assert_string_equal(cluster_find(cluster, "m3")->sidecar.url, "https://three:3");
	assert_string_equal(cluster->members[0]->name, "m0");
	/* whoever holds on to one still has it when others come before it */
	held = cluster_find(cluster, "m0");
	assert_true(cluster_add(cluster, "a", "http://5:8008", NULL, &error));
	assert_string_equal(cluster->members[0]->name, "a");
	assert_ptr_equal(cluster->members[1], held);
	assert_string_equal(held->name, "m0");
	free(cluster);
}

/* What an answer or a journal names gets neither token nor password but by the rule. */
static void
test_whom_to_trust(void **state)
{
	SidecarSettings settings = {.url = "http://127.0.0.1:8430", .timeout = 30};
	ClusterArguments arguments = {.patroni_url = "http://a:8008"};
	Cluster *cluster = calloc(1, sizeof(*cluster));
	PgbrError error;

	(void) state;
	arguments.sidecars.values[arguments.sidecars.count++] = "m1=http://one:1";
	assert_true(cluster_init(cluster, &arguments, NULL, &settings, &error));
	assert_true(cluster_add(cluster, "m1", "http://evil:8008", "http://evil:1", &error));
	assert_string_equal(cluster_find(cluster, "m1")->sidecar.url, "http://one:1");
	assert_null(cluster_find(cluster, "m1")->sidecar.withheld);
	assert_true(cluster_add(cluster, "m2", "http://a:8008", NULL, &error));
	assert_string_equal(cluster_find(cluster, "m2")->sidecar.url, "http://a:8430");
	assert_non_null(cluster_find(cluster, "m2")->sidecar.withheld);
	assert_true(cluster_add(cluster, "m3", "https://a:8008", NULL, &error));
	assert_non_null(cluster_find(cluster, "m3")->sidecar.withheld);
	/* an address of this host, which another has told */
	assert_true(cluster_add(cluster, "m4", "http://127.0.0.1:8008", NULL, &error));
	assert_non_null(cluster_find(cluster, "m4")->sidecar.withheld);
	/* a journal, which any sidecar may have made up */
	assert_true(cluster_add(cluster, "m5", NULL, "http://evil:1", &error));
	assert_non_null(cluster_find(cluster, "m5")->sidecar.withheld);
	/* a member's address stays what it was first */
	assert_true(cluster_add(cluster, "m2", "http://evil:8008", NULL, &error));
	assert_string_equal(cluster_find(cluster, "m2")->api_url, "http://a:8008");
	assert_string_equal(cluster_find(cluster, "m2")->sidecar.url, "http://a:8430");

	settings.ca_file = "/dev/null";
	arguments.patroni_url = "http://127.0.0.1:8008";
	memset(cluster, 0, sizeof(*cluster));
	assert_true(cluster_init(cluster, &arguments, NULL, &settings, &error));
	assert_true(cluster_add(cluster, "m2", "http://127.0.0.2:8008", NULL, &error));
	assert_string_equal(cluster_find(cluster, "m2")->sidecar.url, PGBR_DEFAULT_URL);
	assert_null(cluster_find(cluster, "m2")->sidecar.withheld);
	assert_true(cluster_add(cluster, "m3", "https://a:8008", NULL, &error));
	assert_null(cluster_find(cluster, "m3")->sidecar.withheld);
	assert_true(cluster_add(cluster, "m4", NULL, "http://127.0.0.1:9", &error));
	assert_null(cluster_find(cluster, "m4")->sidecar.withheld);
	assert_true(cluster_add(cluster, "m5", "http://b:8008", NULL, &error));
	assert_non_null(cluster_find(cluster, "m5")->sidecar.withheld);
	/* a socket of the host on which the journal was begun */
	assert_true(cluster_add(cluster, "m6", "https://c:8008", "unix:/run/x.sock", &error));
	assert_string_equal(cluster_find(cluster, "m6")->sidecar.url, "https://c:8430");
	assert_true(cluster_add(cluster, "m7", NULL, PGBR_DEFAULT_URL, &error));
	assert_string_equal(cluster_find(cluster, "m7")->sidecar.url, "");
	/* another host may have a friend here */
	cluster_hear(cluster, "http://127.0.0.1:1");
	assert_true(cluster_add(cluster, "m4", NULL, "http://127.0.0.1:9", &error));
	assert_null(cluster_find(cluster, "m4")->sidecar.withheld);
	cluster_hear(cluster, "https://c:8430");
	assert_true(cluster_add(cluster, "m4", NULL, "http://127.0.0.1:9", &error));
	assert_non_null(cluster_find(cluster, "m4")->sidecar.withheld);

	arguments.trust_members = true;
	memset(cluster, 0, sizeof(*cluster));
	assert_true(cluster_init(cluster, &arguments, NULL, &settings, &error));
	assert_true(cluster_add(cluster, "m5", "http://b:8008", NULL, &error));
	assert_null(cluster_find(cluster, "m5")->sidecar.withheld);
	free(cluster);
}

static json_t *
restores(const char *first, const char *first_state, int revision, const char *second)
{
	return json_pack("{s[{ss ss si ss ss si s{}} {ss ss si ss ss si s{}}]}", "restores", "id",
					 first, "state", first_state, "revision", revision, "created_at",
					 "2026-11-24T11:41:32Z", "updated_at", "2026-11-24T11:41:32Z",
					 "holder_seconds_left", revision, "document", "id", second, "state", "done",
					 "revision", 9, "created_at", "2026-11-24T11:41:32Z", "updated_at",
					 "2026-11-24T11:41:32Z", "holder_seconds_left", 0, "document");
}

static void
test_highest_revision_counts(void **state)
{
	RestoreList list = {.count = 0};
	PgbrError error;

	(void) state;
	assert_true(restore_list_add(
		&list, "m1", restores("20261124T120000-b", "active", 4, "20261124T110000-a"), &error));
	assert_non_null(restore_list_active(&list));
	assert_true(restore_list_add(
		&list, "m2", restores("20261124T120000-b", "done", 5, "20261124T130000-c"), &error));
	assert_int_equal(list.count, 3);
	assert_int_equal(list.answered, 2);
	assert_string_equal(list.records[0].id, "20261124T130000-c");
	assert_string_equal(list.records[2].id, "20261124T110000-a");
	/* it has ended, though one member has not heard of it */
	assert_null(restore_list_active(&list));
	assert_string_equal(restore_list_find(&list, "20261124T120000-b")->state, "done");
	assert_string_equal(json_text(restore_list_told(&list, "m1", "20261124T120000-b"), "state"),
						"active");
	assert_null(restore_list_told(&list, "m3", "20261124T120000-b"));
	restore_list_done(&list);
}

static void
test_list_refused(void **state)
{
	RestoreList list = {.count = 0};
	PgbrError error;

	(void) state;
	assert_false(restore_list_add(&list, "m1", parse("{}"), &error));
	assert_false(restore_list_add(&list, "m1", restores("../x", "done", 1, "a"), &error));
	assert_false(restore_list_add(&list, "m1", parse("{\"restores\": [{\"id\": \"a\"}]}"), &error));
	assert_int_equal(list.answered, 0);
	restore_list_done(&list);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_patroni_3),	  cmocka_unit_test(test_patroni_refused),
		cmocka_unit_test(test_node),		  cmocka_unit_test(test_options_win_over_file),
		cmocka_unit_test(test_whom_to_trust), cmocka_unit_test(test_highest_revision_counts),
		cmocka_unit_test(test_list_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
