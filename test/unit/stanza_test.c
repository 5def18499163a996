// links: sidecar/runner/stanza_keeper sidecar/pgbackrest/other_stanza sidecar/queue/job_queue sidecar/queue/coalesced_jobs sidecar/queue/job_coalesce sidecar/queue/job_store sidecar/queue/store_db sidecar/queue/store_statement sidecar/queue/restore_store sidecar/queue/restore_lock sidecar/queue/job sidecar/pgbackrest/info_cache sidecar/pgbackrest/info_document sidecar/pgbackrest/retention_info sidecar/pgbackrest/remote_backup sidecar/pgbackrest/version sidecar/postgres/member sidecar/pgbackrest/pgbackrest_ask sidecar/pgbackrest/command_line sidecar/pgbackrest/pgbackrest sidecar/pgbackrest/pgbackrest_error sidecar/queue/queue_restores sidecar/queue/queue_facts sidecar/queue/job_turn sidecar/queue/audit_store sidecar/postgres/member_memory sidecar/postgres/psql
/*
 * stanza_test.c
 *		When a stanza is usable, when it is to be created, and what is waited for.
 */
#include "sidecar/pgbackrest/other_stanza.h"
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
		 "waiting for PostgreSQL: connection refused; its socket and port are those of "
		 "--pg-conninfo"},
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

		assert_int_equal(
			stanza_decide(&cases[i].node, &cases[i].info, "mian", "", reason, sizeof(reason)),
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
	assert_int_equal(stanza_decide(&node, &info, "main", "", reason, sizeof(reason)), STANZA_WAIT);
	assert_string_equal(reason, "protocol: HTTP request failed with 403 (Forbidden)");
}

/* The repository has this cluster under another name: neither member goes on by itself. */
static void
test_typo(void **state)
{
	InfoSnapshot info = info_of(1, 0, "missing stanza path", "");

	(void) state;
	for (int is_standby = 0; is_standby <= 1; is_standby++)
	{
		Node node = node_of(true, is_standby, "7");
		char reason[1200];

		assert_int_equal(stanza_decide(&node, &info, "mian", "main", reason, sizeof(reason)),
						 STANZA_WAIT);
		assert_string_equal(reason,
							"the repository has this database cluster as stanza \"main\": is "
							"\"mian\" a typo? If it is not, create the stanza by hand: pgbackrest "
							"--stanza=mian stanza-create");
	}
}

static void
test_other(void **state)
{
	/* of two clusters in a shared repository, the first with a database before its upgrade */
	const char *text = "[{\"name\": \"main\", \"db\": [{\"system-id\": 6}, {\"system-id\": 7}]},"
					   " {\"name\": \"main2\", \"db\": [{\"system-id\": 8}]},"
					   " {\"name\": \"a b\", \"db\": [{\"system-id\": 9}]}, {\"name\": \"empty\"}]";
	const struct
	{
		const char *stanza;
		const char *system_identifier;
		const char *other;
	} cases[] = {
		{"mian", "7", "main"}, /* a slip */
		{"main", "7", ""},	   /* it is this one */
		{"main3", "10", ""},   /* a new cluster beside others with names like its own */
		{"main3", "8", "main2"}, {"new", "6", ""}, /* that database was left behind by an upgrade */
		{"new", "9", ""},						   /* no name that we would have written */
	};
	json_t *document = json_loads(text, 0, NULL);

	(void) state;
	assert_non_null(document);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		char name[OTHER_STANZA_SIZE];

		other_stanza_find(document, cases[i].stanza, cases[i].system_identifier, name);
		assert_string_equal(name, cases[i].other);
	}
	json_decref(document);
}

static void
test_absent(void **state)
{
	Node up = node_of(true, false, "7");
	Node down = node_of(false, false, "");
	InfoSnapshot none = info_of(1, 0, "missing stanza path", "");
	InfoSnapshot in_one = info_of(1, 0, "missing stanza path", "7");
	InfoSnapshot unread = info_of(0, 1, "repo1: refused", "");

	(void) state;
	assert_true(stanza_is_absent(&up, &none));
	assert_false(stanza_is_absent(&down, &none));
	assert_false(stanza_is_absent(&up, &in_one));
	assert_false(stanza_is_absent(&up, &unread));
	none.failed = true;
	assert_false(stanza_is_absent(&up, &none));
}

/* On the repository's host no PostgreSQL is waited for. */
static void
test_repository_host(void **state)
{
	const struct
	{
		InfoSnapshot info;
		StanzaStep step;
		const char *reason;
	} cases[] = {
		{info_of(0, 0, "", "7"), STANZA_READY, "ok"},
		{info_of(1, 0, "repo1: missing stanza path", ""), STANZA_CREATE,
		 "creating the stanza: repo1: missing stanza path"},
		{info_of(1, 0, "repo1: missing stanza path", "7"), STANZA_CREATE,
		 "creating the stanza: repo1: missing stanza path"},
		{info_of(0, 1, "repo1: unreadable", ""), STANZA_WAIT,
		 "waiting for the repository: repo1: unreadable"},
		{{.failed = true, .error = "timeout", .message = "it did not end"},
		 STANZA_WAIT,
		 "timeout: it did not end"},
	};
	char reason[STANZA_REASON_SIZE];

	(void) state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		assert_int_equal(stanza_decide_repository(&cases[i].info, reason, sizeof(reason)),
						 cases[i].step);
		assert_string_equal(reason, cases[i].reason);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_decide), cmocka_unit_test(test_info_failed),
		cmocka_unit_test(test_typo),   cmocka_unit_test(test_other),
		cmocka_unit_test(test_absent), cmocka_unit_test(test_repository_host),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
