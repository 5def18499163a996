// links: sidecar/runner/stanza_keeper sidecar/queue/job_queue sidecar/queue/job_cover sidecar/queue/job_store sidecar/queue/store_db sidecar/queue/restore_store sidecar/queue/restore_lock sidecar/queue/job sidecar/pgbackrest/info_cache sidecar/pgbackrest/info_document sidecar/pgbackrest/retention_info sidecar/postgres/member sidecar/pgbackrest/pgbackrest sidecar/pgbackrest/pgbackrest_error sidecar/queue/queue_records sidecar/queue/audit_store sidecar/postgres/member_memory sidecar/postgres/psql
/*
 * stanza_test.c
 *		When a stanza is usable, when it is to be created, and what is waited for.
 */
#include "sidecar/runner/stanza_keeper.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static Node
node_of(bool running, bool is_standby, const char *system_identifier)
{
	Node node = {.running = running, .is_standby = is_standby};

	strcpy(node.system_identifier, system_identifier);
	strcpy(node.error, running ? "" : "connection refused");
	return node;
}

static InfoSnapshot
info_of(int repo_missing, int repo_ill, const char *repo_message, const char *system_id)
{
	InfoSnapshot info = {0};

	info.stanza.repo_missing = repo_missing;
	info.stanza.repo_failed = repo_missing + repo_ill;
	info.stanza.archive_repo = system_id[0] ? 2 : 0;
	strcpy(info.stanza.repo_message, repo_message);
	strcpy(info.stanza.system_id, system_id);
	return info;
}

static void
test_decide(void **state)
{
	const struct
	{
		Node node;
		InfoSnapshot info;
		StanzaStep step;
		const char *reason;
	} cases[] = {
		{node_of(false, false, ""), info_of(0, 0, "", "7"), STANZA_WAIT,
		 "waiting for PostgreSQL: connection refused"},
		{node_of(true, false, "7"), info_of(0, 0, "", "7"), STANZA_READY, "ok"},
		{node_of(true, true, "7"), info_of(0, 0, "", "7"), STANZA_READY, "ok"},
		{node_of(true, false, "8"), info_of(0, 0, "", "7"), STANZA_WAIT,
		 "the stanza belongs to the database cluster with system identifier 7, this one is 8"},
		{node_of(true, false, "7"), info_of(1, 0, "missing stanza path", ""), STANZA_CREATE,
		 "creating the stanza: missing stanza path"},
		{node_of(true, true, "7"), info_of(1, 0, "missing stanza path", ""), STANZA_WAIT,
		 "waiting for the primary's sidecar to create the stanza: missing stanza path"},
		/* one of two repositories lacks it */
		{node_of(true, false, "7"), info_of(1, 0, "missing stanza path", "7"), STANZA_CREATE,
		 "creating the stanza: missing stanza path"},
		/* one of two can't be read: that is no reason to wait, nor to create anything */
		{node_of(true, false, "7"), info_of(0, 1, "repo1: refused", "7"), STANZA_READY, "ok"},
		{node_of(true, true, "7"), info_of(0, 1, "repo1: refused", "7"), STANZA_READY, "ok"},
		{node_of(true, false, "8"), info_of(0, 1, "repo1: refused", "7"), STANZA_WAIT,
		 "the stanza belongs to the database cluster with system identifier 7, this one is 8"},
		/* none can be read */
		{node_of(true, false, "7"), info_of(0, 1, "repo1: refused", ""), STANZA_WAIT,
		 "waiting for the repository: repo1: refused"},
		{node_of(true, true, "7"), info_of(0, 2, "repo1: refused", ""), STANZA_WAIT,
		 "waiting for the repository: repo1: refused"},
		/* one can't be read, the other lacks it */
		{node_of(true, false, "7"), info_of(1, 1, "repo1: refused", ""), STANZA_CREATE,
		 "creating the stanza: repo1: refused"},
	};

	(void) state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		char reason[1200];

		assert_int_equal(stanza_decide(&cases[i].node, &cases[i].info, reason, sizeof(reason)),
						 cases[i].step);
		assert_string_equal(reason, cases[i].reason);
	}
}

static void
test_info_failed(void **state)
{
	Node node = node_of(true, false, "7");
	InfoSnapshot info = info_of(0, 0, "", "7");
	char reason[1200];

	(void) state;
	info.failed = true;
	strcpy(info.error, "protocol");
	strcpy(info.message, "HTTP request failed with 403 (Forbidden)");
	assert_int_equal(stanza_decide(&node, &info, reason, sizeof(reason)), STANZA_WAIT);
	assert_string_equal(reason, "protocol: HTTP request failed with 403 (Forbidden)");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_decide),
		cmocka_unit_test(test_info_failed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
